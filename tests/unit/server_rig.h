/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SERVER_RIG_H
#define TESTS_UNIT_SERVER_RIG_H

/*
 * server_rig.h - a server with methods that behave in all ways a method may,
 * and one client as bytes: nothing of ours checks what it sends.
 */

#include "base/auto.h"
#include "base/err.h"
#include "proto/api/task.pb-c.h"
#include "proto/api/ttrpc.pb-c.h"
#include "proto/conn.h"
#include "proto/server.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct rig {
	struct ev_loop *loop;
	struct server server;
	struct sockaddr_un at;
	socklen_t at_len;
	int client;
	struct buf got; /* what the client has read and not looked at */
	uint32_t next_stream;

	struct list held; /* calls, by their link */
	size_t n_gone;
	bool gone_while_inert;
	size_t n_idle;
};

/* --- handlers --- */

static inline void echo(struct call *c)
{
	auto_message Pb__StateRequest *req = call_unpack(c, &pb__state_request__descriptor);
	Pb__StateResponse res = PB__STATE_RESPONSE__INIT;

	if (!req)
		return;
	res.id = req->id;
	res.bundle = call_service(c);
	call_reply(c, &res.base);
}

static inline void nothing(struct call *c)
{
	Pb__Empty empty = PB__EMPTY__INIT;

	call_reply(c, &empty.base);
}

static inline void refuse(struct call *c)
{
	struct err e;

	err_set(&e, STATUS_NOT_FOUND, "container not created: not found");
	call_fail(c, &e);
}

static inline void hold(struct call *c)
{
	struct rig *r = call_user(c);

	list_append(&r->held, &c->link);
}

static inline void forgotten(struct call *c)
{
	struct rig *r = c->owner;

	list_remove(&c->link);
	r->n_gone++;
	r->gone_while_inert = call_is_inert(c);
}

static inline void park(struct call *c)
{
	hold(c);
	c->owner = call_user(c);
	call_park(c, forgotten);
}

static inline void reply_with(struct call *c, size_t n)
{
	auto_free char *id = calloc(1, n + 1);
	Pb__StateResponse res = PB__STATE_RESPONSE__INIT;

	memset(id, 'x', n);
	res.id = id;
	call_reply(c, &res.base);
}

static inline void large(struct call *c)
{
	reply_with(c, 2u << 20);
}

static inline void enormous(struct call *c)
{
	reply_with(c, FRAME_DATA_MAX + 1);
}

static inline void time_left(struct call *c)
{
	Pb__ResizePtyRequest res = PB__RESIZE_PTY_REQUEST__INIT;
	double left_ms = call_timeout_s(c) * 1000;

	res.width = left_ms < UINT32_MAX ? (uint32_t)left_ms : UINT32_MAX;
	call_reply(c, &res.base);
}

static const struct server_method methods[] = {
	{ "Echo", echo },
	{ "Nothing", nothing },
	{ "Refuse", refuse },
	{ "Hold", hold },
	{ "Park", park },
	{ "Large", large },
	{ "Enormous", enormous },
	{ "Time", time_left },
	{ NULL, NULL },
};

static const struct server_service services[] = {
	{ "test.v3.Task", methods },
	{ "test.v2.Task", methods },
	{ NULL, NULL },
};

/* --- the client --- */

static inline int dial(const struct rig *r)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&r->at, r->at_len), 0);
	return fd;
}

/* The kernel picks an abstract name: nothing to clean up. */
static inline void rig_init(struct rig *r)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*r = (struct rig){ .loop = loop_new(), .got = BUF_INIT(32u << 20), .next_stream = 1 };
	list_init(&r->held);
	r->at.sun_family = AF_UNIX;
	r->at_len = sizeof(r->at);
	assert_int_equal(bind(fd, (struct sockaddr *)&r->at, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&r->at, &r->at_len), 0);
	assert_int_equal(server_init(&r->server, r->loop, fd, services, r), 0);
	r->client = dial(r);
}

static inline void rig_fini(struct rig *r)
{
	server_fini(&r->server);
	fd_drop(&r->client);
	buf_fini(&r->got);
	ev_loop_destroy(r->loop);
}

static inline void settle(struct rig *r)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(r->loop);
}

static inline void send_bytes(struct rig *r, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n > 0) {
		ssize_t sent = send(r->client, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN) {
			loop_run_once(r->loop);
			continue;
		}
		assert_true(sent > 0);
		p += sent;
		n -= (size_t)sent;
	}
}

static inline void send_frame(struct rig *r, struct frame f, const void *data)
{
	uint8_t header[FRAME_HEADER_LEN];

	frame_encode(&f, header);
	send_bytes(r, header, sizeof(header));
	send_bytes(r, data, f.len);
}

static inline void send_request(struct rig *r, uint32_t stream, Ttrpc__Request *req)
{
	auto_buf struct buf bytes = BUF_INIT(8u << 20);

	assert_int_equal(message_pack(&req->base, &bytes), 0);
	send_frame(r,
		(struct frame){
			.len = (uint32_t)bytes.len, .stream = stream, .type = FRAME_REQUEST },
		bytes.data);
}

/* Returns the stream it went out on. */
static inline uint32_t call_with_timeout(
	struct rig *r, const char *service, const char *method, int64_t timeout_ns)
{
	static const uint8_t payload[] = { 0x0a, 3, 'w', 'e', 'b' }; /* field 1: "web" */
	Ttrpc__Request req = TTRPC__REQUEST__INIT;
	uint32_t stream = r->next_stream;

	r->next_stream += 2;
	req.service = service;
	req.method = method;
	req.timeout_nano = timeout_ns;
	req.payload = (ProtobufCBinaryData){ sizeof(payload), (uint8_t *)payload };
	send_request(r, stream, &req);
	return stream;
}

static inline uint32_t call(struct rig *r, const char *method)
{
	return call_with_timeout(r, "test.v3.Task", method, 0);
}

/* Reads what there is. Returns false at the end of the stream. */
static inline bool client_reads(struct rig *r)
{
	uint8_t chunk[4096];
	ssize_t n;

	loop_run_once(r->loop);
	while ((n = recv(r->client, chunk, sizeof(chunk), 0)) > 0)
		assert_int_equal(buf_add(&r->got, chunk, (size_t)n), 0);
	return n < 0 && errno == EAGAIN;
}

/* The next response, owned by the caller. */
static inline Ttrpc__Response *response(struct rig *r, uint32_t *ret_stream)
{
	struct frame f;
	Ttrpc__Response *res;

	while (r->got.len < FRAME_HEADER_LEN)
		assert_true(client_reads(r));
	frame_decode(r->got.data, &f);
	while (r->got.len < FRAME_HEADER_LEN + f.len)
		assert_true(client_reads(r));
	assert_int_equal(f.type, FRAME_RESPONSE);
	assert_int_equal(f.flags, 0);
	res = message_unpack(&ttrpc__response__descriptor, r->got.data + FRAME_HEADER_LEN, f.len);
	assert_non_null(res);
	buf_consume(&r->got, FRAME_HEADER_LEN + f.len);
	*ret_stream = f.stream;
	return res;
}

static inline void assert_fails(
	struct rig *r, uint32_t stream, enum status status, const char *text)
{
	uint32_t at = 0;
	auto_message Ttrpc__Response *res = response(r, &at);

	assert_int_equal(at, stream);
	assert_non_null(res->status);
	assert_string_equal(res->status->message, text);
	assert_int_equal(res->status->code, status);
	assert_int_equal(res->payload.len, 0);
}

static inline void assert_succeeds(struct rig *r, uint32_t stream)
{
	uint32_t at = 0;
	auto_message Ttrpc__Response *res = response(r, &at);

	assert_int_equal(at, stream);
	assert_null(res->status);
}

static inline void assert_serves(struct rig *r)
{
	assert_succeeds(r, call(r, "Echo"));
}

static inline void assert_silent(struct rig *r)
{
	settle(r);
	assert_true(client_reads(r));
	assert_int_equal(r->got.len, 0);
}

static inline struct call *first_held(struct rig *r)
{
	return container_of(list_first(&r->held), struct call, link);
}

#endif
