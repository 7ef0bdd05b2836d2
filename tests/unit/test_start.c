/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The Start operation of an init, and what waits for its end.
 */

#include "tests/unit/process_rig.h"

#include <signal.h>
#include <stdlib.h>

/* `start` of this runtime returns only when init has come and gone. */
#define START_WAITS_FOR_THE_END                                                                    \
	"\"$FAKE\" \"$@\" || exit 1\n"                                                             \
	"read pid <$B/init.pid\n"                                                                  \
	"for word; do [ \"$word\" != start ] || while [ -e /proc/$pid ]; do :; done; done"

TEST(a_started_init_runs_and_its_exit_is_told)
{
	struct container *ct;
	struct rig r;
	char *ran;

	rig_init(&r);
	rig_script(&r, "echo yes >$B/ran; exit 7");
	ct = rig_create(&r);
	assert_null(rig_read(&r, "ran"));
	rig_start(&r, ct);
	rig_await_exit(&r);
	ran = rig_read(&r, "ran");
	assert_string_equal(ran, "yes\n");
	free(ran);
	assert_int_equal(ct->init.state, STATE_STOPPED);
	assert_int_equal(ct->init.exit.code, 7);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create start exit=7 delete");
	rig_fini(&r);
}

TEST(death_by_a_signal_is_128_and_the_signal)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	rig_script(&r, "kill -TERM $$");
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_await_exit(&r);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create start exit=143 delete");
	rig_fini(&r);
}

TEST(an_exit_during_start_is_told_after_the_start)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_script(&r, "exit 3");
	rig_runtime_script(&r, START_WAITS_FOR_THE_END);
	ct = rig_create(&r);
	rig_begin_start(&r, ct, 0, &d);
	rig_await(&r, &d);
	deed_expect_ok(&d);
	assert_false(d.had_exit);
	rig_await_exit(&r);
	rig_expect_story(&r, "create start exit=3");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(out_of_memory_during_start_is_told_after_the_start_and_before_the_exit)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_script(&r, "exit 3");
	rig_runtime_script(&r, START_WAITS_FOR_THE_END);
	ct = rig_create(&r);
	rig_begin_start(&r, ct, 0, &d);
	container_on_oom(&ct->oom);
	container_on_oom(&ct->oom); /* once for any number */
	assert_true(ct->had_oom);
	rig_await(&r, &d);
	deed_expect_ok(&d);
	rig_await_exit(&r);
	rig_expect_story(&r, "create start oom exit=3");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(out_of_memory_is_told_at_once_between_create_and_start_and_after_it)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	container_on_oom(&ct->oom);
	rig_expect_story(&r, "create oom");
	rig_start(&r, ct);
	container_on_oom(&ct->oom);
	rig_expect_story(&r, "create oom start oom");
	rig_kill(&r, ct);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create oom start oom exit=137 delete");
	rig_fini(&r);
}

TEST(an_init_that_dies_while_its_start_hangs_is_told_after_the_failure)
{
	struct err e = ERR_INIT;
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_misdeeds(&r, "start hang-ms 3000\n");
	rig_begin_start(&r, ct, 0, &d);
	assert_int_equal(process_kill(&ct->init, SIGKILL, false, &e), 0);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_UNKNOWN,
		"OCI runtime start failed: cannot start a container that has stopped");
	assert_false(d.had_exit);
	rig_await_exit(&r);
	rig_expect_story(&r, "create !start exit=137");
	rig_misdeeds(&r, "");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_start_that_failed_leaves_a_created_container_that_can_be_deleted)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_misdeeds(&r, "start fail exec /bin/nope: no such file\n");
	rig_begin_start(&r, ct, 0, &d);
	rig_await(&r, &d);
	assert_string_equal(d.err.msg, "OCI runtime start failed: exec /bin/nope: no such file");
	assert_int_equal(ct->init.state, STATE_CREATED);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create !start exit=137 delete");
	rig_fini(&r);
}

TEST(a_start_that_hangs_is_ended_by_the_deadline_and_may_be_repeated)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_misdeeds(&r, "start hang\n");
	rig_begin_start(&r, ct, 0.1, &d);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "start: timed out in step 'run runtime'");
	rig_misdeeds(&r, "");
	rig_start(&r, ct);
	rig_kill(&r, ct);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create !start start exit=137 delete");
	rig_fini(&r);
}

TEST(what_runs_or_has_stopped_is_not_started)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_begin_start(&r, ct, 0, &d);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_UNKNOWN, "cannot start a running process");
	rig_kill(&r, ct);
	rig_begin_start(&r, ct, 0, &d);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_UNKNOWN, "cannot start a stopped process");
	assert_int_equal(rig_count_calls(&r, "start"), 1);
	rig_delete(&r, ct);
	rig_fini(&r);
}

struct guest {
	struct waiter waiter;
	struct rig *rig;
	int calls;
	uint32_t code;
	bool observer_first;
	struct guest *cancels; /* another that it takes off the list */
};

static void on_exit_heard(struct waiter *w, const struct process *p)
{
	struct guest *g = container_of(w, struct guest, waiter);

	g->calls++;
	g->code = p->exit.code;
	g->observer_first = g->rig->exited;
	if (g->cancels)
		process_wait_cancel(&g->cancels->waiter);
}

TEST(everybody_who_waits_is_answered_once_after_the_observer)
{
	struct guest first, second, cancelled, late;
	struct container *ct;
	struct rig r;

	rig_init(&r);
	first = second = cancelled = late =
		(struct guest){ .rig = &r, .waiter.on_exit = on_exit_heard };
	ct = rig_create(&r);
	rig_start(&r, ct);
	first.cancels = &cancelled;
	assert_false(process_wait(&ct->init, &first.waiter));
	assert_false(process_wait(&ct->init, &cancelled.waiter));
	assert_false(process_wait(&ct->init, &second.waiter));
	rig_kill(&r, ct);
	assert_int_equal(first.calls, 1);
	assert_int_equal(first.code, 137);
	assert_true(first.observer_first);
	assert_int_equal(second.calls, 1);
	assert_int_equal(cancelled.calls, 0);
	assert_true(process_wait(&ct->init, &late.waiter));
	process_wait_cancel(&late.waiter);
	process_wait_cancel(&first.waiter); /* of no consequence any more */
	rig_delete(&r, ct);
	assert_int_equal(late.calls, 0);
	rig_fini(&r);
}
