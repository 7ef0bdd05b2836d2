/* SPDX-License-Identifier: Apache-2.0 */
#include "process/io/pump.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum moved {
	MOVED_SOME,
	MOVED_ALL,
	MOVED_UNTIL_FULL,
	MOVED_TO_END,
	MOVED_LATER /* there is no memory */
};

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* EAGAIN does not say which side it means; only one of them can be watched without spinning. */
static enum moved splice_some(const struct pump *p)
{
	for (size_t total = 0; total < PUMP_TURN_MAX;) {
		ssize_t n = splice(p->from, NULL, p->to, NULL, PUMP_TURN_MAX,
			SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (n > 0) {
			total += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return is_readable(p->from) ? MOVED_UNTIL_FULL : MOVED_ALL;
		/* Or else the end of the file, or EPIPE. */
		return n < 0 && errno == ENOMEM ? MOVED_LATER : MOVED_TO_END;
	}
	return MOVED_SOME;
}

/* Writes what is held. */
static enum moved empty_chunk(struct pump *p)
{
	while (p->chunk_at < p->chunk_len) {
		ssize_t n = write(p->to, p->chunk + p->chunk_at, p->chunk_len - p->chunk_at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOMEM)
			return MOVED_LATER; /* of our control group, for a page of a pipe */
		if (n < 0)
			return errno == EAGAIN ? MOVED_UNTIL_FULL : MOVED_TO_END;
		p->chunk_at += (size_t)n;
	}
	free(take_ptr(&p->chunk));
	return MOVED_ALL;
}

static enum moved fill_chunk(struct pump *p)
{
	ssize_t n;

	p->chunk = malloc(PUMP_CHUNK_BYTES);
	if (!p->chunk)
		return MOVED_LATER;
	do
		n = read(p->from, p->chunk, PUMP_CHUNK_BYTES);
	while (n < 0 && errno == EINTR);
	p->chunk_at = 0;
	p->chunk_len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return MOVED_SOME;
	free(take_ptr(&p->chunk));
	return n < 0 && errno == EAGAIN ? MOVED_ALL : MOVED_TO_END;
}

static enum moved copy_some(struct pump *p)
{
	enum moved how = empty_chunk(p);

	for (size_t total = 0; how == MOVED_ALL && total < PUMP_TURN_MAX; total += p->chunk_len) {
		how = fill_chunk(p);
		if (how != MOVED_SOME)
			return how;
		how = empty_chunk(p);
	}
	return how == MOVED_ALL ? MOVED_SOME : how;
}

static enum moved move(struct pump *p)
{
	enum moved how = p->copies ? copy_some(p) : splice_some(p);

	return how == MOVED_ALL && p->ends_when_empty ? MOVED_TO_END : how;
}

static void watch(struct pump *p, bool to_is_full)
{
	if (p->to_is_full == to_is_full)
		return;
	p->to_is_full = to_is_full;
	ev_io_stop(p->loop, &p->watcher);
	ev_io_set(&p->watcher, to_is_full ? p->to : p->from, to_is_full ? EV_WRITE : EV_READ);
	ev_io_start(p->loop, &p->watcher);
}

static void try_later(struct pump *p)
{
	ev_io_stop(p->loop, &p->watcher);
	ev_timer_stop(p->loop, &p->again);
	ev_timer_set(&p->again, PUMP_AGAIN_S, 0.);
	ev_timer_start(p->loop, &p->again);
}

static void turn(struct pump *p)
{
	enum moved how = move(p);
	void (*on_drained)(struct pump * p) = p->on_drained;

	if (how == MOVED_TO_END) {
		pump_stop(p);
		p->on_end(p);
		/* p may be gone */
		return;
	}
	watch(p, how == MOVED_UNTIL_FULL);
	if (how == MOVED_LATER)
		try_later(p);
	if (how == MOVED_ALL && on_drained) {
		p->on_drained = NULL;
		on_drained(p);
		/* p may be gone */
	}
}

static void on_ready(struct ev_loop *loop, ev_io *w, int revents)
{
	struct pump *p = container_of(w, struct pump, watcher);

	(void)loop;
	/* libev could not watch it, and has stopped: the container would hang on a full pipe. */
	if (revents & EV_ERROR)
		try_later(p);
	turn(p);
	/* p may be gone */
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct pump *p = container_of(timer, struct pump, again);

	(void)revents;
	ev_io_start(loop, &p->watcher);
	turn(p);
	/* p may be gone */
}

void pump_start(
	struct pump *p, struct ev_loop *loop, int from, int to, void (*on_end)(struct pump *p))
{
	*p = (struct pump){ .loop = loop, .from = from, .to = to, .on_end = on_end };
	ev_init(&p->again, on_again);
	ev_io_init(&p->watcher, on_ready, from, EV_READ);
	ev_io_start(loop, &p->watcher);
}

void pump_start_copying(
	struct pump *p, struct ev_loop *loop, int from, int to, void (*on_end)(struct pump *p))
{
	pump_start(p, loop, from, to, on_end);
	p->copies = true;
}

void pump_end_when_empty(struct pump *p)
{
	if (!pump_is_running(p))
		return;
	p->ends_when_empty = true;
	ev_feed_event(p->loop, &p->watcher, EV_READ); /* an empty source may never be ready again */
}

bool pump_drain(struct pump *p, void (*on_drained)(struct pump *p))
{
	enum moved how;

	if (!pump_is_running(p))
		return true;
	how = move(p);
	if (how == MOVED_ALL || how == MOVED_TO_END)
		return true; /* at its end, the watcher will say so in its own turn */
	watch(p, how == MOVED_UNTIL_FULL);
	if (how == MOVED_LATER)
		try_later(p);
	p->on_drained = on_drained;
	return false;
}

void pump_stop(struct pump *p)
{
	if (p->loop) {
		ev_io_stop(p->loop, &p->watcher);
		ev_timer_stop(p->loop, &p->again);
	}
	p->loop = NULL;
	free(take_ptr(&p->chunk));
}

bool pump_is_running(const struct pump *p)
{
	return p->loop != NULL;
}
