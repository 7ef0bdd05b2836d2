/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_ASK_H
#define SHIM_CTL_ASK_H

/*
 * ask.h - questions to a shim, one after the other; many shims at a time.
 *
 *	ask_open(&a, loop, found, &e);
 *	ask_begin(&a, "State", &req.base, ASK_ANSWER_MAX_S);
 *	...the same with others...
 *	ask_await(&a);
 *	reply = ask_take(&a, &pb__state_response__descriptor, &e);
 *	ask_close(&a);
 *
 * ask_await() runs the loop, so all that were begun go on meanwhile. It is for
 * belayctl, which has nothing else to do.
 */

#include "base/buf.h"
#include "base/err.h"
#include "proto/client.h"

#include <stdbool.h>

struct found;

/* How long a shim may take for what it does by itself, in seconds: containerd's own limit for
 * State. */
#define ASK_ANSWER_MAX_S 2.

/* How long it may take where it runs the runtime. */
#define ASK_RUNTIME_MAX_S 60.

/* Ours; the stock shim answers UNIMPLEMENTED. */
#define ASK_DEBUG_SERVICE "belay.v1.Debug"

/* Embed it; the fields are private. */
struct ask {
	struct client client;
	struct client_call call;
	struct ev_loop *loop;
	const char *service; /* of tasks, in its version */
	bool is_waiting;
	struct err err;
	struct buf reply;
};

/* The name of the Task service, in the version that its shim speaks. */
const char *task_service(const struct found *f);

int shim_connect(struct client *c, const struct found *f, struct err *e);

/* *@a is all zeroes, or was closed. */
int ask_open(struct ask *a, struct ev_loop *loop, const struct found *f, struct err *e);
void ask_close(struct ask *a);

bool ask_is_open(const struct ask *a);

/* A failure is told by ask_take(). @timeout_s 0: none. */
void ask_begin(struct ask *a, const char *method, const ProtobufCMessage *m, double timeout_s);

/* To a service that is not of tasks. */
void ask_begin_at(struct ask *a, const char *service, const char *method, const ProtobufCMessage *m,
	double timeout_s);

void ask_await(struct ask *a);

/* The reply, owned by the caller (auto_message). NULL and *e. */
void *ask_take(struct ask *a, const ProtobufCMessageDescriptor *type, struct err *e);

/* All of it: begin, await for ASK_ANSWER_MAX_S, take. */
void *ask_get(struct ask *a, const char *method, const ProtobufCMessage *m,
	const ProtobufCMessageDescriptor *type, struct err *e);

/* The same where the runtime has a part in it, and the reply says nothing. */
int ask_do(struct ask *a, const char *method, const ProtobufCMessage *m, struct err *e);

#endif
