/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/loop.h"

#include "base/attr.h"
#include "tests/lib/test.h"

struct guard {
	ev_timer timer;
	bool expired;
};

struct ev_loop *loop_new(void)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);

	assert_non_null(loop);
	return loop;
}

static void on_expired(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	container_of(timer, struct guard, timer)->expired = true;
}

static bool is_false(void *arg)
{
	return !*(const volatile bool *)arg;
}

void loop_run_until_(struct ev_loop *loop, const bool *flag, const char *file, int line)
{
	loop_run_while_(loop, is_false, (void *)flag, file, line);
}

void loop_run_while_(
	struct ev_loop *loop, bool (*pending)(void *arg), void *arg, const char *file, int line)
{
	struct guard g = { .expired = false };
	bool waiting;

	ev_timer_init(&g.timer, on_expired, LOOP_PATIENCE_S, 0.);
	ev_now_update(loop);
	ev_timer_start(loop, &g.timer);
	while ((waiting = pending(arg)) && !g.expired)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &g.timer);
	if (waiting) {
		print_error("the event this test waits for did not come\n");
		_fail(file, line);
	}
}

void loop_run_once(struct ev_loop *loop)
{
	ev_run(loop, EVRUN_NOWAIT);
}
