/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_CONN_RIG_H
#define TESTS_UNIT_CONN_RIG_H

/*
 * conn_rig.h - a connection, its peer as a bare descriptor, and what came up.
 */

#include "base/auto.h"
#include "proto/conn.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct rig {
	struct ev_loop *loop;
	struct conn conn;
	int peer;

	size_t n_frames, n_oversize, n_closed;
	struct frame last;
	struct buf data; /* of the last frame */
	int sys;

	/* What on_frame() does besides. */
	bool close_in_frame;
	uint32_t answer_len;
};

static inline struct rig *rig_of(struct conn *c)
{
	return container_of(c, struct rig, conn);
}

static inline void on_frame(struct conn *c, const struct frame *f, const uint8_t *data)
{
	struct rig *r = rig_of(c);

	r->n_frames++;
	r->last = *f;
	buf_fini(&r->data);
	assert_int_equal(buf_add(&r->data, data, f->len), 0);
	if (r->answer_len > 0) {
		struct frame answer = { .len = r->answer_len, .stream = f->stream };
		auto_free void *zeroes = calloc(1, r->answer_len);

		(void)conn_send(c, &answer, zeroes);
	}
	if (r->close_in_frame)
		conn_close(c);
}

static inline void on_oversize(struct conn *c, const struct frame *f)
{
	rig_of(c)->n_oversize++;
	rig_of(c)->last = *f;
}

static inline void on_closed(struct conn *c, int sys)
{
	rig_of(c)->n_closed++;
	rig_of(c)->sys = sys;
	assert_false(conn_is_open(c));
}

static const struct conn_ops patient = {
	.on_frame = on_frame,
	.on_oversize = on_oversize,
	.on_closed = on_closed,
};

static const struct conn_ops answering = {
	.on_frame = on_frame,
	.on_oversize = on_oversize,
	.on_closed = on_closed,
	.answers = true,
};

static inline void rig_init(struct rig *r, const struct conn_ops *ops)
{
	int fds[2];

	*r = (struct rig){ .loop = loop_new(), .data = BUF_INIT(8u << 20) };
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	r->peer = fds[1];
	conn_init(&r->conn, r->loop, fds[0], ops);
}

static inline void rig_fini(struct rig *r)
{
	conn_close(&r->conn);
	fd_drop(&r->peer);
	buf_fini(&r->data);
	ev_loop_destroy(r->loop);
}

/* The peer sends; the loop runs whenever the socket is full. */
static inline void peer_sends(struct rig *r, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n > 0) {
		ssize_t sent = send(r->peer, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN) {
			loop_run_once(r->loop);
			continue;
		}
		assert_true(sent > 0);
		p += sent;
		n -= (size_t)sent;
	}
}

static inline void peer_sends_header(struct rig *r, uint32_t len, uint32_t stream)
{
	struct frame f = { .len = len, .stream = stream, .type = FRAME_REQUEST };
	uint8_t header[FRAME_HEADER_LEN];

	frame_encode(&f, header);
	peer_sends(r, header, sizeof(header));
}

static inline void peer_sends_frame(struct rig *r, uint32_t stream, const void *data, uint32_t len)
{
	peer_sends_header(r, len, stream);
	peer_sends(r, data, len);
}

/* Until nothing more happens. */
static inline void settle(struct rig *r)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(r->loop);
}

/* Reads and drops whatever the peer was sent. Returns how much. */
static inline size_t peer_reads_all(struct rig *r)
{
	static uint8_t chunk[65536];
	size_t total = 0, before;

	do {
		ssize_t n;

		before = total;
		while ((n = recv(r->peer, chunk, sizeof(chunk), 0)) > 0)
			total += (size_t)n;
		settle(r);
	} while (total > before);
	return total;
}

#endif
