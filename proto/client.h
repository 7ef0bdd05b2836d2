/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_CLIENT_H
#define PROTO_CLIENT_H

/*
 * client.h - ttrpc calls to somebody else: events to containerd, and belayctl.
 *
 *	client_init(&p->client, loop, "k8s.io", on_closed);
 *	if (client_connect(&p->client, "/run/containerd/containerd.sock.ttrpc", e) < 0)
 *		return -1;
 *	p->call = (struct client_call){
 *		.service = "...", .method = "...", .timeout_s = 5, .on_done = forwarded,
 *	};
 *	if (client_call_start(&p->client, &p->call, &request.base, e) < 0)
 *		return -1;
 *
 * A call that started ends exactly once: on_done() runs, from the loop, or its
 * owner cancels it, or the owner of the client closes it. When the other end
 * closes, every call fails with UNAVAILABLE, oldest first, and then on_closed()
 * tells the owner of the client, who may connect again.
 *
 * In on_done() the call may start again or be freed, and the client may be
 * closed and connect anew; but its memory must stay until on_done() returns. In
 * on_closed() it may be freed.
 *
 * Limits: CLIENT_CALLS_MAX calls wait at a time; nothing starts while more than
 * CONN_QUEUE_PAUSE bytes wait for the other end to read them.
 */

#include "base/attr.h"
#include "base/list.h"
#include "proto/conn.h"
#include "proto/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#define CLIENT_CALLS_MAX 1024

struct err;

/* Embedded. */
struct client_call {
	/* Set before client_call_start(); the names are borrowed until it returns. */
	const char *service;
	const char *method;
	double timeout_s; /* 0 for none */

	/*
	 * @e is NULL on success; @payload, @n bytes, is the encoded reply, borrowed
	 * until return. Otherwise @e says why: what the other end answered,
	 * DEADLINE_EXCEEDED, or UNAVAILABLE when the connection is gone.
	 */
	void (*on_done)(
		struct client_call *call, const struct err *e, const uint8_t *payload, size_t n);

	/* The rest is private. */
	struct client *client;
	struct list in;
	uint32_t stream;
	ev_timer late;
};

/* Embedded; the fields are private. */
struct client {
	struct conn conn;
	struct ev_loop *loop;
	const char *namespace;
	void (*on_closed)(struct client *c, int sys);
	struct list calls; /* oldest first */
	size_t n_calls;
	uint32_t next_stream;
	unsigned int life; /* counts client_close(): was it called in an upcall? */
};

/*
 * @namespace goes with every call, if not NULL; borrowed until client_close().
 * on_closed() is told 0 when the other end closed, or an errno.
 */
void client_init(struct client *c, struct ev_loop *loop, const char *namespace,
	void (*on_closed)(struct client *c, int sys));

/*
 * To a unix socket, with or without "unix://" in front. Never waits: when the
 * backlog is full that is an error too, e->sys is EAGAIN, and the caller may
 * try again later, as for ENOENT and ECONNREFUSED.
 */
int client_connect(struct client *c, const char *path, struct err *e) NODISCARD;

/* Takes @fd: connected, non-blocking, close-on-exec. */
void client_attach(struct client *c, int fd);

static inline bool client_is_open(const struct client *c)
{
	return conn_is_open(&c->conn);
}

/* @request is encoded before it returns. If it fails, on_done() will not run. */
int client_call_start(struct client *c, struct client_call *call, const ProtobufCMessage *request,
	struct err *e) NODISCARD;

/* on_done() will not run. The other end is not told: ttrpc has no word for it. */
void client_call_cancel(struct client_call *call);

/* Cancels all calls and closes, without a word to anybody. May be called twice. */
void client_close(struct client *c);

#endif
