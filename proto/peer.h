/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_PEER_H
#define PROTO_PEER_H

/*
 * peer.h - one client of the server. Private to server.c and call.c: the first
 * brings frames and hang-ups, the second turns them into calls and replies.
 */

#include "base/list.h"
#include "proto/api/ttrpc.pb-c.h"
#include "proto/conn.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct server;

struct peer {
	struct conn conn;
	struct server *server;
	struct list in;    /* of server->peers */
	struct list calls; /* in flight, by their `in` */
	size_t n_calls;
	uint32_t last_stream;
};

/* Finds the method and runs it, or answers why not. @req is borrowed. */
void call_dispatch(struct peer *p, uint32_t stream, const Ttrpc__Request *req);

/* Answers on a stream that has no call. */
void peer_refuse(struct peer *p, uint32_t stream, const struct err *e);

/* The client has hung up. Its calls become inert; those that are parked move to @ret_parked. */
void calls_disown(struct peer *p, struct list *ret_parked);

/* The server is about to be gone. Calls without a client end when their handlers say so. */
void calls_detach(struct list *inert);

/* Tells the owners and frees the calls. Upcalls. */
void calls_end_parked(struct list *parked);

#endif
