/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/watchdog.h"

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"

static void on_begin(struct ev_loop *loop, ev_check *check, int revents)
{
	struct watchdog *w = container_of(check, struct watchdog, begin);

	(void)loop;
	(void)revents;
	w->turn = (struct turn){ NULL, NULL };
	w->began_ns = clock_mono_ns();
}

static void tell(const struct watchdog *w, int64_t took_ns)
{
	const struct turn *t = &w->turn;

	log_warn("turn", "took=%dms last=\"%s%s%s\", and nobody was served meanwhile",
		(int)(took_ns / 1000000), t->what ? t->what : "", t->what ? ": " : "",
		t->part ? t->part : "");
}

static void on_end(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
	struct watchdog *w = container_of(prepare, struct watchdog, end);
	int64_t took_ns;

	(void)loop;
	(void)revents;
	if (w->began_ns == 0)
		return; /* before the first wait */
	took_ns = clock_mono_ns() - w->began_ns;
	if (took_ns > w->longest_ns) {
		w->longest_ns = took_ns;
		w->longest = w->turn;
	}
	if (took_ns > WATCHDOG_TURN_MAX_MS * INT64_C(1000000)) {
		w->n_long++;
		tell(w, took_ns);
	}
}

void watchdog_start(struct watchdog *w, struct ev_loop *loop)
{
	*w = (struct watchdog){ .began_ns = 0 };
	ev_check_init(&w->begin, on_begin);
	ev_prepare_init(&w->end, on_end);
	/* Before all that the turn has to do, and after it. */
	ev_set_priority(&w->begin, EV_MAXPRI);
	ev_set_priority(&w->end, EV_MINPRI);
	ev_check_start(loop, &w->begin);
	ev_prepare_start(loop, &w->end);
	ev_set_userdata(loop, &w->turn);
}

void watchdog_stop(struct watchdog *w, struct ev_loop *loop)
{
	ev_check_stop(loop, &w->begin);
	ev_prepare_stop(loop, &w->end);
	ev_set_userdata(loop, NULL);
}

int64_t watchdog_longest(const struct watchdog *w, struct turn *ret_turn)
{
	*ret_turn = w->longest;
	return w->longest_ns;
}

unsigned long watchdog_long_turns(const struct watchdog *w)
{
	return w->n_long;
}
