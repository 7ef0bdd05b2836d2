/* SPDX-License-Identifier: Apache-2.0 */
#include "base/op.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

/*
 * Rows a, b, c, d. What happens is spelled: a lower case letter for a run, a
 * capital for an undo, '.' for finish. Rows named in `wait` wait, rows in
 * `fail` fail; capitals name undos there, too.
 */
struct job {
	struct op op;
	char trace[32];
	const char *wait, *fail;
	struct ev_loop *loop;
};

static int fault_at = -1; /* the step to break, by index */

bool op_fault(const struct op *op)
{
	return (int)op->at == fault_at;
}

static void spell(struct job *j, char letter)
{
	size_t n = strlen(j->trace);

	assert_true(n < sizeof(j->trace) - 1);
	j->trace[n] = letter;
}

static bool has(const char *letters, char letter)
{
	return letters && strchr(letters, letter);
}

static enum op_next act(struct op *op, char first)
{
	struct job *j = container_of(op, struct job, op);
	char letter = (char)(first + (char)op->at);

	spell(j, letter);
	if (has(j->wait, letter))
		return OP_WAIT;
	if (!has(j->fail, letter))
		return OP_DONE;
	err_set(&op->err, STATUS_UNKNOWN, "%c failed", letter);
	return OP_FAIL;
}

static enum op_next run(struct op *op)
{
	return act(op, 'a');
}

static enum op_next undo(struct op *op)
{
	return act(op, 'A');
}

static void finish(struct op *op)
{
	spell(container_of(op, struct job, op), '.');
}

static void let_go(struct op *op)
{
	spell(container_of(op, struct job, op), '~');
}

static const struct op_step steps[] = {
	{ "row a", run, undo },
	{ "row b", run, undo },
	{ "row c", run, undo },
	{ "row d", run, undo },
};
static const struct op_plan plan = { "job", steps, ARRAY_LEN(steps), finish, NULL };
static const struct op_plan tidy_plan = { "tidy", steps, ARRAY_LEN(steps), finish, let_go };

/* Rows b and c lack something. */
static const struct op_step gappy_steps[] = {
	{ "row a", run, undo },
	{ "safety net", NULL, undo },
	{ "no way back", run, NULL },
	{ "row d", run, undo },
};
static const struct op_plan gappy_plan = { "gappy", gappy_steps, ARRAY_LEN(gappy_steps), finish,
	NULL };

static void start(struct job *j, const struct op_plan *p, double deadline_s)
{
	j->loop = loop_new();
	op_start(&j->op, j->loop, p, deadline_s);
}

/* It is over, this is how it went, and no watcher of it is left in the loop. */
static void expect_end(struct job *j, const char *trace, const char *message)
{
	assert_string_equal(j->trace, trace);
	assert_string_equal(j->op.err.msg, message);
	assert_int_equal(err_is_set(&j->op.err), message[0] != '\0');
	ev_run(j->loop, 0);
	assert_string_equal(j->trace, trace);
	ev_loop_destroy(j->loop);
}

TEST(the_rows_run_from_top_to_bottom_and_then_it_is_over)
{
	struct job j = { 0 };

	start(&j, &plan, 0);
	expect_end(&j, "abcd.", "");
}

TEST(a_row_that_fails_undoes_its_own_half_first_and_then_those_above)
{
	struct job j = { .fail = "c" };

	start(&j, &plan, 0);
	expect_end(&j, "abcCBA.", "c failed");
}

TEST(the_first_and_the_last_row_may_fail_too)
{
	struct job first = { .fail = "a" }, last = { .fail = "d" };

	start(&first, &plan, 0);
	expect_end(&first, "aA.", "a failed");
	start(&last, &plan, 0);
	expect_end(&last, "abcdDCBA.", "d failed");
}

TEST(an_undo_that_fails_does_not_keep_the_others_from_running)
{
	struct job j = { .fail = "dC" };

	start(&j, &plan, 0);
	assert_string_equal(j.trace, "abcdDCBA.");
	ev_loop_destroy(j.loop);
}

TEST(a_row_may_lack_a_run_or_an_undo)
{
	struct job good = { 0 }, bad = { .fail = "d" };

	start(&good, &gappy_plan, 0);
	expect_end(&good, "acd.", "");
	start(&bad, &gappy_plan, 0);
	expect_end(&bad, "acdDBA.", "d failed");
}

TEST(a_safety_net_is_not_spread_before_its_row_is_reached)
{
	struct job j = { .fail = "a" };

	start(&j, &gappy_plan, 0);
	expect_end(&j, "aA.", "a failed");
}

TEST(a_row_that_waits_goes_on_when_it_is_resumed)
{
	struct job j = { .wait = "ac" };

	start(&j, &plan, 0);
	assert_string_equal(j.trace, "a");
	assert_string_equal(op_step_name(&j.op), "row a");
	op_resume(&j.op, OP_DONE);
	assert_string_equal(j.trace, "abc");
	assert_string_equal(op_step_name(&j.op), "row c");
	op_resume(&j.op, OP_DONE);
	expect_end(&j, "abcd.", "");
}

TEST(a_row_may_fail_after_it_has_waited)
{
	struct job j = { .wait = "b" };

	start(&j, &plan, 0);
	err_set(&j.op.err, STATUS_NOT_FOUND, "gone");
	op_resume(&j.op, OP_FAIL);
	expect_end(&j, "abBA.", "gone");
}

TEST(an_undo_may_wait_as_well)
{
	struct job j = { .fail = "c", .wait = "CA" };

	start(&j, &plan, 0);
	assert_string_equal(j.trace, "abcC");
	op_resume(&j.op, OP_DONE);
	assert_string_equal(j.trace, "abcCBA");
	op_resume(&j.op, OP_DONE);
	expect_end(&j, "abcCBA.", "c failed");
}

TEST(an_undo_that_waited_and_failed_does_not_hide_why_it_all_began)
{
	struct job j = { .fail = "c", .wait = "C" };

	start(&j, &plan, 0);
	op_resume(&j.op, OP_FAIL);
	expect_end(&j, "abcCBA.", "c failed");
}

TEST(the_deadline_unwinds_what_waits_and_names_the_row)
{
	struct job j = { .wait = "c" };

	start(&j, &plan, 0.01);
	assert_string_equal(j.trace, "abc");
	ev_run(j.loop, 0);
	assert_int_equal(j.op.err.status, STATUS_DEADLINE_EXCEEDED);
	expect_end(&j, "abcCBA.", "job: timed out in step 'row c'");
}

TEST(the_deadline_is_for_the_whole_of_it_and_not_for_each_row)
{
	struct job j = { .wait = "ab" };
	double left;

	start(&j, &plan, 100);
	left = ev_timer_remaining(j.loop, &j.op.timer);
	op_resume(&j.op, OP_DONE);
	assert_true(ev_timer_remaining(j.loop, &j.op.timer) <= left);
	op_resume(&j.op, OP_DONE);
	expect_end(&j, "abcd.", "");
}

TEST(without_a_deadline_nothing_is_armed)
{
	struct job j = { .wait = "b" };

	start(&j, &plan, 0);
	ev_run(j.loop, 0); /* returns, for there is nothing to wait for */
	assert_string_equal(j.trace, "ab");
	op_resume(&j.op, OP_DONE);
	expect_end(&j, "abcd.", "");
}

/* As if the time were up now. */
static void expire(struct job *j)
{
	ev_feed_event(j->loop, &j->op.timer, EV_TIMER);
	loop_run_once(j->loop);
}

TEST(an_undo_that_waits_gets_the_grace_and_not_the_rest_of_the_deadline)
{
	struct job j = { .wait = "cC" };

	start(&j, &plan, 1000);
	expire(&j);
	assert_string_equal(j.trace, "abcC");
	assert_true(ev_timer_remaining(j.loop, &j.op.timer) <= OP_UNDO_GRACE_S);
	assert_true(ev_timer_remaining(j.loop, &j.op.timer) > OP_UNDO_GRACE_S - 5);
	op_resume(&j.op, OP_DONE);
	expect_end(&j, "abcCBA.", "job: timed out in step 'row c'");
}

TEST(an_undo_that_waits_too_long_is_given_up_and_the_row_above_goes_on)
{
	struct job j = { .fail = "c", .wait = "CB" };

	start(&j, &plan, 0);
	assert_string_equal(j.trace, "abcC");
	expire(&j);
	assert_string_equal(j.trace, "abcCB");
	assert_true(ev_timer_remaining(j.loop, &j.op.timer) > OP_UNDO_GRACE_S - 5);
	expire(&j);
	expect_end(&j, "abcCBA.", "c failed");
}

TEST(what_an_undo_that_is_given_up_has_armed_is_let_go_before_the_row_above)
{
	struct job j = { .fail = "c", .wait = "CB" };

	start(&j, &tidy_plan, 0);
	expire(&j);
	assert_string_equal(j.trace, "abcC~B");
	op_resume(&j.op, OP_DONE);
	expect_end(&j, "abcC~BA~.", "c failed");
}

TEST(a_caller_may_give_up)
{
	struct job j = { .wait = "b" };

	start(&j, &plan, 100);
	err_set(&j.op.err, STATUS_CANCELED, "the shim is going down");
	op_abort(&j.op);
	assert_int_equal(j.op.err.status, STATUS_CANCELED);
	expect_end(&j, "abBA.", "the shim is going down");
}

TEST(giving_up_what_unwinds_already_changes_nothing)
{
	struct job j = { .fail = "b", .wait = "B" };

	start(&j, &plan, 0);
	op_abort(&j.op);
	assert_string_equal(j.trace, "abB");
	op_resume(&j.op, OP_DONE);
	expect_end(&j, "abBA.", "b failed");
}

TEST(whichever_row_a_test_breaks_everything_above_is_undone)
{
	static const char *const traces[] = { "aA.", "abBA.", "abcCBA.", "abcdDCBA." };

	for (fault_at = 0; fault_at < (int)ARRAY_LEN(steps); fault_at++) {
		struct job j = { 0 };

		start(&j, &plan, 0);
		expect_end(&j, traces[fault_at], "injected fault");
	}
	fault_at = -1;
}

TEST(a_row_that_waited_can_be_broken_too)
{
	struct job j = { .wait = "b" };

	fault_at = 1;
	start(&j, &plan, 0);
	op_resume(&j.op, OP_DONE);
	expect_end(&j, "abBA.", "injected fault");
}

static void free_job(struct op *op)
{
	free(container_of(op, struct job, op));
}

/* What the sanitizer is for. */
/* From the first row to the last undo, and not in finish(), which may free it. */
TEST(what_is_under_way_is_in_a_list)
{
	struct job j = { .wait = "b" };
	struct list all;

	j.loop = loop_new();
	list_init(&all);
	op_start_in(&all, &j.op, j.loop, &plan, 0);
	assert_ptr_equal(list_first(&all), &j.op.in);
	assert_string_equal(op_step_name(&j.op), "row b");
	op_resume(&j.op, OP_DONE);
	assert_true(list_is_empty(&all));
	expect_end(&j, "abcd.", "");
}

TEST(finish_may_free_the_operation)
{
	static const struct op_plan short_lived = { "job", steps, ARRAY_LEN(steps), free_job,
		NULL };
	struct ev_loop *loop = loop_new();
	struct job *at_once = calloc(1, sizeof(*at_once)), *later = calloc(1, sizeof(*later));

	op_start(&at_once->op, loop, &short_lived, 10);
	later->wait = "cC";
	op_start(&later->op, loop, &short_lived, 0.01);
	ev_run(loop, EVRUN_ONCE);
	assert_string_equal(later->trace, "abcC");
	op_resume(&later->op, OP_DONE);
	ev_run(loop, 0);
	ev_loop_destroy(loop);
}
