/* SPDX-License-Identifier: Apache-2.0 */
#include "process/io/stdio.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/fd.h"
#include "process/io/fifo.h"
#include "process/io/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * How often we look whether a client has come for what the container left in a
 * FIFO. Only while nobody reads it and the container's end is closed.
 */
#define LINGER_FIRST_S 0.01
#define LINGER_MAX_S   1.

/* How often we look whether the readers have come: a FIFO does not tell. */
#define READERS_LOOK_S 0.005

struct stream {
	struct stdio *io;
	int child_fd;     /* the container's end; owned until stdio_start() */
	int pipe_fd;      /* our end of its pipe; owned */
	struct fifo fifo; /* the client's */
	struct pump pump;
	ev_timer linger;
};

struct stdio {
	struct ev_loop *loop;
	struct stream in, out, err;
	bool terminal;
	bool is_shared; /* both outputs go to one FIFO */
	bool has_ended; /* the process */
	int master;     /* of the pty; owned; -1 without one */
	int slave; /* held, so that a container that closes its tty and opens it again is no hang-up
		    */
	void (*on_drained)(void *user);
	void *user;
	ev_timer readers_wait;
	int64_t readers_until_ns; /* monotonic */
	void (*on_readers)(void *user);
	void *readers_user;
};

static void stream_init(struct stream *s, struct stdio *io)
{
	*s = (struct stream){ .io = io, .child_fd = -1, .pipe_fd = -1, .fifo = FIFO_NONE };
	ev_init(&s->linger, NULL);
}

static void stream_fini(struct stream *s)
{
	pump_stop(&s->pump);
	ev_timer_stop(s->io->loop, &s->linger);
	fd_drop(&s->child_fd);
	fd_drop(&s->pipe_fd);
	fifo_close(&s->fifo);
}

/* Refused to users with too many large pipes; then it works as before, only slower. */
static void widen(int pipe_fd)
{
	(void)fcntl(pipe_fd, F_SETPIPE_SZ, STDIO_OUTPUT_PIPE_BYTES);
}

/* Our end does not block; the end the container uses must, and belongs to its user. */
static int make_pipe(
	struct stream *s, bool container_reads, const struct stdio_paths *owner, struct err *e)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	s->child_fd = fds[container_reads ? 0 : 1];
	s->pipe_fd = fds[container_reads ? 1 : 0];
	if (!container_reads)
		widen(s->pipe_fd);
	if (fd_set_nonblock(s->pipe_fd, true) < 0)
		return err_sys(e, "create pipe");
	if ((owner->uid || owner->gid) && fchown(s->child_fd, owner->uid, owner->gid) < 0)
		return err_sys(e, "chown pipe to %u:%u", owner->uid, owner->gid);
	return 0;
}

/* A regular file, or a device: one that waits for a carrier must not have us wait. */
static int open_file(struct stream *s, const char *path, int flags, struct err *e)
{
	s->child_fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->child_fd < 0 || fd_set_nonblock(s->child_fd, false) < 0)
		return err_sys(e, "opening file \"%s\" failed", path);
	return 0;
}

static int open_stream(struct stream *s, const char *path, bool container_reads, struct err *e)
{
	int is_fifo = fifo_is(path);
	int rc;

	if (is_fifo == 0)
		return open_file(s, path, container_reads ? O_RDONLY : O_WRONLY | O_APPEND, e);
	rc = is_fifo < 0       ? is_fifo
	     : container_reads ? fifo_open_read(&s->fifo, path)
			       : fifo_open_write(&s->fifo, path);
	if (rc < 0)
		return err_rc(e, rc, "containerd-shim: opening %s fifo \"%s\" failed",
			container_reads ? "r/o" : "w/o", path);
	if (!container_reads)
		widen(s->fifo.fd);
	return 0;
}

static bool is_set(const char *path)
{
	return path && path[0];
}

struct want {
	struct stream *stream;
	const char *path;
	bool container_reads;
};

static struct stdio *stdio_new(struct ev_loop *loop, bool terminal)
{
	struct stdio *io = calloc(1, sizeof(*io));

	if (!io)
		return NULL;
	io->loop = loop;
	io->terminal = terminal;
	io->master = io->slave = -1;
	stream_init(&io->in, io);
	stream_init(&io->out, io);
	stream_init(&io->err, io);
	ev_init(&io->readers_wait, NULL);
	return io;
}

int stdio_open(
	struct stdio **ret_io, struct ev_loop *loop, const struct stdio_paths *paths, struct err *e)
{
	struct stdio *io = stdio_new(loop, paths->terminal);

	if (!io)
		return err_oom(e);
	const struct want wants[] = {
		{ &io->in, paths->in, true }, { &io->out, paths->out, false },
		{ &io->err, paths->terminal ? NULL : paths->err,
			false }, /* a terminal has one output */
	};
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		const struct want *w = &wants[i];

		if (!is_set(w->path))
			continue;
		if (open_stream(w->stream, w->path, w->container_reads, e) < 0 ||
			(!io->terminal && w->stream->fifo.fd >= 0 &&
				make_pipe(w->stream, w->container_reads, paths, e) < 0)) {
			stdio_free(io);
			return err_wrap(e, "unable to copy pipes");
		}
	}
	/* Of one FIFO for both, the reader that the second finds is we ourselves. */
	io->is_shared =
		is_set(paths->out) && is_set(paths->err) && strcmp(paths->out, paths->err) == 0;
	if (io->is_shared)
		io->err.fifo.was_read = io->out.fifo.was_read;
	*ret_io = io;
	return 0;
}

static bool is_awaited(struct stream *s)
{
	return s->fifo.keep >= 0 && !fifo_has_reader(&s->fifo);
}

static bool are_readers_there(struct stdio *io)
{
	return !is_awaited(&io->out) && !is_awaited(&io->err);
}

static void look_for_readers(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct stdio *io = container_of(timer, struct stdio, readers_wait);

	(void)revents;
	if (!are_readers_there(io) && clock_mono_ns() < io->readers_until_ns)
		return;
	ev_timer_stop(loop, timer);
	io->on_readers(io->readers_user);
	/* io may be gone */
}

bool stdio_await_readers(struct stdio *io, void (*on_done)(void *user), void *user)
{
	/* Of a shared FIFO each of us is the other's reader: there is no telling. */
	if (io->is_shared || are_readers_there(io))
		return true;
	io->on_readers = on_done;
	io->readers_user = user;
	io->readers_until_ns = clock_mono_ns() + (int64_t)(STDIO_READERS_MAX_S * 1e9);
	ev_timer_init(&io->readers_wait, look_for_readers, READERS_LOOK_S, READERS_LOOK_S);
	ev_timer_start(io->loop, &io->readers_wait);
	return false;
}

void stdio_child_fds(const struct stdio *io, int ret[3])
{
	ret[0] = io->in.child_fd;
	ret[1] = io->out.child_fd;
	ret[2] = io->err.child_fd;
}

static bool is_draining(const struct stream *s)
{
	return s->pump.on_drained != NULL;
}

/* One stream fewer to wait for; the last one tells whoever waits. */
static void check_drained(struct stdio *io)
{
	void (*on_drained)(void *user) = io->on_drained;

	if (!on_drained || is_draining(&io->out) || is_draining(&io->err))
		return;
	io->on_drained = NULL;
	on_drained(io->user);
	/* io may be gone */
}

static void on_stream_drained(struct pump *p)
{
	check_drained(container_of(p, struct stream, pump)->io);
}

static void on_linger(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct stream *s = container_of(timer, struct stream, linger);

	(void)revents;
	if (fifo_try_close(&s->fifo)) {
		ev_timer_stop(loop, timer);
		return;
	}
	timer->repeat = timer->repeat * 2 < LINGER_MAX_S ? timer->repeat * 2 : LINGER_MAX_S;
	ev_timer_again(loop, timer);
}

/* The container's side of an output is at its end: the client shall see that, but lose nothing. */
static void on_output_end(struct pump *p)
{
	struct stream *s = container_of(p, struct stream, pump);

	fd_drop(&s->pipe_fd);
	fd_drop(&s->io->master);
	p->on_drained = NULL;
	if (!fifo_try_close(&s->fifo)) {
		ev_init(&s->linger, on_linger);
		s->linger.repeat = LINGER_FIRST_S;
		ev_timer_again(s->io->loop, &s->linger);
	}
	check_drained(s->io);
	/* s may be gone */
}

/* No client writes any more, or the container has closed its stdin. */
static void on_input_end(struct pump *p)
{
	struct stream *s = container_of(p, struct stream, pump);

	fd_drop(&s->pipe_fd);
	fifo_close(&s->fifo);
}

int stdio_set_console(struct stdio *io, int master, struct err *e)
{
	io->slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (io->slave < 0)
		return err_sys(e, "open the other end of the pty");
	io->master = master;
	return 0;
}

void stdio_set_output(struct stdio *io, int out, int err)
{
	if (!io->terminal) {
		io->out.child_fd = out;
		io->err.child_fd = err;
		return;
	}
	io->out.fifo.fd = out; /* written to only while its pump sees room */
	(void)fd_set_nonblock(out, true);
	fd_drop(&err);
}

int stdio_resize(struct stdio *io, unsigned short width, unsigned short height)
{
	const struct winsize size = { .ws_row = height, .ws_col = width };

	if (io->master < 0)
		return 0;
	return ioctl(io->master, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

/* A file that a container without a terminal would have been given is for us to read or write. */
static void take_file(struct stream *s)
{
	if (s->fifo.fd >= 0 || s->child_fd < 0)
		return;
	s->fifo.fd = take_fd(&s->child_fd);
	(void)fd_set_nonblock(s->fifo.fd, true);
}

static void start_terminal(struct stdio *io)
{
	take_file(&io->in);
	take_file(&io->out);
	/* Each pump watches the master through a descriptor of its own: epoll has one entry for
	 * each. */
	if (io->in.fifo.fd >= 0)
		io->in.pipe_fd = fcntl(io->master, F_DUPFD_CLOEXEC, 0);
	io->out.pipe_fd = take_fd(&io->master);
	io->master = fcntl(io->out.pipe_fd, F_DUPFD_CLOEXEC, 0);
	if (io->in.pipe_fd >= 0)
		pump_start_copying(
			&io->in.pump, io->loop, io->in.fifo.fd, io->in.pipe_fd, on_input_end);
	if (io->out.fifo.fd < 0)
		io->out.fifo.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pump_start_copying(
		&io->out.pump, io->loop, io->out.pipe_fd, io->out.fifo.fd, on_output_end);
}

/* Without anybody who writes, what is in the terminal now is all there will be. */
static void end_terminal(struct stdio *io)
{
	fd_drop(&io->slave);
	pump_stop(&io->in.pump);
	on_input_end(&io->in.pump);
	pump_end_when_empty(&io->out.pump);
}

void stdio_process_ended(struct stdio *io)
{
	io->has_ended = true;
	if (io->terminal)
		end_terminal(io);
}

void stdio_start(struct stdio *io)
{
	struct stream *streams[] = { &io->in, &io->out, &io->err };

	if (io->terminal) {
		start_terminal(io);
		if (io->has_ended)
			end_terminal(io); /* it was over before its pty arrived */
		return;
	}

	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		struct stream *s = streams[i];

		fd_drop(&s->child_fd);
		if (s->pipe_fd < 0)
			continue;
		if (s == &io->in)
			pump_start(&s->pump, io->loop, s->fifo.fd, s->pipe_fd, on_input_end);
		else
			pump_start(&s->pump, io->loop, s->pipe_fd, s->fifo.fd, on_output_end);
	}
}

void stdio_close_stdin(struct stdio *io)
{
	fd_drop(&io->in.fifo.keep);
}

bool stdio_drain(struct stdio *io, void (*on_drained)(void *user), void *user)
{
	bool out = pump_drain(&io->out.pump, on_stream_drained);
	bool err = pump_drain(&io->err.pump, on_stream_drained);

	if (out && err)
		return true;
	io->on_drained = on_drained;
	io->user = user;
	return false;
}

void stdio_drain_cancel(struct stdio *io)
{
	io->on_drained = NULL;
	io->out.pump.on_drained = NULL;
	io->err.pump.on_drained = NULL;
}

struct stdio *stdio_free(struct stdio *io)
{
	if (!io)
		return NULL;
	ev_timer_stop(io->loop, &io->readers_wait);
	stream_fini(&io->in);
	stream_fini(&io->out);
	stream_fini(&io->err);
	fd_drop(&io->master);
	fd_drop(&io->slave);
	free(io);
	return NULL;
}
