/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/events.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/memory.h"
#include "proto/any.h"
#include "proto/api/events.pb-c.h"

#include <stdlib.h>

#define EVENT_BYTES_MAX (1u << 20)

struct event {
	struct list link;
	const char *topic; /* static text */
	struct timespec at;
	struct buf bytes; /* the message, encoded */
	Pb__Any any;      /* borrows bytes */
	int tries;
};

static struct event *event_dispose(struct event *e)
{
	if (e)
		buf_fini(&e->bytes);
	free(e);
	return NULL;
}

static struct event *event_new(void)
{
	struct event *e = calloc(1, sizeof(*e));

	if (e) {
		e->bytes = BUF_INIT(EVENT_BYTES_MAX);
		list_init(&e->link);
	}
	return e;
}

static void keep_spare(struct events *ev, struct event *e)
{
	list_append(&ev->spare, &e->link);
	ev->n_spare++;
}

/* Whenever there is memory again. */
static void make_spares(struct events *ev)
{
	while (ev->n_spare < EVENTS_SPARE) {
		struct event *e = event_new();
		uint8_t *at;

		if (!e || buf_reserve(&e->bytes, EVENT_SPARE_BYTES, &at) < 0) {
			event_dispose(e);
			return;
		}
		keep_spare(ev, e);
	}
}

static struct event *take_spare(struct events *ev)
{
	struct list *first = list_first(&ev->spare);

	if (!first)
		return NULL;
	list_remove(first);
	ev->n_spare--;
	return container_of(first, struct event, link);
}

static void event_free(struct events *ev, struct event *e)
{
	list_remove(&e->link);
	ev->n--;
	event_dispose(e);
	make_spares(ev);
}

static struct event *first_event(struct events *ev)
{
	struct list *first = list_first(&ev->queue);

	return first ? container_of(first, struct event, link) : NULL;
}

static void send_next(struct events *ev);

static void on_retry(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	send_next(container_of(timer, struct events, retry));
}

static void retry_later(struct events *ev)
{
	ev_timer_stop(ev->loop, &ev->retry);
	ev_timer_set(&ev->retry, ev->retry_s, 0.);
	ev_timer_start(ev->loop, &ev->retry);
	ev->retry_s = ev->retry_s * 2 < EVENTS_RETRY_MAX_S ? ev->retry_s * 2 : EVENTS_RETRY_MAX_S;
}

static void check_flushed(struct events *ev)
{
	void (*on_flushed)(struct events * ev) = ev->on_flushed;

	if (!on_flushed || ev->n > 0)
		return;
	ev->on_flushed = NULL;
	on_flushed(ev);
	/* ev may be gone */
}

static bool is_refusal(const struct err *err)
{
	return err->status != STATUS_UNAVAILABLE && err->status != STATUS_DEADLINE_EXCEEDED;
}

static void on_forwarded(
	struct client_call *call, const struct err *err, const uint8_t *payload, size_t n)
{
	struct events *ev = container_of(call, struct events, call);
	struct event *e = first_event(ev);

	(void)payload;
	(void)n;
	ev->is_sending = false;
	if (err && !(is_refusal(err) && ++e->tries == EVENTS_TRIES)) {
		log_debug("event", "topic=%s error=\"%s\", trying again", e->topic, err->msg);
		retry_later(ev);
		return;
	}
	if (err) {
		ev->n_dropped++;
		log_error("event", "topic=%s error=\"%s\", dropped", e->topic, err->msg);
	}
	ev->retry_s = EVENTS_RETRY_MIN_S;
	event_free(ev, e);
	if (ev->n > 0)
		send_next(ev);
	else
		check_flushed(ev);
	/* ev may be gone */
}

static int send_event(struct events *ev, struct event *e, struct err *err)
{
	Pb__ForwardRequest req = PB__FORWARD_REQUEST__INIT;
	Pb__Envelope envelope = PB__ENVELOPE__INIT;
	Pb__Timestamp at = PB__TIMESTAMP__INIT;

	if (!client_is_open(&ev->client) && client_connect(&ev->client, ev->address, err) < 0)
		return -1;
	at.seconds = e->at.tv_sec;
	at.nanos = (int32_t)e->at.tv_nsec;
	envelope.timestamp = &at;
	envelope.namespace_ = ev->ns;
	envelope.topic = e->topic;
	envelope.event = &e->any;
	req.envelope = &envelope;
	ev->call = (struct client_call){
		.service = "containerd.services.events.ttrpc.v1.Events",
		.method = "Forward",
		.timeout_s = EVENTS_TIMEOUT_S,
		.on_done = on_forwarded,
	};
	return client_call_start(&ev->client, &ev->call, &req.base, err);
}

static void send_next(struct events *ev)
{
	struct event *e = first_event(ev);
	struct err err = ERR_INIT;

	if (ev->is_sending || !e)
		return;
	ev_timer_stop(ev->loop, &ev->retry);
	ev->is_sending = send_event(ev, e, &err) == 0;
	if (!ev->is_sending) {
		log_debug("event", "error=\"%s\", trying again", err.msg);
		retry_later(ev);
	}
}

/* The call under way has been told before. */
static void on_closed(struct client *c, int sys)
{
	(void)c;
	(void)sys;
}

/* Nobody waits for us in this turn. */
static void on_idle(struct ev_loop *loop, ev_idle *w, int revents)
{
	(void)revents;
	ev_idle_stop(loop, w);
	memory_give_back();
}

void events_init(struct events *ev, struct ev_loop *loop, const char *address, const char *ns)
{
	*ev = (struct events){
		.loop = loop,
		.address = address,
		.ns = ns,
		.retry_s = EVENTS_RETRY_MIN_S,
	};
	list_init(&ev->queue);
	list_init(&ev->spare);
	make_spares(ev);
	client_init(&ev->client, loop, ns, on_closed);
	ev_init(&ev->retry, on_retry);
	ev_idle_init(&ev->idle, on_idle);
}

void events_fini(struct events *ev)
{
	struct event *e;

	client_close(&ev->client);
	ev_timer_stop(ev->loop, &ev->retry);
	ev_idle_stop(ev->loop, &ev->idle);
	while ((e = first_event(ev)))
		event_free(ev, e);
	while ((e = take_spare(ev)))
		event_dispose(e);
}

/* Makes room by giving up the oldest that is not being sent. */
static void drop_oldest(struct events *ev)
{
	struct list *at = ev->queue.next;

	if (ev->is_sending)
		at = at->next;
	struct event *e = container_of(at, struct event, link);

	ev->n_dropped++;
	log_error(
		"event", "topic=%s error=\"%d events are waiting\", dropped", e->topic, EVENTS_MAX);
	event_free(ev, e);
}

/* In memory of its own, or in a spare. NULL: there is neither, or it is too long. */
static struct event *make_event(struct events *ev, const ProtobufCMessage *m)
{
	struct event *e = event_new();

	if (e && any_pack(m, &e->bytes, &e->any) == 0)
		return e;
	event_dispose(e);
	e = take_spare(ev);
	if (!e || any_pack(m, &e->bytes, &e->any) == 0)
		return e;
	return event_dispose(e); /* what was put aside for longer ones is made anew */
}

void events_push(struct events *ev, const char *topic, const ProtobufCMessage *m)
{
	struct event *e;

	ev_idle_start(ev->loop, &ev->idle);
	if (!ev->address[0])
		return; /* nobody listens, by design: a shim started by hand */
	if (ev->n == EVENTS_MAX)
		drop_oldest(ev);
	e = make_event(ev, m);
	if (!e) {
		ev->n_dropped++;
		log_error("event", "topic=%s error=\"out of memory\", dropped", topic);
		make_spares(ev);
		return;
	}
	e->topic = topic;
	e->at = clock_wall();
	list_append(&ev->queue, &e->link);
	ev->n++;
	if (!ev_is_active(&ev->retry))
		send_next(ev);
}

bool events_flush(struct events *ev, void (*on_flushed)(struct events *ev))
{
	if (ev->n == 0)
		return true;
	ev->on_flushed = on_flushed;
	return false;
}
