/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_SERVER_H
#define PROTO_SERVER_H

/*
 * server.h - a listening socket that answers ttrpc calls.
 *
 * Accepts clients of our own user and group only, finds the method a request
 * names, and hands it to the handler as a struct call (call.h). What it answers
 * to nonsense is what containerd's clients expect, to the letter: they match on
 * some of it (UNIMPLEMENTED sends them from service v3 to v2). Unary calls
 * only: the task service has no others.
 *
 *	static const struct server_method task[] = {
 *		{ "Create", task_create },
 *		...
 *		{ NULL, NULL },
 *	};
 *	static const struct server_service services[] = {
 *		{ "containerd.task.v3.Task", task },
 *		{ "containerd.task.v2.Task", task },
 *		{ NULL, NULL },
 *	};
 *
 * Limits: SERVER_CONNS_MAX clients, the next is closed at once; SERVER_CALLS_MAX
 * calls, inert ones included, of which a client may have as many as are left for
 * all others, so that one that parks calls leaves half of them: the next fails
 * with RESOURCE_EXHAUSTED; and the limits of conn.h for every client. Without a free descriptor it
 *stops accepting for SERVER_PAUSE_S instead of spinning.
 */

#include "base/attr.h"
#include "base/list.h"
#include "proto/call.h"

#include <stdbool.h>
#include <stddef.h>

#include <ev.h>

#define SERVER_CONNS_MAX 4096
#define SERVER_CALLS_MAX 4096
#define SERVER_PAUSE_S   0.1

/* Must end the call, at once or later, or park it. */
struct server_method {
	const char *name;
	void (*handle)(struct call *c);
};

struct server_service {
	const char *name;
	const struct server_method *methods; /* up to a row without a name */
};

/* Embedded; the fields are private. */
struct server {
	struct ev_loop *loop;
	const struct server_service *services;
	void *user;
	int fd; /* owned; -1 once it accepts no more */
	ev_io acceptable;
	ev_timer paused;
	ev_prepare settled;
	void (*on_idle)(struct server *s);
	struct list peers;
	struct list inert; /* calls whose client is gone */
	size_t n_peers;
	size_t n_calls;           /* inert ones included */
	unsigned long n_requests; /* that reached a method since the beginning, for a dump */
};

/*
 * Takes @fd: bound, listening, close-on-exec; made non-blocking here. @services
 * ends in a row without a name and, like @user, must outlive the server. 0, or
 * -errno and @fd is still the caller's.
 */
int server_init(struct server *s, struct ev_loop *loop, int fd,
	const struct server_service *services, void *user) NODISCARD;

/* No more clients. Those that are here stay. May be called twice. */
void server_stop_accepting(struct server *s);

/* How it is, for a dump. */
struct server_load {
	size_t clients, paused_clients; /* paused: they do not read what we answer */
	size_t calls, inert_calls;      /* inert ones are among calls */
	size_t queued_bytes;            /* that clients have not read, in all */
	unsigned long requests;         /* since the beginning */
};
void server_load(const struct server *s, struct server_load *ret);

/* Every request of a client that is still here has been answered, and every byte has left. */
bool server_is_idle(const struct server *s);

/*
 * Stops accepting and calls on_idle() once, from the loop, as soon as the server
 * is idle. server_fini() may be called there.
 */
void server_drain(struct server *s, void (*on_idle)(struct server *s));

/*
 * Closes everything. Parked calls hear on_gone(); the others become inert, and
 * may still be ended after the server is gone. Not from a handler or on_gone().
 */
void server_fini(struct server *s);

#endif
