/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_STDIO_RIG_H
#define TESTS_UNIT_STDIO_RIG_H

/*
 * stdio_rig.h - a container's streams, with the test as the container on one
 * side and as the client of the FIFOs on the other.
 */

#include "process/io/stdio.h"
#include "tests/unit/io_rig.h"

struct scene {
	struct ev_loop *loop;
	struct tmpdir dir;
	char path[3][TMPDIR_PATH_MAX + 16];
	struct stdio *io;
	int in, out, err;    /* the container's ends */
	int to_in, from_out; /* the client's */
	size_t sent, got, total;
	bool at_end, drained;
};

enum {
	IN,
	OUT,
	ERR
};

static const char *const names[] = { "in", "out", "err" };

static inline void scene_set(struct scene *s)
{
	block_sigpipe();
	*s = (struct scene){ .loop = loop_new(), .in = -1, .out = -1, .err = -1 };
	s->to_in = s->from_out = -1;
	tmpdir_open(&s->dir);
	for (int i = IN; i <= ERR; i++) {
		make_fifo(&s->dir, names[i]);
		snprintf(s->path[i], sizeof(s->path[i]), "%s/%s", s->dir.path, names[i]);
	}
}

/* What the container does with its end must not change ours, nor block the test. */
static inline int take_end(int fd)
{
	int mine = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (mine >= 0) {
		assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		set_nonblock(mine);
	}
	return mine;
}

static inline void open_paths(struct scene *s, const char *in, const char *out, const char *err)
{
	const struct stdio_paths paths = { .in = in, .out = out, .err = err };
	struct err e = ERR_INIT;
	int fds[3];

	if (stdio_open(&s->io, s->loop, &paths, &e) < 0)
		fail_msg("%s", e.msg);
	stdio_child_fds(s->io, fds);
	s->in = take_end(fds[IN]);
	s->out = take_end(fds[OUT]);
	s->err = take_end(fds[ERR]);
}

static inline void open_streams(struct scene *s)
{
	open_paths(s, s->path[IN], s->path[OUT], s->path[ERR]);
	stdio_start(s->io);
}

static inline void scene_strike(struct scene *s)
{
	s->io = stdio_free(s->io);
	fd_drop(&s->in);
	fd_drop(&s->out);
	fd_drop(&s->err);
	fd_drop(&s->to_in);
	fd_drop(&s->from_out);
	for (int i = IN; i <= ERR; i++)
		expect_free(&s->dir, names[i]);
	ev_loop_destroy(s->loop);
	tmpdir_close(&s->dir);
}

static inline void settle(struct scene *s)
{
	for (int i = 0; i < 50; i++)
		loop_run_once(s->loop);
}

static inline void attend(struct scene *s)
{
	s->from_out = open_in(&s->dir, "out", O_RDONLY | O_NONBLOCK);
}

/* Until neither side takes any more. */
static inline void fill_up(struct scene *s)
{
	for (int i = 0; i < 100; i++) {
		s->sent = write_pattern(s->out, s->sent, SIZE_MAX);
		loop_run_once(s->loop);
	}
	s->total = s->sent;
}

/* The container writes until all is written, and then closes; the client reads. */
static inline bool output_flows(void *arg)
{
	struct scene *s = arg;

	if (s->out >= 0)
		s->sent = write_pattern(s->out, s->sent, s->total);
	if (s->sent == s->total)
		fd_drop(&s->out);
	if (s->from_out >= 0)
		s->got = read_pattern(s->from_out, s->got, &s->at_end);
	return !s->at_end;
}

#endif
