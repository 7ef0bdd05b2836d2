/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_CLIENT_RIG_H
#define TESTS_UNIT_CLIENT_RIG_H

/*
 * client_rig.h - our client against a bare descriptor, and calls that remember how they ended.
 */

#include "base/auto.h"
#include "base/err.h"
#include "proto/api/ttrpc.pb-c.h"
#include "proto/client.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct desk {
	struct ev_loop *loop;
	struct client client;
	int peer;
	struct buf got; /* by the peer */
	size_t n_closed;
	int sys;
};

/* A call and how it ended. */
struct question {
	struct client_call call;
	struct desk *desk;
	size_t n_done;
	bool failed;
	struct err e;
	struct buf answer;

	/* What on_done() does besides. */
	bool close_client;
	int attach; /* with close_client: a connection to go on with, if not 0 */
	bool ask_again;
};

static const Pb__Empty blank = PB__EMPTY__INIT;

static inline void on_done(
	struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct question *q = container_of(call, struct question, call);
	struct err e2;

	q->n_done++;
	q->failed = e != NULL;
	if (e)
		q->e = *e;
	else
		assert_int_equal(buf_add(&q->answer, payload, n), 0);
	if (q->close_client)
		client_close(&q->desk->client);
	if (q->attach > 0)
		client_attach(&q->desk->client, q->attach);
	if (q->ask_again) {
		q->ask_again = false;
		if (client_call_start(&q->desk->client, call, &blank.base, &e2) < 0)
			q->failed = true;
	}
}

static inline void on_closed(struct client *c, int sys)
{
	struct desk *d = container_of(c, struct desk, client);

	d->n_closed++;
	d->sys = sys;
	assert_false(client_is_open(c));
}

static inline void question_init(struct question *q, struct desk *d, double timeout_s)
{
	*q = (struct question){ .desk = d, .answer = BUF_INIT(1u << 20) };
	q->call = (struct client_call){
		.service = "test.v3.Task",
		.method = "Echo",
		.timeout_s = timeout_s,
		.on_done = on_done,
	};
}

static inline void ask(struct question *q, struct desk *d)
{
	struct err e;

	question_init(q, d, 0);
	assert_int_equal(client_call_start(&d->client, &q->call, &blank.base, &e), 0);
}

static inline void desk_init(struct desk *d, const char *namespace)
{
	int fds[2];

	*d = (struct desk){ .loop = loop_new(), .got = BUF_INIT(16u << 20) };
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	d->peer = fds[1];
	client_init(&d->client, d->loop, namespace, on_closed);
	client_attach(&d->client, fds[0]);
}

static inline void desk_fini(struct desk *d)
{
	client_close(&d->client);
	fd_drop(&d->peer);
	buf_fini(&d->got);
	ev_loop_destroy(d->loop);
}

static inline void desk_settle(struct desk *d)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(d->loop);
}

/* The next request the peer was sent, owned by the caller. */
static inline Ttrpc__Request *peer_reads(struct desk *d, struct frame *ret_frame)
{
	uint8_t bytes[4096];
	Ttrpc__Request *req;

	assert_int_equal(recv(d->peer, bytes, FRAME_HEADER_LEN, 0), FRAME_HEADER_LEN);
	frame_decode(bytes, ret_frame);
	assert_int_equal(recv(d->peer, bytes, ret_frame->len, 0), ret_frame->len);
	req = message_unpack(&ttrpc__request__descriptor, bytes, ret_frame->len);
	assert_non_null(req);
	return req;
}

static inline void peer_sends(struct desk *d, struct frame f, const void *data)
{
	uint8_t header[FRAME_HEADER_LEN];

	frame_encode(&f, header);
	assert_int_equal(send(d->peer, header, sizeof(header), 0), sizeof(header));
	if (data)
		assert_int_equal(send(d->peer, data, f.len, 0), f.len);
	desk_settle(d);
}

static inline void assert_failed(const struct question *q, enum status status, const char *text)
{
	assert_int_equal(q->n_done, 1);
	assert_true(q->failed);
	assert_string_equal(q->e.msg, text);
	assert_int_equal(q->e.status, status);
}

#endif
