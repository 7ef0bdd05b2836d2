/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/signals.h"
#include "tests/lib/deaf.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

struct ear {
	struct signals signals;
	int heard[8];
	int n;
	bool twice;
};

static void on_signal(struct signals *s, int signo)
{
	struct ear *ear = container_of(s, struct ear, signals);

	ear->heard[ear->n++] = signo;
	ear->twice = ear->n == 2;
}

TEST(term_and_int_are_events_of_the_loop)
{
	struct ev_loop *loop = loop_new();
	struct ear ear = { .n = 0 };

	assert_int_equal(signals_init(&ear.signals, loop, on_signal), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(raise(SIGINT), 0);
	loop_run_until(loop, &ear.twice);
	assert_int_equal(ear.heard[0] + ear.heard[1], SIGTERM + SIGINT);
	signals_fini(&ear.signals);
	ev_loop_destroy(loop);
}

TEST(usr1_is_an_event_too_and_does_not_kill)
{
	struct ev_loop *loop = loop_new();
	struct ear ear = { .n = 1 };

	assert_int_equal(signals_init(&ear.signals, loop, on_signal), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	loop_run_until(loop, &ear.twice);
	assert_int_equal(ear.heard[1], SIGUSR1);
	signals_fini(&ear.signals);
	ev_loop_destroy(loop);
}

TEST(a_reader_that_has_gone_is_an_error_and_not_our_death)
{
	struct ev_loop *loop = loop_new();
	struct ear ear = { .n = 0 };
	int fds[2];

	assert_int_equal(signals_init(&ear.signals, loop, on_signal), 0);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(write(fds[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	loop_run_once(loop);
	assert_int_equal(ear.n, 0);
	close(fds[1]);
	signals_fini(&ear.signals);
	ev_loop_destroy(loop);
}

TEST(what_a_terminal_sends_is_an_event_where_it_is_wanted)
{
	struct ev_loop *loop = loop_new();
	struct ear ear = { .n = 0 };

	assert_int_equal(signals_init_at_terminal(&ear.signals, loop, on_signal), 0);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(raise(SIGQUIT), 0);
	loop_run_until(loop, &ear.twice);
	assert_int_equal(ear.heard[0] + ear.heard[1], SIGHUP + SIGQUIT);
	signals_fini(&ear.signals);
	ev_loop_destroy(loop);
}

TEST(what_nohup_ignores_stays_ignored)
{
	struct ev_loop *loop = loop_new();
	struct ear ear = { .n = 1 };

	signal(SIGHUP, SIG_IGN);
	assert_int_equal(signals_init_at_terminal(&ear.signals, loop, on_signal), 0);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(raise(SIGQUIT), 0);
	loop_run_until(loop, &ear.twice);
	assert_int_equal(ear.heard[1], SIGQUIT);
	signals_fini(&ear.signals);
	ev_loop_destroy(loop);
}

static void end_it_all(struct signals *s, int signo)
{
	(void)signo;
	signals_fini(s);
	*s = (struct signals){ .fd = -1 };
}

TEST(the_callback_may_end_it)
{
	struct ev_loop *loop = loop_new();
	struct signals s;

	assert_int_equal(signals_init(&s, loop, end_it_all), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(raise(SIGINT), 0);
	ev_run(loop, 0); /* returns when nothing is watched any more */
	assert_int_equal(s.fd, -1);
	signals_fini(&s);
	ev_loop_destroy(loop);
}

TEST(who_is_not_watched_is_not_heard)
{
	struct ev_loop *loop = loop_new();
	struct ear ear = { .n = 0 };

	assert_int_equal(signals_init(&ear.signals, loop, on_signal), 0);
	loop_run_once(loop);
	assert_true(signals_are_heard(&ear.signals));
	refuse_to_watch(loop, &ear.signals.watcher);
	loop_run_once(loop);
	assert_false(signals_are_heard(&ear.signals));
	assert_int_equal(ear.n, 0);
	signals_fini(&ear.signals);
	ev_loop_destroy(loop);
}
