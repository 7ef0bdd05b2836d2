/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/watchdog.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/op.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONG_NS ((WATCHDOG_TURN_MAX_MS + 5) * INT64_C(1000000))

struct rig {
	struct ev_loop *loop;
	struct watchdog dog;
	int log[2];
	char said[4096];
};

static void rig_init(struct rig *r)
{
	r->loop = loop_new();
	assert_int_equal(pipe2(r->log, O_CLOEXEC | O_NONBLOCK), 0);
	log_to(r->log[1], LOG_INFO);
	watchdog_start(&r->dog, r->loop);
}

static const char *rig_log(struct rig *r)
{
	ssize_t n = read(r->log[0], r->said, sizeof(r->said) - 1);

	r->said[n < 0 ? 0 : n] = '\0';
	return r->said;
}

static void rig_fini(struct rig *r)
{
	log_to(-1, LOG_INFO);
	watchdog_stop(&r->dog, r->loop);
	assert_null(ev_userdata(r->loop));
	close(r->log[0]);
	close(r->log[1]);
	ev_loop_destroy(r->loop);
}

static void be_busy(int64_t ns)
{
	int64_t until = clock_mono_ns() + ns;

	while (clock_mono_ns() < until)
		;
}

static enum op_next dawdle(struct op *op)
{
	(void)op;
	be_busy(LONG_NS);
	return OP_DONE;
}

static void finish(struct op *op)
{
	(void)op;
}

static const struct op_step steps[] = { { "dawdle", dawdle, NULL } };
static const struct op_plan plan = { "create", steps, ARRAY_LEN(steps), finish, NULL };

struct late {
	ev_timer timer;
	struct op op;
	bool runs_op, is_over;
};

static void on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct late *l = container_of(t, struct late, timer);

	(void)revents;
	if (l->runs_op)
		op_start(&l->op, loop, &plan, 0);
	l->is_over = true;
}

/* A timer that has run out, and the turn after it. */
static void run_late(struct rig *r, double after_s, bool runs_op)
{
	struct late l = { .runs_op = runs_op };

	ev_timer_init(&l.timer, on_timer, after_s, 0.);
	ev_timer_start(r->loop, &l.timer);
	loop_run_until(r->loop, &l.is_over);
	loop_run_once(r->loop);
}

TEST(a_turn_that_took_long_is_told_with_what_it_was_about)
{
	struct turn about;
	const char *took;
	struct rig r;

	rig_init(&r);
	run_late(&r, 0., true);
	assert_true(watchdog_longest(&r.dog, &about) >= LONG_NS);
	assert_string_equal(about.what, "create");
	assert_string_equal(about.part, "dawdle");
	assert_int_equal(watchdog_long_turns(&r.dog), 1);
	assert_non_null(strstr(rig_log(&r), "msg=\"turn\" took="));
	took = strstr(r.said, " took=") + strlen(" took=");
	assert_true(strtol(took, NULL, 10) >= LONG_NS / 1000000);
	assert_non_null(strstr(r.said, "last=\"create: dawdle\", and nobody was served"));
	rig_fini(&r);
}

TEST(a_wait_is_no_turn)
{
	struct turn about;
	struct rig r;

	rig_init(&r);
	run_late(&r, (double)LONG_NS / 1e9, false);
	assert_true(watchdog_longest(&r.dog, &about) < LONG_NS);
	assert_null(about.what);
	assert_int_equal(watchdog_long_turns(&r.dog), 0);
	assert_string_equal(rig_log(&r), "");
	rig_fini(&r);
}

/* What was noted is of its turn, and not of those after it. */
TEST(a_turn_is_not_told_for_what_the_one_before_it_did)
{
	struct rig r;

	rig_init(&r);
	run_late(&r, 0., true);
	run_late(&r, 0., false);
	assert_null(r.dog.turn.what);
	rig_fini(&r);
}
