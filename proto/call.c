/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/call.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/turn.h"
#include "proto/peer.h"
#include "proto/server.h"
#include "proto/status.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S        1e9
#define TIMEOUT_LEAST_S 0.001

/* A response that carries a status: the text, its code, and room for tags and lengths. */
#define STATUS_RESPONSE_MAX (ERR_MSG_MAX + 64)

/* --- replies --- */

static void send_response(struct peer *p, uint32_t stream, const uint8_t *bytes, size_t n)
{
	struct frame f = { .len = (uint32_t)n, .stream = stream, .type = FRAME_RESPONSE };

	/* If it fails, the connection is lost and the server will hear of it from there. */
	(void)conn_send(&p->conn, &f, bytes);
}

/* From the stack: that we are out of memory can still be said. */
void peer_refuse(struct peer *p, uint32_t stream, const struct err *e)
{
	Ttrpc__Response response = TTRPC__RESPONSE__INIT;
	uint8_t bytes[STATUS_RESPONSE_MAX];
	struct status_message status;

	status_encode(e, &status);
	response.status = &status.pb;
	assert(protobuf_c_message_get_packed_size(&response.base) <= sizeof(bytes));
	send_response(p, stream, bytes, protobuf_c_message_pack(&response.base, bytes));
}

/* -ENOBUFS when the response would be longer than a frame, -ENOMEM. */
static int pack_response(const ProtobufCMessage *m, struct buf *out)
{
	auto_buf struct buf payload = BUF_INIT(FRAME_DATA_MAX);
	Ttrpc__Response response = TTRPC__RESPONSE__INIT;
	int rc = message_pack(m, &payload);

	if (rc < 0)
		return rc;
	response.payload = (ProtobufCBinaryData){ .len = payload.len, .data = payload.data };
	return message_pack(&response.base, out);
}

static void respond(struct peer *p, uint32_t stream, const ProtobufCMessage *m)
{
	auto_buf struct buf out = BUF_INIT(FRAME_DATA_MAX);
	int rc = pack_response(m, &out);
	struct err e;

	if (rc == 0) {
		send_response(p, stream, out.data, out.len);
		return;
	}
	if (rc == -ENOBUFS)
		err_set(&e, STATUS_RESOURCE_EXHAUSTED,
			"message length %zu exceed maximum message size of %u",
			protobuf_c_message_get_packed_size(m), FRAME_DATA_MAX);
	else
		err_oom(&e);
	peer_refuse(p, stream, &e);
}

/* --- the end --- */

static void call_free(struct call *c)
{
	list_remove(&c->link);
	list_remove(&c->in);
	ev_timer_stop(c->loop, &c->late);
	if (c->ended)
		*c->ended = true;
	if (c->peer)
		c->peer->n_calls--;
	if (c->server)
		c->server->n_calls--;
	free(c);
}

void call_reply(struct call *c, const ProtobufCMessage *m)
{
	if (c->peer)
		respond(c->peer, c->stream, m);
	call_free(c);
}

void call_fail(struct call *c, const struct err *e)
{
	if (c->peer)
		peer_refuse(c->peer, c->stream, e);
	call_free(c);
}

/* --- what a handler may ask --- */

void *call_user(const struct call *c)
{
	return c->user;
}

const char *call_service(const struct call *c)
{
	return c->service;
}

const char *call_method(const struct call *c)
{
	return c->method;
}

bool call_is_inert(const struct call *c)
{
	return !c->peer;
}

double call_timeout_s(const struct call *c)
{
	double left_s;

	if (c->deadline_ns == 0)
		return 0;
	left_s = (double)(c->deadline_ns - clock_mono_ns()) / NS_PER_S;
	return left_s > TIMEOUT_LEAST_S ? left_s : TIMEOUT_LEAST_S;
}

const ProtobufCBinaryData *call_payload(const struct call *c)
{
	assert(c->payload);
	return c->payload;
}

void *call_unpack(struct call *c, const ProtobufCMessageDescriptor *type)
{
	const ProtobufCBinaryData *payload = call_payload(c);
	void *m = message_unpack(type, payload->data, payload->len);
	struct err e;

	if (m)
		return m;
	err_set(&e, STATUS_INTERNAL, "ttrpc: error unmarshalling payload: %zu bytes are no %s",
		payload->len, type->short_name);
	call_fail(c, &e);
	return NULL;
}

/* --- waiting --- */

static int too_late(struct err *e)
{
	return err_set(e, STATUS_DEADLINE_EXCEEDED, "context deadline exceeded");
}

static void on_late(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct call *c = container_of(w, struct call, late);
	struct err e;

	(void)loop;
	(void)revents;
	c->on_gone(c); /* the owner has forgotten c, which is still ours */
	too_late(&e);
	call_fail(c, &e);
}

/* A client that is gone already counts as late now: on_gone() always comes from the loop. */
void call_park(struct call *c, void (*on_gone)(struct call *c))
{
	c->on_gone = on_gone;
	if (c->peer && c->deadline_ns == 0)
		return;
	ev_timer_set(&c->late, c->peer ? call_timeout_s(c) : 0., 0.);
	ev_timer_start(c->loop, &c->late);
}

void calls_disown(struct peer *p, struct list *ret_parked)
{
	list_each (it, &p->calls) {
		struct call *c = container_of(it, struct call, in);

		c->peer = NULL;
		list_remove(it);
		list_append(c->on_gone ? ret_parked : &c->server->inert, it);
	}
}

void calls_detach(struct list *inert)
{
	struct list parked;

	list_init(&parked);
	list_each (it, inert) {
		struct call *c = container_of(it, struct call, in);

		c->server = NULL;
		list_remove(it);
		if (c->on_gone)
			list_append(&parked, it);
	}
	calls_end_parked(&parked);
}

/* An owner may end other calls of the list while it forgets this one. */
void calls_end_parked(struct list *parked)
{
	struct list *first;

	while ((first = list_first(parked))) {
		struct call *c = container_of(first, struct call, in);

		list_remove(first);
		c->on_gone(c);
		call_free(c);
	}
}

/* --- the beginning --- */

static const struct server_service *find_service(const struct server *s, const char *name)
{
	const struct server_service *it = s->services;

	while (it->name && strcmp(it->name, name) != 0)
		it++;
	return it->name ? it : NULL;
}

static const struct server_method *find_method(const struct server_service *s, const char *name)
{
	const struct server_method *it = s->methods;

	while (it->name && strcmp(it->name, name) != 0)
		it++;
	return it->name ? it : NULL;
}

static int64_t deadline_after(int64_t timeout_ns)
{
	int64_t at;

	if (timeout_ns == 0)
		return 0;
	return __builtin_add_overflow(clock_mono_ns(), timeout_ns, &at) ? INT64_MAX : at;
}

static struct call *call_new(struct peer *p, uint32_t stream, const Ttrpc__Request *req)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = p->server;
	c->peer = p;
	c->loop = p->server->loop;
	c->user = p->server->user;
	c->stream = stream;
	c->payload = &req->payload;
	c->deadline_ns = deadline_after(req->timeout_nano);
	list_init(&c->link);
	ev_init(&c->late, on_late);
	list_append(&p->calls, &c->in);
	p->n_calls++;
	p->server->n_calls++;
	return c;
}

/* The call whose method *ret_method is, or NULL and @e. */
static struct call *call_open(struct peer *p, uint32_t stream, const Ttrpc__Request *req,
	const struct server_method **ret_method, struct err *e)
{
	const struct server_service *service = find_service(p->server, req->service);
	const struct server_method *method = service ? find_method(service, req->method) : NULL;
	struct call *c = NULL;

	if (!service)
		err_set(e, STATUS_UNIMPLEMENTED, "service %s", req->service);
	else if (!method)
		err_set(e, STATUS_UNIMPLEMENTED, "method %s", req->method);
	else if (req->timeout_nano < 0)
		too_late(e);
	else if (p->n_calls >= SERVER_CALLS_MAX - p->server->n_calls)
		err_set(e, STATUS_RESOURCE_EXHAUSTED,
			"%zu calls of this client are in flight, and %zu of all", p->n_calls,
			p->server->n_calls);
	else if (!(c = call_new(p, stream, req)))
		err_oom(e);
	if (!c)
		return NULL;
	c->service = service->name;
	c->method = method->name;
	*ret_method = method;
	return c;
}

void call_dispatch(struct peer *p, uint32_t stream, const Ttrpc__Request *req)
{
	const struct server_method *method;
	bool ended = false;
	struct call *c;
	struct err e;

	c = call_open(p, stream, req, &method, &e);
	if (!c) {
		peer_refuse(p, stream, &e);
		return;
	}
	c->ended = &ended;
	turn_note(p->server->loop, "call", method->name);
	p->server->n_requests++;
	method->handle(c);
	if (ended)
		return;
	c->ended = NULL;
	c->payload = NULL; /* the request it points into is about to be freed */
}
