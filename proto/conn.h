/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_CONN_H
#define PROTO_CONN_H

/*
 * conn.h - one stream socket that speaks in frames.
 *
 * Embedded by server.h (one per client) and client.h (one to containerd). Knows
 * nothing of calls: frames come up, frames go down, and nothing a peer does
 * makes it use more memory than the limits below.
 *
 * Reading: one bounded read per turn. A frame that arrived whole is passed up
 * from the stack; the beginning of one is kept on the heap, grows with the bytes
 * that arrive (never with what the header promises) and is freed when complete.
 * An idle connection owns no buffer.
 *
 * Writing: at once. What the socket does not take is queued. An end that answers
 * what it reads (conn_ops.answers) stops reading while more than CONN_QUEUE_PAUSE
 * bytes are queued, until the peer has read them all: who does not listen is not
 * listened to. Beyond CONN_QUEUE_MAX the connection is lost.
 *
 * Upcalls come from the loop only, never from inside conn_send() or conn_close().
 * Each is the last thing done with the connection until its owner returns; the
 * owner may close it, and free it, in any of them.
 */

#include "base/attr.h"
#include "base/buf.h"
#include "proto/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#define CONN_READ_MAX    (16u << 10) /* per turn; also what the stack must hold */
#define CONN_QUEUE_PAUSE (256u << 10)
#define CONN_QUEUE_MAX   (8u << 20) /* room for one frame of any size above the pause */

struct conn;

struct conn_ops {
	/* @data: f->len bytes, borrowed until return. */
	void (*on_frame)(struct conn *c, const struct frame *f, const uint8_t *data);

	/* A payload longer than FRAME_DATA_MAX has been read and thrown away. */
	void (*on_oversize)(struct conn *c, const struct frame *f);

	/* The peer is gone: 0 for the end of the stream, else an errno. Closed already. */
	void (*on_closed)(struct conn *c, int sys);

	bool answers; /* stop reading while replies pile up */
};

/* Embedded; the fields are private. */
struct conn {
	struct ev_loop *loop;
	const struct conn_ops *ops;
	ev_io readable, writable;
	int fd;            /* owned; -1 once closed */
	struct buf in;     /* a frame that has begun; while paused, whatever waits */
	struct frame junk; /* the oversize frame that is being thrown away... */
	uint32_t skip;     /* ...and how much of it is still to come */
	struct buf out;    /* the first out_sent bytes have left */
	size_t out_sent;
	int lost;    /* errno of a failed write, until the loop tells the owner */
	bool paused; /* not reading: the peer does not read either */
	bool *gone;  /* set while an upcall may be running: tell it that we closed */
};

/* Takes @fd: connected, non-blocking, close-on-exec. Starts reading. */
void conn_init(struct conn *c, struct ev_loop *loop, int fd, const struct conn_ops *ops);

/*
 * Sends f->len bytes of @data behind a header. 0 when they left or are queued.
 * -EMSGSIZE above FRAME_DATA_MAX, nothing sent; -ENOTCONN when closed. Any other
 * failure has cost the connection, and on_closed() will come from the loop.
 */
int conn_send(struct conn *c, const struct frame *f, const void *data);

/* Watchers, descriptor, buffers. May be called twice, and in an upcall. Calls nobody. */
void conn_close(struct conn *c);

/* Bytes that wait for the peer to read. */
size_t conn_queued(const struct conn *c);

static inline bool conn_is_open(const struct conn *c)
{
	return c->fd >= 0;
}

static inline bool conn_is_paused(const struct conn *c)
{
	return c->paused;
}

#endif
