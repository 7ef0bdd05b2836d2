/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sim_time.c - libev's timers, in a time that passes when somebody waits.
 */

#include "tests/model/sim.h"

#include <stdlib.h>

#define TIMERS_MAX     1024
#define EVENTS_MAX_SIM 4096

struct event {
	double at;
	unsigned long order; /* of those at the same time, as they were asked for */
	void (*fire)(void *arg, unsigned serial);
	void *arg;
	unsigned serial;
};

double sim_now;
static ev_timer *timer[TIMERS_MAX];
static struct event event[EVENTS_MAX_SIM];
static size_t n_timers, n_events;
static unsigned long n_orders;

void ev_timer_start(struct ev_loop *loop, ev_timer *w)
{
	(void)loop;
	if (w->active)
		return;
	if (n_timers == TIMERS_MAX)
		abort();
	w->active = 1;
	w->at += sim_now;
	timer[n_timers++] = w;
}

void ev_timer_stop(struct ev_loop *loop, ev_timer *w)
{
	(void)loop;
	for (size_t i = 0; i < n_timers; i++) {
		if (timer[i] != w)
			continue;
		timer[i] = timer[--n_timers];
		break;
	}
	w->active = 0;
}

void ev_timer_again(struct ev_loop *loop, ev_timer *w)
{
	ev_timer_stop(loop, w);
	if (w->repeat <= 0)
		return;
	w->at = w->repeat;
	ev_timer_start(loop, w);
}

/* Streams and sockets: a container here has none. */
void ev_io_start(struct ev_loop *loop, ev_io *w)
{
	(void)loop;
	(void)w;
	abort();
}

void ev_io_stop(struct ev_loop *loop, ev_io *w)
{
	(void)loop;
	(void)w;
}

void ev_feed_event(struct ev_loop *loop, void *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
	abort();
}

/* No watchdog. */
void *ev_userdata(struct ev_loop *loop)
{
	(void)loop;
	return NULL;
}

void sim_after(double delay_s, void (*fire)(void *arg, unsigned serial), void *arg, unsigned serial)
{
	if (n_events == EVENTS_MAX_SIM)
		abort();
	event[n_events++] = (struct event){ sim_now + delay_s, n_orders++, fire, arg, serial };
}

static bool fire_timer(size_t i)
{
	ev_timer *w = timer[i];

	sim_now = w->at > sim_now ? w->at : sim_now;
	if (w->repeat > 0) {
		w->at = sim_now + w->repeat;
	} else {
		ev_timer_stop(NULL, w);
	}
	w->cb(NULL, w, EV_TIMER);
	return true;
}

static bool fire_event(size_t i)
{
	struct event e = event[i];

	sim_now = e.at > sim_now ? e.at : sim_now;
	event[i] = event[--n_events];
	e.fire(e.arg, e.serial);
	return true;
}

bool sim_step(void)
{
	size_t first_timer = 0, first_event = 0;

	for (size_t i = 1; i < n_timers; i++)
		if (timer[i]->at < timer[first_timer]->at)
			first_timer = i;
	for (size_t i = 1; i < n_events; i++) {
		const struct event *a = &event[i], *b = &event[first_event];

		if (a->at < b->at || (a->at <= b->at && a->order < b->order))
			first_event = i;
	}
	if (n_events > 0 && (n_timers == 0 || event[first_event].at <= timer[first_timer]->at))
		return fire_event(first_event);
	return n_timers > 0 && fire_timer(first_timer);
}

size_t sim_timers(void)
{
	return n_timers;
}

void sim_time_reset(void)
{
	n_timers = n_events = 0;
	sim_now = 0;
}
