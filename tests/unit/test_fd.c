/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "base/fd.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUCH 1000000

static struct tmpdir dir;

static void assert_file(const char *name, const char *text)
{
	char *is = tmpdir_read(&dir, name);

	assert_non_null(is);
	assert_string_equal(is, text);
	free(is);
}

/* Instead of tmpdir_close(): nothing but @name is there, no half-written file beside it. */
static void close_with_only(const char *name)
{
	assert_int_equal(unlinkat(dir.fd, name, 0), 0);
	assert_int_equal(rmdir(dir.path), 0);
	fd_drop(&dir.fd);
}

TEST(non_blocking_is_set_and_taken_back_and_other_flags_stay)
{
	auto_fd int a = -1;
	auto_fd int b = -1;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	a = fds[0];
	b = fds[1];
	assert_int_equal(fcntl(b, F_SETFL, O_APPEND), 0);
	assert_int_equal(fd_set_nonblock(b, true), 0);
	assert_int_equal(fcntl(b, F_GETFL), O_WRONLY | O_APPEND | O_NONBLOCK);
	assert_int_equal(fd_set_nonblock(b, false), 0);
	assert_int_equal(fcntl(b, F_GETFL), O_WRONLY | O_APPEND);
	assert_int_equal(fd_set_nonblock(-1, true), -EBADF);
}

TEST(a_file_is_read_whole_and_appended)
{
	auto_buf struct buf b = BUF_INIT(100000);
	char *big = calloc(1, 50001);

	tmpdir_open(&dir);
	memset(big, 'x', 50000);
	tmpdir_write(&dir, "big", big);
	tmpdir_write(&dir, "empty", "");
	assert_int_equal(buf_add(&b, "<", 1), 0);
	assert_int_equal(fd_read_file(dir.fd, "big", &b), 0);
	assert_int_equal(fd_read_file(dir.fd, "empty", &b), 0);
	assert_int_equal(b.len, 50001);
	assert_memory_equal(b.data + 1, big, 50000);
	free(big);
	tmpdir_close(&dir);
}

TEST(a_file_may_have_as_many_bytes_as_the_buffer_and_not_one_more)
{
	auto_buf struct buf five = BUF_INIT(5), four = BUF_INIT(4);

	tmpdir_open(&dir);
	tmpdir_write(&dir, "file", "12345");
	assert_int_equal(fd_read_file(dir.fd, "file", &five), 0);
	assert_int_equal(fd_read_file(dir.fd, "file", &four), -EFBIG);
	tmpdir_close(&dir);
}

TEST(what_cannot_be_read_says_why)
{
	auto_buf struct buf b = BUF_INIT(100);

	tmpdir_open(&dir);
	assert_int_equal(fd_read_file(dir.fd, "missing", &b), -ENOENT);
	assert_int_equal(fd_read_file(dir.fd, ".", &b), -EISDIR);
	assert_int_equal(fd_read_file(-1, "file", &b), -EBADF);
	tmpdir_close(&dir);
}

/* Somebody may put one where a file is expected; the alarm of the harness would tell. */
TEST(a_fifo_in_the_place_of_a_file_does_not_hang_us)
{
	auto_buf struct buf b = BUF_INIT(100);

	tmpdir_open(&dir);
	assert_int_equal(mkfifoat(dir.fd, "fifo", 0600), 0);
	assert_int_equal(fd_read_file(dir.fd, "fifo", &b), 0);
	assert_int_equal(b.len, 0);
	tmpdir_close(&dir);
}

TEST(a_new_file_appears_with_its_bytes_and_mode_whatever_the_umask)
{
	struct stat st;

	tmpdir_open(&dir);
	umask(077);
	assert_int_equal(fd_replace_file(dir.fd, "file", "abc", 3, 0644), 0);
	assert_file("file", "abc");
	assert_int_equal(fstatat(dir.fd, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	close_with_only("file");
}

TEST(a_file_is_replaced_and_who_had_it_open_keeps_the_old_one)
{
	auto_fd int old = -1;
	char text[8] = "";

	tmpdir_open(&dir);
	tmpdir_write(&dir, "file", "old");
	old = openat(dir.fd, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_replace_file(dir.fd, "file", "new!", 4, 0600), 0);
	assert_file("file", "new!");
	assert_int_equal(read(old, text, sizeof(text)), 3);
	assert_string_equal(text, "old");
	close_with_only("file");
}

TEST(a_link_is_replaced_and_never_followed)
{
	struct stat st;

	tmpdir_open(&dir);
	tmpdir_write(&dir, "victim", "mine");
	assert_int_equal(symlinkat("victim", dir.fd, "file"), 0);
	assert_int_equal(fd_replace_file(dir.fd, "file", "new", 3, 0600), 0);
	assert_file("victim", "mine");
	assert_int_equal(fstatat(dir.fd, "file", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	tmpdir_close(&dir);
}

/* Left by a shim that died half-way, or planted: the name it writes to first. */
TEST(what_stands_in_the_way_of_the_new_file_is_removed_and_not_followed)
{
	char name[32];

	tmpdir_open(&dir);
	tmpdir_write(&dir, "victim", "mine");
	snprintf(name, sizeof(name), ".file.%d.new", (int)getpid());
	assert_int_equal(symlinkat("victim", dir.fd, name), 0);
	assert_int_equal(fd_replace_file(dir.fd, "file", "new", 3, 0600), 0);
	assert_file("victim", "mine");
	assert_file("file", "new");
	tmpdir_close(&dir);
}

TEST(a_replacement_that_fails_leaves_the_old_file_and_no_other)
{
	tmpdir_open(&dir);
	assert_int_equal(mkdirat(dir.fd, "taken", 0700), 0);
	assert_int_equal(fd_replace_file(dir.fd, "taken", "x", 1, 0600), -EISDIR);
	assert_int_equal(unlinkat(dir.fd, "taken", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(dir.path), 0); /* nothing else is there */
	fd_drop(&dir.fd);
}

TEST(a_name_that_leaves_no_room_for_the_temporary_one_is_refused)
{
	char name[NAME_MAX + 1];

	tmpdir_open(&dir);
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	assert_int_equal(fd_replace_file(dir.fd, name, "x", 1, 0600), -ENAMETOOLONG);
	tmpdir_close(&dir);
}

/* A number that the bytes at @at must have, so that none is lost, doubled or misplaced. */
static unsigned char byte_at(size_t at)
{
	return (unsigned char)(at * 7 + at / 251);
}

static void interrupt(int signo)
{
	(void)signo;
}

/* Interrupted all the time, so that write() does a part, or nothing. */
static int write_much(int fd)
{
	unsigned char *much = malloc(MUCH);
	struct itimerval often = { { 0, 100 }, { 0, 100 } };
	struct sigaction no_restart = { .sa_handler = interrupt };

	sigaction(SIGALRM, &no_restart, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (size_t i = 0; i < MUCH; i++)
		much[i] = byte_at(i);
	return fd_write_all(fd, much, MUCH) == 0 ? 0 : 1;
}

TEST(write_all_writes_more_than_a_pipe_holds_however_often_it_is_interrupted)
{
	unsigned char back[1000];
	size_t total = 0;
	ssize_t n;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		_exit(write_much(fds[1]));
	close(fds[1]);
	while ((n = read(fds[0], back, sizeof(back))) > 0)
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(back[i], byte_at(total++));
	assert_int_equal(total, MUCH);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

TEST(write_all_reports_a_reader_that_has_gone)
{
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	assert_int_equal(fd_write_all(fds[1], "x", 1), -EPIPE);
	assert_int_equal(fd_write_all(fds[1], "", 0), 0);
	close(fds[1]);
}

TEST(dropping_a_descriptor_twice_is_harmless_and_keeps_errno)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	errno = EINTR;
	fd_drop(&fd);
	assert_int_equal(fd, -1);
	fd_drop(&fd);
	assert_int_equal(errno, EINTR);
}

TEST(a_taken_descriptor_survives_its_first_owner)
{
	int kept;

	{
		auto_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		kept = take_fd(&fd);
		assert_int_equal(fd, -1);
	}
	assert_true(fcntl(kept, F_GETFD) >= 0);
	close(kept);
}

/* The kernel hands over what the limit allows, and says that there was more. */
TEST(descriptors_that_were_lost_on_the_way_are_counted)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	struct rlimit before, few;
	int pair[2], got = -1, n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*h = (struct cmsghdr){ CMSG_LEN(sizeof(pair)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(h), pair, sizeof(pair));
	assert_int_equal(sendmsg(pair[0], &msg, 0), 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ (rlim_t)pair[1] + 2, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	n = fd_receive(pair[1], &got);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(n, 2);
	assert_int_equal(got, -1);
	fd_drop(&pair[0]);
	fd_drop(&pair[1]);
}

#define REPLACED_BYTES 4096

static void replace_over_and_over(char letter)
{
	char text[REPLACED_BYTES];

	memset(text, letter, sizeof(text));
	for (int i = 0; i < 500; i++)
		if (fd_replace_file(dir.fd, "shared", text, sizeof(text), 0600) < 0)
			_exit(1);
	_exit(0);
}

TEST(a_file_that_several_replace_is_always_one_of_theirs)
{
	int n_ended = 0;

	tmpdir_open(&dir);
	tmpdir_write(&dir, "shared", "");
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			replace_over_and_over((char)('a' + i));
	while (n_ended < 3) {
		auto_buf struct buf text = BUF_INIT(2 * REPLACED_BYTES);
		siginfo_t si = { 0 };

		assert_int_equal(fd_read_file(dir.fd, "shared", &text), 0);
		for (size_t i = 0; i < text.len; i++)
			assert_int_equal(text.data[i], text.data[0]);
		assert_true(text.len == REPLACED_BYTES || text.len == 0);
		assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOHANG), 0);
		if (si.si_pid > 0) {
			assert_int_equal(si.si_status, 0);
			n_ended++;
		}
	}
	tmpdir_close(&dir);
}
