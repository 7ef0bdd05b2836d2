/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/socket.h"

#include "base/auto.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* printf '%s' /run/containerd/containerd.sock/k8s.io/0123456789abcdef | sha256sum */
#define KNOWN_GROUP "0123456789abcdef"
#define KNOWN_HASH  "a1516fb9360830ba76705961d0f826b1118eac1dcf4c026f5d98ab29a95b6f39"

/* printf '%s' /k8s.io/c1 | sha256sum */
#define ROOT_HASH "d292bffa06e3bdc64c4e249c9a05e1ac2098ef48da9e296df1b9c1c929031525"

/* printf '%s' /a/c/default/pod | sha256sum */
#define CLEAN_HASH "2ce9a61ea6d3af9dcdbe70dc8daf8627d4acc2a386229b2bc9dc9a92e5540066"

static void expect_path(const char *address, const char *ns, const char *group, const char *hash)
{
	const struct socket_name name = { "/run/containerd/s", address, ns, group };
	char path[SOCKET_PATH_MAX + 1], wanted[SOCKET_PATH_MAX + 1];
	struct err e = ERR_INIT;

	assert_int_equal(socket_path(path, &name, &e), 0);
	snprintf(wanted, sizeof(wanted), "/run/containerd/s/%s", hash);
	assert_string_equal(path, wanted);
}

TEST(the_name_is_the_hash_containerd_computes)
{
	expect_path("/run/containerd/containerd.sock", "k8s.io", KNOWN_GROUP, KNOWN_HASH);
	expect_path("", "k8s.io", "c1", ROOT_HASH);
}

TEST(the_address_is_cleaned_as_go_cleans_paths)
{
	expect_path("/a/c", "default", "pod", CLEAN_HASH);
	expect_path("//a///c//", "default", "pod", CLEAN_HASH);
	expect_path("/a/./c/.", "default", "pod", CLEAN_HASH);
	expect_path("/a/b/../c", "default", "pod", CLEAN_HASH);
	expect_path("/a/x/y/../../c", "default", "pod", CLEAN_HASH);
	expect_path("/../../a/c", "default", "pod", CLEAN_HASH);
	expect_path("/a/c/...", "..", "default/pod", CLEAN_HASH);
}

TEST(groups_and_namespaces_have_sockets_of_their_own)
{
	const struct socket_name names[] = {
		{ "/s", "/a", "n", "g" },
		{ "/s", "/a", "n", "h" },
		{ "/s", "/a", "m", "g" },
		{ "/s", "/b", "n", "g" },
	};
	char path[ARRAY_LEN(names)][SOCKET_PATH_MAX + 1];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(socket_path(path[i], &names[i], &e), 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(path[i], path[j]);
	}
}

TEST(a_path_containerd_cannot_dial_is_refused)
{
	struct socket_name name = { NULL, "/a", "n", "g" };
	char dir[SOCKET_PATH_MAX], path[SOCKET_PATH_MAX + 1] = "untouched";
	struct err e = ERR_INIT;

	memset(dir, 'd', sizeof(dir));
	dir[0] = '/';
	dir[SOCKET_PATH_MAX - 65] = '\0'; /* with a slash and 64 digits it fits exactly */
	name.dir = dir;
	assert_int_equal(socket_path(path, &name, &e), 0);
	assert_int_equal(strlen(path), SOCKET_PATH_MAX);
	dir[SOCKET_PATH_MAX - 65] = 'd';
	dir[SOCKET_PATH_MAX - 64] = '\0';
	assert_int_equal(socket_path(path, &name, &e), -1);
	assert_non_null(strstr(e.msg, "is longer than 106 bytes"));
	assert_int_equal(e.status, STATUS_INVALID_ARGUMENT);
}

TEST(names_longer_than_any_path_are_refused)
{
	auto_free char *endless = calloc(1, PATH_MAX + 1);
	struct socket_name name = { "/s", endless, "n", "g" };
	char path[SOCKET_PATH_MAX + 1];
	struct err e = ERR_INIT;

	memset(endless, 'x', PATH_MAX);
	assert_int_equal(socket_path(path, &name, &e), -1);
	assert_string_equal(e.msg, "address, namespace and group are too long");
}

struct scene {
	struct tmpdir dir;
	char path[TMPDIR_PATH_MAX + 32];
};

static void scene_set(struct scene *s)
{
	tmpdir_open(&s->dir);
	snprintf(s->path, sizeof(s->path), "%s/state/s/socket", s->dir.path);
}

static int listen_there(const struct scene *s)
{
	struct err e = ERR_INIT;
	int fd = -7;

	if (socket_listen(s->path, &fd, &e) < 0)
		fail_msg("%s", e.msg);
	return fd;
}

static void expect_mode(const struct scene *s, const char *name, mode_t mode)
{
	struct stat st;

	assert_int_equal(fstatat(s->dir.fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

TEST(nobody_else_may_connect_whatever_the_umask)
{
	static const mode_t masks[] = { 0, 022, 077 };

	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		auto_fd int fd = -1;
		struct scene s;

		scene_set(&s);
		umask(masks[i]);
		fd = listen_there(&s);
		assert_true(fd >= 0);
		expect_mode(&s, "state/s/socket", 0600);
		expect_mode(&s, "state/s", 0700);
		expect_mode(&s, "state", 0700);
		assert_int_equal(umask(0), masks[i]); /* it is as it was */
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		tmpdir_close(&s.dir);
	}
}

TEST(a_folder_that_exists_keeps_its_mode)
{
	struct scene s;

	scene_set(&s);
	umask(0);
	assert_int_equal(mkdirat(s.dir.fd, "state", 0711), 0);
	close(listen_there(&s));
	expect_mode(&s, "state", 0711);
	expect_mode(&s, "state/s", 0700);
	tmpdir_close(&s.dir);
}

TEST(where_somebody_serves_nobody_else_does)
{
	auto_fd int first = -1;
	struct scene s;

	scene_set(&s);
	assert_false(socket_answers(s.path));
	first = listen_there(&s);
	assert_true(socket_answers(s.path));
	assert_int_equal(listen_there(&s), -1);
	assert_int_equal(socket_remove_dead(s.path), 0);
	assert_true(socket_answers(s.path));
	tmpdir_close(&s.dir);
}

TEST(what_is_left_of_the_dead_is_replaced)
{
	auto_fd int second = -1;
	struct scene s;

	scene_set(&s);
	close(listen_there(&s));
	assert_false(socket_answers(s.path));
	second = listen_there(&s);
	assert_true(second >= 0);
	assert_true(socket_answers(s.path));
	tmpdir_close(&s.dir);
}

/* Nobody serves there, and nobody can. */
TEST(what_cannot_be_replaced_is_no_shim_that_serves)
{
	struct err e = ERR_INIT;
	struct scene s;
	int fd = -1;

	scene_set(&s);
	close(listen_there(&s)); /* and so the folder is there */
	assert_int_equal(unlink(s.path), 0);
	assert_int_equal(mkdir(s.path, 0700), 0);
	assert_int_equal(socket_listen(s.path, &fd, &e), -1);
	assert_int_equal(e.sys, EADDRINUSE);
	assert_int_equal(socket_remove_dead(s.path), -EISDIR);
	assert_int_equal(rmdir(s.path), 0);
	tmpdir_close(&s.dir);
}

TEST(a_socket_of_the_dead_can_be_removed)
{
	struct scene s;
	struct stat st;

	scene_set(&s);
	close(listen_there(&s));
	assert_int_equal(socket_remove_dead(s.path), 0);
	assert_int_equal(stat(s.path, &st), -1);
	assert_int_equal(socket_remove_dead(s.path), 0); /* gone already is as good */
	assert_int_equal(socket_remove_dead("relative/path"), -EINVAL);
	tmpdir_close(&s.dir);
}

/* Its backlog is full, so it lives; and nobody may wait for it. */
TEST(one_who_is_busy_serves_all_the_same)
{
	auto_fd int fd = -1;
	struct scene s;

	scene_set(&s);
	fd = listen_there(&s);
	assert_int_equal(listen(fd, 0), 0);
	assert_true(socket_answers(s.path)); /* that one stays in the backlog */
	for (int i = 0; i < 5; i++)
		assert_true(socket_answers(s.path));
	assert_int_equal(listen_there(&s), -1);
	tmpdir_close(&s.dir);
}

enum {
	STARTERS = 8
};

/* Each tries to listen, says how that went, and stays until it is killed. */
static pid_t starter(const struct scene *s, int gate, int results)
{
	struct err e = ERR_INIT;
	pid_t pid = fork();
	int fd = -1;
	char byte;

	if (pid != 0)
		return pid;
	(void)!read(gate, &byte, 1); /* until all are here */
	byte = socket_listen(s->path, &fd, &e) < 0 ? 'e' : fd < 0 ? 'n' : 'y';
	(void)!write(results, &byte, 1);
	for (;;)
		pause();
}

static int count_serving(const struct scene *s)
{
	int serving = 0, failed = 0, gate[2], results[2];
	pid_t pid[STARTERS];
	char said;

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	assert_int_equal(pipe2(results, O_CLOEXEC), 0);
	for (int i = 0; i < STARTERS; i++)
		pid[i] = starter(s, gate[0], results[1]);
	assert_int_equal(write(gate[1], "12345678", STARTERS), STARTERS);
	for (int i = 0; i < STARTERS; i++) {
		assert_int_equal(read(results[0], &said, 1), 1);
		serving += said == 'y';
		failed += said == 'e';
	}
	for (int i = 0; i < STARTERS; i++) {
		assert_int_equal(kill(pid[i], SIGKILL), 0);
		assert_int_equal(waitpid(pid[i], NULL, 0), pid[i]);
	}
	close(gate[0]);
	close(gate[1]);
	close(results[0]);
	close(results[1]);
	assert_int_equal(failed, 0);
	return serving;
}

TEST(of_many_who_start_at_once_one_serves)
{
	struct scene s;

	scene_set(&s);
	assert_int_equal(count_serving(&s), 1);
	tmpdir_close(&s.dir);
}

/*
 * Two that find a dead socket: the first removes it, binds and listens; the
 * second, which had asked before, then removes the socket of the first.
 */
TEST(of_many_who_find_a_dead_socket_one_serves)
{
	struct scene s;

	scene_set(&s);
	for (int i = 0; i < 200; i++) {
		close(listen_there(&s));
		assert_int_equal(count_serving(&s), 1);
	}
	tmpdir_close(&s.dir);
}

TEST(a_path_that_is_too_long_or_cannot_be_made_is_named)
{
	char path[200];
	struct err e = ERR_INIT;
	int fd = -7;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(socket_listen(path, &fd, &e), -1);
	assert_non_null(strstr(e.msg, "file name too long"));
	assert_int_equal(socket_listen("/proc/nowhere/socket", &fd, &e), -1);
	assert_non_null(strstr(e.msg, "create /proc/nowhere: "));
	assert_int_equal(fd, -7);
	assert_false(socket_answers(path));
}

TEST(a_listening_descriptor_knows_its_path)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	auto_fd int fd = -1;
	struct scene s;

	scene_set(&s);
	fd = listen_there(&s);
	socket_path_of(fd, path);
	assert_string_equal(path, s.path);
	fd_drop(&fd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socket_path_of(fd, path);
	assert_string_equal(path, "");
	socket_path_of(-1, path);
	assert_string_equal(path, "");
	tmpdir_close(&s.dir);
}
