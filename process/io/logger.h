/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_IO_LOGGER_H
#define PROCESS_IO_LOGGER_H

/*
 * logger.h - a program of the client's that takes a container's output (binary://).
 *
 * It gets the reading ends of two pipes as 3 and 4, the writing end of a third
 * as 5, to say that it is ready, and no environment but CONTAINER_ID and
 * CONTAINER_NAMESPACE. The container holds the other ends of the first two, and
 * after logger_started() nobody else does: the logger sees the end of the
 * container's output when it comes.
 *
 * The URI may come from an image's label by way of other programs, so a logger
 * must be an absolute path to a regular file of root's that nobody else can write.
 */

#include "base/err.h"
#include "process/io/uri.h"

#include <ev.h>

struct reaper;
struct logger; /* opaque */

/*
 * In seconds: how long a logger may take to say that it is ready; to end by
 * itself, for it has seen the end of the output; and to end when asked to.
 */
#define LOGGER_READY_MAX_S 10.
#define LOGGER_GRACE_S     1.
#define LOGGER_END_MAX_S   12.

struct logger_place {
	struct ev_loop *loop;
	struct reaper *reaper;
	const char *id; /* of the container, or of the exec */
	const char *ns;
};

/* Starts it. 0, or -1 and *e. */
int logger_start(
	struct logger **ret, const struct logger_place *at, const struct uri *uri, struct err *e);

/* The container's ends of its pipes: *ret_out and *ret_err are the caller's now. */
void logger_take_fds(struct logger *l, int *ret_out, int *ret_err);

/* True: it has said so, or clearly will not: logger_verdict(). False: @on_done follows. */
bool logger_await_ready(struct logger *l, void (*on_done)(void *user), void *user);
int logger_verdict(const struct logger *l, struct err *e);

/* Waits for its end; then SIGTERM, then SIGKILL. True: it has ended. False: @on_done follows. */
bool logger_end(struct logger *l, void (*on_done)(void *user), void *user);

/* No callback follows. Kills it if it still runs. Accepts NULL; returns NULL. */
struct logger *logger_free(struct logger *l);

#endif
