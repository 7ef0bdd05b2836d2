/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/server.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "proto/peer.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>

#define ACCEPTS_PER_TURN 16

/* --- one client --- */

static void peer_free(struct peer *p)
{
	struct list parked;

	list_init(&parked);
	list_remove(&p->in);
	p->server->n_peers--;
	calls_disown(p, &parked);
	conn_close(&p->conn);
	free(p);
	calls_end_parked(&parked);
}

static void on_closed(struct conn *conn, int sys)
{
	if (sys)
		log_debug("hangup", "errno=%d", sys);
	peer_free(container_of(conn, struct peer, conn));
}

static void on_oversize(struct conn *conn, const struct frame *f)
{
	struct err e;

	err_set(&e, STATUS_RESOURCE_EXHAUSTED,
		"message length %" PRIu32 " exceed maximum message size of %u", f->len,
		FRAME_DATA_MAX);
	peer_refuse(container_of(conn, struct peer, conn), f->stream, &e);
}

static bool has_call(const struct peer *p, uint32_t stream)
{
	list_each (it, &p->calls) {
		if (container_of(it, struct call, in)->stream == stream)
			return true;
	}
	return false;
}

static void on_request(struct peer *p, const struct frame *f, const uint8_t *data)
{
	auto_message Ttrpc__Request *req = NULL;
	struct err e;

	if (f->stream <= p->last_stream) {
		err_set(&e, STATUS_INVALID_ARGUMENT,
			"StreamID cannot be re-used and must increment");
		peer_refuse(p, f->stream, &e);
		return;
	}
	p->last_stream = f->stream;
	req = message_unpack(&ttrpc__request__descriptor, data, f->len);
	if (!req) {
		err_set(&e, STATUS_INVALID_ARGUMENT,
			"unmarshal request error: %" PRIu32 " bytes are no ttrpc.Request", f->len);
		peer_refuse(p, f->stream, &e);
		return;
	}
	call_dispatch(p, f->stream, req);
}

/* The order of the checks is the reference's. A frame of a type nobody knows is no error. */
static void on_frame(struct conn *conn, const struct frame *f, const uint8_t *data)
{
	struct peer *p = container_of(conn, struct peer, conn);
	struct err e;

	if (f->stream % 2 == 0) {
		err_set(&e, STATUS_INVALID_ARGUMENT,
			"StreamID must be odd for client initiated streams");
		peer_refuse(p, f->stream, &e);
	} else if (f->type == FRAME_REQUEST) {
		on_request(p, f, data);
	} else if (f->type == FRAME_DATA && !has_call(p, f->stream)) {
		/* An answer here while the call goes on would be a second one: then we say nothing.
		 */
		err_set(&e, STATUS_INVALID_ARGUMENT, "StreamID is no longer active");
		peer_refuse(p, f->stream, &e);
	}
}

static const struct conn_ops peer_ops = {
	.on_frame = on_frame,
	.on_oversize = on_oversize,
	.on_closed = on_closed,
	.answers = true,
};

/* --- the door --- */

/* The directory of the socket keeps strangers out; this is the second lock. */
static bool is_ours(int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
		return false;
	return who.uid == geteuid() && who.gid == getegid();
}

static void welcome(struct server *s, int *fd)
{
	struct peer *p;

	if (!is_ours(*fd)) {
		log_warn("client", "reason=\"not our user and group\", closing it");
		return;
	}
	if (s->n_peers >= SERVER_CONNS_MAX) {
		log_warn("client", "reason=\"%d are enough\", closing it", SERVER_CONNS_MAX);
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		log_warn("client", "reason=\"out of memory\", closing it");
		return;
	}
	p->server = s;
	list_init(&p->calls);
	list_append(&s->peers, &p->in);
	s->n_peers++;
	conn_init(&p->conn, s->loop, take_fd(fd), &peer_ops);
}

static void pause_accepting(struct server *s, int sys)
{
	log_warn("accept", "errno=%d, trying again in %d ms", sys, (int)(SERVER_PAUSE_S * 1000));
	ev_io_stop(s->loop, &s->acceptable);
	ev_timer_set(&s->paused, SERVER_PAUSE_S, 0.);
	ev_timer_start(s->loop, &s->paused);
}

static void on_pause_over(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct server *s = container_of(w, struct server, paused);

	(void)revents;
	ev_io_start(loop, &s->acceptable);
}

/* Returns false when there is no more to accept in this turn. */
static bool accept_one(struct server *s)
{
	auto_fd int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		welcome(s, &fd);
	else if (errno == EAGAIN)
		return false;
	else if (errno != EINTR && errno != ECONNABORTED)
		pause_accepting(s, errno); /* EMFILE: the client stays in the backlog, readable */
	return ev_is_active(&s->acceptable);
}

static void on_acceptable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct server *s = container_of(w, struct server, acceptable);

	(void)loop;
	if (revents & EV_ERROR)
		pause_accepting(s, ENOMEM); /* libev could not watch it, and has stopped */
	for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(s); i++)
		;
}

/* --- life --- */

bool server_is_idle(const struct server *s)
{
	list_each (it, &s->peers) {
		const struct peer *p = container_of(it, struct peer, in);

		if (!list_is_empty(&p->calls) || conn_queued(&p->conn) > 0)
			return false;
	}
	return true;
}

void server_load(const struct server *s, struct server_load *ret)
{
	struct server_load l = {
		.clients = s->n_peers, .calls = s->n_calls, .requests = s->n_requests
	};

	list_each (it, &s->peers) {
		const struct peer *p = container_of(it, struct peer, in);

		l.queued_bytes += conn_queued(&p->conn);
		l.paused_clients += conn_is_paused(&p->conn);
	}
	list_each (it, &s->inert)
		l.inert_calls++;
	*ret = l;
}

/* Before the loop sleeps: whatever this turn answered has been answered. */
static void on_settled(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct server *s = container_of(w, struct server, settled);

	(void)revents;
	if (!server_is_idle(s))
		return;
	ev_prepare_stop(loop, w);
	s->on_idle(s);
	/* s may be gone */
}

int server_init(struct server *s, struct ev_loop *loop, int fd,
	const struct server_service *services, void *user)
{
	int rc = fd_set_nonblock(fd, true);

	if (rc < 0)
		return rc;
	*s = (struct server){ .loop = loop, .services = services, .user = user, .fd = fd };
	list_init(&s->peers);
	list_init(&s->inert);
	ev_io_init(&s->acceptable, on_acceptable, fd, EV_READ);
	ev_init(&s->paused, on_pause_over);
	ev_prepare_init(&s->settled, on_settled);
	ev_io_start(loop, &s->acceptable);
	return 0;
}

void server_stop_accepting(struct server *s)
{
	ev_io_stop(s->loop, &s->acceptable);
	ev_timer_stop(s->loop, &s->paused);
	fd_drop(&s->fd);
}

void server_drain(struct server *s, void (*on_idle)(struct server *s))
{
	server_stop_accepting(s);
	s->on_idle = on_idle;
	ev_prepare_start(s->loop, &s->settled);
}

void server_fini(struct server *s)
{
	struct list *first;

	server_stop_accepting(s);
	ev_prepare_stop(s->loop, &s->settled);
	while ((first = list_first(&s->peers)))
		peer_free(container_of(first, struct peer, in));
	calls_detach(&s->inert);
}
