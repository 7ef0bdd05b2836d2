/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_CALL_H
#define PROTO_CALL_H

/*
 * call.h - one request, exactly one reply.
 *
 * A handler (server.h) is given a call. Then or in a later turn it ends the call
 * with call_reply() or call_fail(); both free it. Until then the handler may
 * keep it in a list of its own through `link`, which the call leaves when it
 * ends, and hang what it likes from `owner`.
 *
 * A client that hangs up does not end its calls, it makes them inert: the
 * operation goes on, and ends the call as usual; the reply goes nowhere.
 *
 * A call that may wait for ever is parked instead. Nobody ends it but the event
 * it waits for, so the server watches over it: see call_park().
 */

#include "base/attr.h"
#include "base/list.h"
#include "proto/message.h"

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

struct err;
struct peer;
struct server;

struct call {
	struct list link; /* the handler's */
	void *owner;      /* the handler's */

	/* The rest is private. */
	struct list in; /* of the calls of peer; once inert, of those of server */
	struct server *server;
	struct peer *peer; /* NULL once inert */
	struct ev_loop *loop;
	void *user;
	const char *service;
	const char *method;
	const ProtobufCBinaryData *payload; /* NULL once handle() has returned */
	bool *ended;                        /* while handle() runs: tell it that this is gone */
	uint32_t stream;
	int64_t deadline_ns; /* of clock_mono_ns(); 0 for none */
	ev_timer late;
	void (*on_gone)(struct call *c); /* set while parked */
};

/* What server_init() was given. */
void *call_user(const struct call *c);

/* As registered, with the server: valid as long as the tables. */
const char *call_service(const struct call *c);
const char *call_method(const struct call *c);

/* The client has hung up: nobody will see the reply. */
bool call_is_inert(const struct call *c);

/* Seconds until the client gives up, never less than a millisecond; 0 if it never does. */
double call_timeout_s(const struct call *c);

/* The encoded request, borrowed until handle() returns. Not to be asked for later. */
const ProtobufCBinaryData *call_payload(const struct call *c);

/*
 * The request, decoded and owned by the caller (auto_message). If that cannot
 * be, the call has failed and is gone: NULL, and nothing is left to do.
 */
void *call_unpack(struct call *c, const ProtobufCMessageDescriptor *type) NODISCARD;

/* Each ends the call and frees it. A reply that is too long fails it: RESOURCE_EXHAUSTED. */
void call_reply(struct call *c, const ProtobufCMessage *m);
void call_fail(struct call *c, const struct err *e);

/*
 * The call waits for something that may never happen. If the client hangs up
 * or its timeout passes first, on_gone() runs, from the loop: the owner forgets
 * the call there and must not end it. The server does that when on_gone()
 * returns, with DEADLINE_EXCEEDED if the client is still there.
 */
void call_park(struct call *c, void (*on_gone)(struct call *c));

#endif
