/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/conn.h"

#include "base/auto.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* One whole frame, or the beginning of one. */
#define IN_MAX (FRAME_HEADER_LEN + FRAME_DATA_MAX)

/* The queue is moved to the front when half of it has left, so it may hold twice its limit. */
#define OUT_MAX (2 * (size_t)CONN_QUEUE_MAX)

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t conn_queued(const struct conn *c)
{
	return c->out.len - c->out_sent;
}

/*
 * The connection is beyond use, but our caller's caller may be anybody: the
 * owner hears of it from the loop, through the reading watcher, which may be
 * fed even while it is stopped.
 */
static void lose(struct conn *c, int sys)
{
	c->lost = sys;
	buf_fini(&c->out);
	c->out_sent = 0;
	ev_io_stop(c->loop, &c->writable);
	ev_feed_event(c->loop, &c->readable, EV_READ);
}

static void close_and_tell(struct conn *c, int sys)
{
	conn_close(c);
	c->ops->on_closed(c, sys);
	/* c may be gone */
}

/* --- reading --- */

/* Takes the whole frame at @at up, from memory that is not ours to keep. */
static void deliver(struct conn *c, const uint8_t *at)
{
	struct frame f;

	frame_decode(at, &f);
	c->ops->on_frame(c, &f, at + FRAME_HEADER_LEN);
	/* c may be gone */
}

/* As deliver(), from the buffer it was collected in. */
static void deliver_collected(struct conn *c)
{
	auto_buf struct buf whole = c->in;

	c->in = BUF_INIT(IN_MAX);
	deliver(c, whole.data);
	/* c may be gone */
}

static size_t skip_junk(struct conn *c, size_t n)
{
	size_t used = smaller(n, c->skip);

	c->skip -= (uint32_t)used;
	if (c->skip == 0)
		c->ops->on_oversize(c, &c->junk);
	/* c may be gone */
	return used;
}

static size_t keep(struct conn *c, const uint8_t *p, size_t n)
{
	int rc = buf_add(&c->in, p, n);

	if (rc < 0)
		lose(c, -rc);
	return n;
}

/* A header of a frame that is too long: nothing of it is kept from here on. */
static bool begins_junk(struct conn *c, const uint8_t *header)
{
	struct frame f;

	frame_decode(header, &f);
	if (!frame_is_oversize(&f))
		return false;
	buf_fini(&c->in);
	c->junk = f;
	c->skip = f.len;
	return true;
}

static size_t frame_size(const uint8_t *header)
{
	struct frame f;

	frame_decode(header, &f);
	return FRAME_HEADER_LEN + f.len;
}

/* The frame whose beginning is in c->in goes on at @p. Returns how much it took. */
static size_t feed_collected(struct conn *c, const uint8_t *p, size_t n)
{
	bool had_header = c->in.len >= FRAME_HEADER_LEN;
	size_t size = had_header ? frame_size(c->in.data) : FRAME_HEADER_LEN;
	size_t used = keep(c, p, smaller(n, size - c->in.len));

	if (c->lost || c->in.len < size)
		return used;
	if (!had_header && begins_junk(c, c->in.data))
		return used;
	if (c->in.len == frame_size(c->in.data))
		deliver_collected(c);
	/* c may be gone */
	return used;
}

/* Uses up some of the @n bytes at @p, with at most one upcall. */
static size_t feed_one(struct conn *c, const uint8_t *p, size_t n)
{
	size_t size;

	if (c->skip > 0)
		return skip_junk(c, n);
	if (c->in.len > 0)
		return feed_collected(c, p, n);
	if (n < FRAME_HEADER_LEN)
		return keep(c, p, n);
	if (begins_junk(c, p))
		return FRAME_HEADER_LEN;
	size = frame_size(p);
	if (n < size)
		return keep(c, p, n);
	deliver(c, p);
	/* c may be gone */
	return size;
}

/* Any frame may close the connection, lose it, or queue so much that the rest has to wait. */
static void feed(struct conn *c, const uint8_t *p, size_t n)
{
	bool gone = false;

	c->gone = &gone; /* cppcheck-suppress autoVariables ; until we return, or c is gone */
	while (n > 0 && !c->lost && !c->paused) {
		size_t used = feed_one(c, p, n);

		if (gone)
			return;
		p += used;
		n -= used;
	}
	c->gone = NULL;
	if (n > 0 && !c->lost)
		(void)keep(c, p, n); /* takes all, or loses the connection */
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct conn *c = container_of(w, struct conn, readable);
	uint8_t chunk[CONN_READ_MAX];
	ssize_t n;

	(void)loop;
	if (c->lost || (revents & EV_ERROR)) { /* libev could not watch it, and has stopped */
		close_and_tell(c, c->lost ? c->lost : ENOMEM);
		return;
	}
	n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n > 0)
		feed(c, chunk, (size_t)n);
	else if (n == 0)
		close_and_tell(c, 0);
	else if (errno != EAGAIN && errno != EINTR)
		close_and_tell(c, errno);
	/* c may be gone */
}

/* --- writing --- */

static void pause_reading(struct conn *c)
{
	c->paused = true;
	ev_io_stop(c->loop, &c->readable);
}

/* What had to wait comes first; it may well fill the queue again. */
static void resume_reading(struct conn *c)
{
	auto_buf struct buf waiting = c->in;

	c->in = BUF_INIT(IN_MAX);
	c->paused = false;
	ev_io_start(c->loop, &c->readable);
	feed(c, waiting.data, waiting.len);
	/* c may be gone */
}

/* How much the socket took, 0 if it is full, -errno. */
static ssize_t push(struct conn *c, struct iovec *iov, size_t n)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t sent = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent >= 0)
		return sent;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static void on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct conn *c = container_of(w, struct conn, writable);
	struct iovec rest = { c->out.data + c->out_sent, conn_queued(c) };
	ssize_t sent = (revents & EV_ERROR) ? -ENOMEM : push(c, &rest, 1);

	if (sent < 0) {
		close_and_tell(c, (int)-sent);
		return;
	}
	c->out_sent += (size_t)sent;
	if (conn_queued(c) > 0) {
		if (c->out_sent >= conn_queued(c)) {
			buf_consume(&c->out, c->out_sent);
			c->out_sent = 0;
		}
		return;
	}
	buf_fini(&c->out);
	c->out_sent = 0;
	ev_io_stop(loop, w);
	if (c->paused)
		resume_reading(c);
	/* c may be gone */
}

/* Queues what is left of the two pieces after their first @sent bytes. */
static int enqueue(struct conn *c, const struct iovec iov[2], size_t sent)
{
	size_t total = iov[0].iov_len + iov[1].iov_len;
	int rc = 0;

	if (conn_queued(c) + total - sent > CONN_QUEUE_MAX)
		return -ENOBUFS;
	for (size_t i = 0; i < 2 && rc == 0; i++) {
		size_t gone = smaller(sent, iov[i].iov_len);

		rc = buf_add(&c->out, (uint8_t *)iov[i].iov_base + gone, iov[i].iov_len - gone);
		sent -= gone;
	}
	if (rc < 0)
		return rc;
	ev_io_start(c->loop, &c->writable);
	if (c->ops->answers && conn_queued(c) > CONN_QUEUE_PAUSE)
		pause_reading(c);
	return 0;
}

int conn_send(struct conn *c, const struct frame *f, const void *data)
{
	uint8_t header[FRAME_HEADER_LEN];
	struct iovec iov[2] = { { header, sizeof(header) }, { (void *)data, f->len } };
	ssize_t sent = 0;
	int rc;

	if (!conn_is_open(c) || c->lost)
		return -ENOTCONN;
	if (frame_is_oversize(f))
		return -EMSGSIZE;
	frame_encode(f, header);
	if (conn_queued(c) == 0)
		sent = push(c, iov, 2);
	if (sent == (ssize_t)(sizeof(header) + f->len))
		return 0;
	rc = sent < 0 ? (int)sent : enqueue(c, iov, (size_t)sent);
	if (rc < 0)
		lose(c, -rc);
	return rc;
}

/* --- life --- */

void conn_init(struct conn *c, struct ev_loop *loop, int fd, const struct conn_ops *ops)
{
	*c = (struct conn){
		.loop = loop,
		.ops = ops,
		.fd = fd,
		.in = BUF_INIT(IN_MAX),
		.out = BUF_INIT(OUT_MAX),
	};
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
	ev_io_start(loop, &c->readable);
}

void conn_close(struct conn *c)
{
	if (!conn_is_open(c))
		return;
	if (c->gone)
		*c->gone = true;
	c->gone = NULL;
	ev_io_stop(c->loop, &c->readable); /* also takes back what lose() fed */
	ev_io_stop(c->loop, &c->writable);
	fd_drop(&c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	c->out_sent = 0;
}
