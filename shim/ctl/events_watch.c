/* SPDX-License-Identifier: Apache-2.0 */

/*
 * events_watch.c - `belayctl events`: all shims are asked again and again, and
 * what has changed is told. Beside a containerd that runs, and with any shim.
 */

#include "base/clock.h"
#include "reaper/signals.h"
#include "shim/ctl/events_command.h"
#include "shim/ctl/survey.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>

/* What begins and ends within it is not seen. */
#define LOOK_EVERY_S 0.5

struct watch {
	struct ev_loop *loop, *asking; /* a survey runs a loop of its own */
	struct signals signals;
	ev_timer timer;
	const struct where *where;
	bool json;
	struct found_list list; /* of the look before */
	struct seen *seen;
	struct err err;
	bool is_unread; /* our output: nobody is left to tell */
};

static json_t *time_now(void)
{
	struct timespec now = clock_wall();
	char text[40], whole[32];
	struct tm tm;

	gmtime_r(&now.tv_sec, &tm);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03dZ", whole, (int)(now.tv_nsec / 1000000));
	return json_string(text);
}

static void tell(struct watch *w, const struct seen *s, const char *topic)
{
	int rc;

	json_t *event = json_pack("{s:s, s:s, s:o, s:s}", "namespace", s->found->ns, "topic", topic,
		"time", time_now(), "container_id", s->found->id);

	if (event && s->state && s->state->pid)
		json_object_set_new(event, "pid", json_integer(s->state->pid));
	if (event && s->state && s->state->status == PB__PROCESS_STATUS__STOPPED)
		json_object_set_new(event, "exit_status", json_integer(s->state->exit_status));
	rc = events_print(event, w->json);
	w->is_unread |= rc == -EPIPE;
	if (rc < 0 && !w->is_unread)
		err_rc(&w->err, rc, "print");
}

static int compare(const struct found *a, const struct found *b)
{
	int c = strcmp(a->ns, b->ns);

	return c ? c : strcmp(a->id, b->id);
}

/* Both are sorted alike (find.h). @i is of the old ones, @j of the new ones. */
static void tell_changes(struct watch *w, const struct found_list *list, const struct seen *seen)
{
	size_t i = 0, j = 0;

	while (i < w->list.n || j < list->n) {
		int c = i == w->list.n ? 1
			: j == list->n ? -1
				       : compare(&w->list.found[i], &list->found[j]);

		if (c < 0)
			tell(w, &w->seen[i], "gone");
		else if (c > 0 || strcmp(survey_status(&w->seen[i]), survey_status(&seen[j])) != 0)
			tell(w, &seen[j], survey_status(&seen[j]));
		i += c <= 0;
		j += c >= 0;
	}
}

static void forget(struct watch *w)
{
	survey_free(w->seen, w->list.n);
	found_fini(&w->list);
	w->seen = NULL;
}

static void look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct watch *w = container_of(timer, struct watch, timer);
	struct found_list list = FOUND_NONE;
	struct seen *seen = NULL;

	(void)revents;
	if (find_all(w->where, &list, &w->err) < 0 ||
		survey_all(&list, w->asking, 0, &seen, &w->err) < 0) {
		found_fini(&list);
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	/* Those that are there when it begins are told too: as they are. */
	tell_changes(w, &list, seen);
	forget(w);
	w->list = list;
	w->seen = seen;
	if (err_is_set(&w->err) || w->is_unread || !events_are_read())
		ev_break(loop, EVBREAK_ALL);
}

static void on_signal(struct signals *s, int signo)
{
	(void)signo;
	ev_break(container_of(s, struct watch, signals)->loop, EVBREAK_ALL);
}

static int run(struct watch *w, struct err *e)
{
	int rc = signals_init_at_terminal(&w->signals, w->loop, on_signal);

	if (rc < 0)
		return err_rc(e, rc, "watch signals");
	ev_timer_init(&w->timer, look, 0., LOOK_EVERY_S);
	ev_timer_start(w->loop, &w->timer);
	ev_run(w->loop, 0);
	ev_timer_stop(w->loop, &w->timer);
	signals_fini(&w->signals);
	forget(w);
	*e = w->err;
	return err_is_set(e) ? -1 : 0;
}

int events_watch(const struct where *where, bool json, struct err *e)
{
	struct watch w = {
		.loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL),
		.asking = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL),
		.where = where,
		.json = json,
	};
	int rc = w.loop && w.asking ? run(&w, e) : err_set(e, STATUS_UNKNOWN, "create event loop");

	if (w.loop)
		ev_loop_destroy(w.loop);
	if (w.asking)
		ev_loop_destroy(w.asking);
	return rc;
}
