/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_IO_RIG_H
#define TESTS_UNIT_IO_RIG_H

/*
 * io_rig.h - clients of FIFOs, and bytes that can be told apart.
 */

#include "base/auto.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_BYTES (64 * 1024) /* what a pipe holds */

/* What a stream carries at @at: no period that a pipe or page could hide. */
static inline unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 2654435761u >> 13);
}

/* Writes as much of the pattern from @at to @total as fits now; the new @at. */
static inline size_t write_pattern(int fd, size_t at, size_t total)
{
	unsigned char chunk[4096];
	ssize_t n = 1;

	while (at < total && n > 0) {
		size_t len = total - at < sizeof(chunk) ? total - at : sizeof(chunk);

		for (size_t i = 0; i < len; i++)
			chunk[i] = pattern(at + i);
		n = write(fd, chunk, len);
		if (n > 0)
			at += (size_t)n;
		else
			assert_int_equal(errno, EAGAIN);
	}
	return at;
}

/* Reads what there is now and compares; the new @at. At the end of the stream *ret_end is true. */
static inline size_t read_pattern(int fd, size_t at, bool *ret_end)
{
	unsigned char chunk[4096];
	ssize_t n;

	*ret_end = false;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (chunk[i] != pattern(at))
				fail_msg("byte %zu is wrong", at);
	if (n < 0)
		assert_int_equal(errno, EAGAIN);
	*ret_end = n == 0;
	return at;
}

static inline void block_sigpipe(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGPIPE);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

static inline void set_nonblock(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

/* Of a FIFO in @dir. */
static inline int open_in(const struct tmpdir *dir, const char *name, int mode)
{
	int fd = openat(dir->fd, name, mode | O_CLOEXEC);

	if (fd < 0)
		fail_msg("open %s: %s", name, strerror(errno));
	return fd;
}

static inline void make_fifo(const struct tmpdir *dir, const char *name)
{
	assert_int_equal(mkfifoat(dir->fd, name, 0600), 0);
}

/*
 * A client that opens its end with an open() that blocks, as containerd's do,
 * and reads to the end; it exits with the number of bytes, 255 at most.
 */
static inline pid_t blocking_reader(const struct tmpdir *dir, const char *name)
{
	char path[TMPDIR_PATH_MAX + 16], chunk[4096];
	size_t total = 0;
	pid_t pid;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir->path, name);
	pid = fork();
	if (pid != 0)
		return pid;
	close_range(3, ~0U, 0); /* what the test holds is not to be held by another */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
		total += (size_t)n;
	_exit(fd < 0 ? 254 : total < 253 ? (int)total : 253);
}

/* Whether the process waits in the kernel, which for a reader above is in open() or read(). */
static inline bool is_asleep(pid_t pid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
	fclose(f);
	return state == 'S';
}

struct ready {
	ev_io watcher;
	bool is_ready;
};

static inline void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)revents;
	container_of(w, struct ready, watcher)->is_ready = true;
	ev_io_stop(loop, w);
}

/* Runs the loop until @fd has something to read, or its end. */
static inline void await_readable(struct ev_loop *loop, int fd)
{
	struct ready r = { .is_ready = false };

	ev_io_init(&r.watcher, on_readable, fd, EV_READ);
	ev_io_start(loop, &r.watcher);
	loop_run_until(loop, &r.is_ready);
}

/* The number of bytes a blocking_reader() got. The loop gets its events while it reads. */
static inline int reader_result(struct ev_loop *loop, pid_t pid)
{
	auto_fd int pidfd = pidfd_open(pid, 0);
	siginfo_t si = { 0 };

	await_readable(loop, pidfd);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	assert_int_equal(si.si_code, CLD_EXITED);
	return si.si_status;
}

static inline void expect_free(const struct tmpdir *dir, const char *name)
{
	auto_fd int out = openat(dir->fd, name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	auto_fd int in = -1;
	char byte;

	if (out >= 0)
		fail_msg("somebody still reads %s", name);
	in = open_in(dir, name, O_RDONLY | O_NONBLOCK);
	if (read(in, &byte, 1) != 0)
		fail_msg("somebody still writes %s", name);
}

#endif
