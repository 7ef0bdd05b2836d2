/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_IO_STDIO_H
#define PROCESS_IO_STDIO_H

/*
 * stdio.h - the three streams of a container process.
 *
 *	stdio_open()       pipes for the container, FIFOs of the client
 *	stdio_child_fds()  what the runtime gets as 0, 1 and 2
 *	stdio_start()      the runtime has them: let the bytes flow
 *	stdio_drain()      the process is gone: flush what it left in the pipes
 *	stdio_free()       whatever that loses
 *
 * The container never gets the client's FIFO itself, only a pipe of ours: a
 * client that comes and goes is invisible to it. An absent or slow reader
 * fills the pipes and then stops the container, as a terminal would; it costs
 * no memory here and stalls nobody else. Once a stream of the container is at
 * its end, our ends of its FIFO are closed, for clients wait for that.
 *
 * With a terminal there are no pipes: the container has a pty, whose master
 * stdio_set_console() brings. Then the end of its output is the end of the
 * process: stdio_process_ended().
 *
 * A path that is no FIFO (a regular file, /dev/null) is handed to the
 * container directly: a file cannot be watched, and need not be.
 */

#include "base/err.h"

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

struct stdio; /* opaque */

/*
 * What each of the two pipes between a container and the reader of its output
 * may hold. With the kernel's 64 KiB a single write of a busy program fills
 * one, and every write costs some changes of the running process.
 */
#define STDIO_OUTPUT_PIPE_BYTES (256 * 1024)

/* As the client named them; NULL or "" is /dev/null. Borrowed during stdio_open(). */
struct stdio_paths {
	const char *in, *out, *err;
	bool terminal;
	uid_t uid; /* and gid: who will own the pipes */
	gid_t gid;
};

/* Never waits for a client. 0, or -1 and *e. */
int stdio_open(struct stdio **ret_io, struct ev_loop *loop, const struct stdio_paths *paths,
	struct err *e);

/*
 * A client opens its FIFOs in the background and cancels those that are not open
 * yet when its task is over (containerd: Task.Delete in client/task.go): what a
 * short-lived container wrote would be lost to a client that a busy machine has
 * kept waiting. So what runs the container waits for the readers, for so many
 * seconds at most, then goes on without: a client may have none.
 */
#define STDIO_READERS_MAX_S 2.

/*
 * True: the readers of all outputs are there, or cannot be told. False: @on_done(@user)
 * follows when they are, or when the time is over; stdio_free() cancels it. Before stdio_start().
 */
bool stdio_await_readers(struct stdio *io, void (*on_done)(void *user), void *user);

/* Borrowed until stdio_start() or stdio_free(). */
void stdio_child_fds(const struct stdio *io, int ret[3]);

void stdio_start(struct stdio *io);

/* Takes @master, before stdio_start(). 0, or -1 and *e; then it is still the caller's. */
int stdio_set_console(struct stdio *io, int master, struct err *e);

/*
 * Takes descriptors for an output that needs no relay of ours: a log file, or a
 * logger's pipes. They go to the container, or take the terminal's output.
 */
void stdio_set_output(struct stdio *io, int out, int err);

/* 0, also without a terminal; or -errno. */
int stdio_resize(struct stdio *io, unsigned short width, unsigned short height);

/* The process has exited: what its terminal still holds is all there will be. */
void stdio_process_ended(struct stdio *io);

/* Gives up our hold on the client's stdin: the container sees its end once every client has. */
void stdio_close_stdin(struct stdio *io);

/*
 * Flushes what the container's pipes hold now. True: done. False: a client is
 * slow; @on_drained(@user) follows, unless stdio_drain_cancel() comes first.
 */
bool stdio_drain(struct stdio *io, void (*on_drained)(void *user), void *user);
void stdio_drain_cancel(struct stdio *io);

/* Closes everything. Accepts NULL and the half-opened; returns NULL. */
struct stdio *stdio_free(struct stdio *io);

#endif
