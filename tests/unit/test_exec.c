/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Execs, pause, resume and update, driven on a loop; and their fault sweeps.
 */

#include "base/op.h"
#include "tests/unit/exec_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *faulty_plan; /* the plan whose row is to fail; none once it has */
static size_t faulty_row;
static const char *faulty_step; /* its name, when it was hit */
static bool was_hit;

bool op_fault(const struct op *op)
{
	if (!faulty_plan || strcmp(op->plan->name, faulty_plan) != 0 || op->at != faulty_row)
		return false;
	faulty_plan = NULL;
	faulty_step = op_step_name(op);
	was_hit = true;
	return true;
}

static void arm(const char *plan, size_t row)
{
	faulty_plan = plan;
	faulty_row = row;
	was_hit = false;
}

TEST(an_exec_runs_and_its_exit_is_told_before_its_deletion)
{
	struct scene s;

	scene_set(&s, "exit 3");
	start(&s);
	expect_ok(&s);
	rig_await_exit(&s.rig);
	assert_int_equal(s.p->exit.code, 3);
	delete_exec(&s);
	expect_ok(&s);
	assert_null(rig_read(&s.rig, "e1.exec.pid"));
	assert_null(rig_read(&s.rig, "e1.process.json"));
	rig_expect_story(&s.rig, "create start exit=3");
	scene_strike(&s);
}

TEST(an_exec_that_dies_before_we_know_its_pid_is_still_ours)
{
	struct scene s;

	scene_set(&s, "exit 3");
	rig_misdeeds(&s.rig, "exec dead-init\n");
	start(&s);
	expect_ok(&s);
	assert_false(s.had_exit);
	rig_await_exit(&s.rig);
	assert_int_equal(s.p->exit.code, 42);
	delete_exec(&s);
	scene_strike(&s);
}

TEST(a_running_exec_is_not_deleted_nor_started_again)
{
	struct scene s;

	scene_set(&s, "exec sleep 1000");
	start(&s);
	expect_ok(&s);
	delete_exec(&s);
	expect_error(&s, STATUS_UNKNOWN, "cannot delete a running process");
	start(&s);
	expect_error(&s, STATUS_UNKNOWN, "cannot start a running process");
	assert_int_equal(child_signal(&s.p->child, SIGKILL), 0);
	rig_await_exit(&s.rig);
	delete_exec(&s);
	expect_ok(&s);
	scene_strike(&s);
}

TEST(a_process_that_keeps_the_stream_of_an_exec_open_does_not_hold_up_its_delete)
{
	struct scene s;
	char *pid;

	scene_set(&s, "sleep 1000 & echo $! >$B/heir");
	start(&s);
	rig_await_exit(&s.rig);
	delete_exec(&s);
	expect_ok(&s);
	pid = rig_read(&s.rig, "heir");
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
	free(pid);
	scene_strike(&s);
}

/* Its exit has been told; a Start that is refused tells it no second time. */
TEST(an_exec_that_has_stopped_is_not_started_again)
{
	struct scene s;

	scene_set(&s, "exit 3");
	start(&s);
	rig_await_exit(&s.rig);
	start(&s);
	expect_error(&s, STATUS_UNKNOWN, "cannot start a stopped process");
	delete_exec(&s);
	expect_ok(&s);
	scene_strike(&s);
}

static struct process *add_second(struct scene *s)
{
	struct exec_args args = { .exec_id = "e2", .spec = "{\"args\":[\"true\"]}" };
	struct err e = ERR_INIT;
	struct process *p;

	args.spec_len = strlen(args.spec);
	p = exec_add(s->ct, &args, &e);
	assert_non_null(p);
	return p;
}

/* The fake runtime has no pid namespaces: e1 outlives its init, whose exit waits for it. */
TEST(once_the_init_has_exited_no_exec_starts)
{
	struct process *second;
	struct scene s;

	scene_set(&s, "exec sleep 1000");
	start(&s);
	second = add_second(&s);
	assert_int_equal(child_signal(&s.ct->init.child, SIGKILL), 0);
	loop_run_until(s.rig.loop, &s.ct->init_exited);
	assert_int_equal(s.ct->init.state, STATE_RUNNING);
	s.done = false;
	exec_start_begin(second, 0, on_started, &s);
	await(&s);
	expect_error(&s, STATUS_FAILED_PRECONDITION,
		"container c1 init process is not running: failed precondition");
	assert_int_equal(rig_count_calls(&s.rig, "exec"), 1);
	assert_int_equal(child_signal(&s.p->child, SIGKILL), 0);
	loop_run_until(s.rig.loop, &s.ct->init.exit.is_set);
	rig_expect_story(&s.rig, "create start exit=137 exit=137");
	rig_delete(&s.rig, s.ct);
	rig_fini(&s.rig);
}

TEST(an_exec_whose_start_failed_may_be_started_again)
{
	struct scene s;

	scene_set(&s, "exit 3");
	rig_misdeeds(&s.rig, "exec fail no such user\n");
	start(&s);
	expect_error(&s, STATUS_UNKNOWN, "OCI runtime exec failed: no such user");
	rig_misdeeds(&s.rig, "exec half-pid\n");
	start(&s);
	expect_error(&s, STATUS_UNKNOWN,
		"failed to retrieve OCI runtime exec pid: e1.exec.pid holds '', which is not a "
		"pid");
	rig_misdeeds(&s.rig, "");
	start(&s);
	expect_ok(&s);
	rig_await_exit(&s.rig);
	delete_exec(&s);
	scene_strike(&s);
}

static void on_no_start(struct waiter *w, const struct process *p)
{
	assert_true(p->start_failed);
	w->on_exit = NULL;
}

TEST(who_waits_for_an_exec_hears_that_it_did_not_start)
{
	struct waiter w = { .on_exit = on_no_start };
	struct scene s;

	scene_set(&s, "exit 3");
	assert_false(process_wait(s.p, &w));
	rig_misdeeds(&s.rig, "exec fail no such user\n");
	start(&s);
	assert_null(w.on_exit);
	delete_exec(&s);
	scene_strike(&s);
}

static void expect_not_added(struct scene *s, const char *id, const char *spec, const char *words)
{
	struct exec_args args = { .exec_id = id, .spec = spec };
	struct err e = ERR_INIT;

	args.spec_len = spec ? strlen(spec) : 0;
	assert_null(exec_add(s->ct, &args, &e));
	assert_non_null(strstr(e.msg, words));
}

TEST(what_is_no_exec_is_refused)
{
	struct scene s;

	scene_set(&s, "exit 0");
	expect_not_added(&s, "e1", "{}", "id e1: already exists");
	expect_not_added(&s, "../e", "{}", "exec id '../e' is not legal");
	expect_not_added(&s, "e2", NULL, "there is no process spec");
	expect_not_added(&s, "e2", "{\"args\":", "process spec");
	expect_not_added(&s, "e2", "[]", "process spec");
	delete_exec(&s); /* of one that was never started */
	expect_ok(&s);
	scene_strike(&s);
}

TEST(a_paused_container_can_be_resumed_and_not_paused_again)
{
	struct scene s;

	scene_set(&s, "exit 0");
	verb(&s, VERB_RESUME, NULL);
	expect_error(&s, STATUS_UNKNOWN, "cannot resume a running process");
	verb(&s, VERB_PAUSE, NULL);
	expect_ok(&s);
	assert_int_equal(s.ct->init.state, STATE_PAUSED);
	verb(&s, VERB_PAUSE, NULL);
	expect_error(&s, STATUS_UNKNOWN, "cannot pause a paused container");
	rig_misdeeds(&s.rig, "resume fail frozen solid\n");
	verb(&s, VERB_RESUME, NULL);
	expect_error(&s, STATUS_UNKNOWN, "OCI runtime resume failed: frozen solid");
	assert_int_equal(s.ct->init.state, STATE_PAUSED);
	rig_misdeeds(&s.rig, "");
	verb(&s, VERB_RESUME, NULL);
	expect_ok(&s);
	assert_int_equal(s.ct->init.state, STATE_RUNNING);
	delete_exec(&s);
	scene_strike(&s);
}

TEST(resources_reach_the_runtime_as_they_came)
{
	struct scene s;
	char *text;

	scene_set(&s, "exit 0");
	verb(&s, VERB_UPDATE, "{\"pids\": {\"limit\": 5}}");
	expect_ok(&s);
	text = tmpdir_read(&s.rig.dir, "runtime/" RIG_NAMESPACE "/c1/resources");
	assert_string_equal(text, "{\"pids\":{\"limit\":5}}");
	free(text);
	verb(&s, VERB_UPDATE, NULL);
	expect_error(&s, STATUS_INVALID_ARGUMENT, "update: there are no resources");
	verb(&s, VERB_UPDATE, "{\"pids\":");
	assert_int_equal(s.err.status, STATUS_INVALID_ARGUMENT);
	delete_exec(&s);
	scene_strike(&s);
}

/* Children, dead or alive, other than the init. */
static bool runs_besides_init(void *arg)
{
	const struct scene *s = arg;
	FILE *f = fopen("/proc/thread-self/children", "re");
	bool others = false;
	int pid;

	assert_non_null(f);
	while (fscanf(f, "%d", &pid) == 1)
		others |= pid != s->ct->init.pid;
	fclose(f);
	return others;
}

/* Everything of the exec is gone, but not what it was asked to be. */
static void expect_as_before(struct scene *s)
{
	loop_run_while(s->rig.loop, runs_besides_init, s);
	assert_int_equal(s->rig.reaper.holds, 0);
	assert_int_equal(s->p->news_held, 0);
	assert_int_equal(s->ct->running_execs, 0);
	assert_null(s->p->io);
	assert_null(rig_read(&s->rig, "e1.process.json"));
	rig_expect_streams_are_free(&s->rig);
	assert_false(s->p->exit.is_set);
}

/* Its number is nowhere, but it was handed over. */
TEST(an_exec_whose_pid_nobody_wrote_is_ended_by_its_pidfd)
{
	struct scene s;

	setenv("FAKE_HANDS_PIDFDS", "1", 1);
	scene_set(&s, "exec sleep 1000");
	rig_misdeeds(&s.rig, "exec half-pid\n");
	start(&s);
	expect_error(&s, STATUS_UNKNOWN,
		"failed to retrieve OCI runtime exec pid: e1.exec.pid holds '', which is not a "
		"pid");
	expect_as_before(&s);
	scene_strike(&s);
}

static bool exec_fails_in(size_t row)
{
	struct scene s;
	bool hit;

	scene_set(&s, "exec sleep 1000");
	arm("exec", row);
	start(&s);
	hit = was_hit;
	if (hit) {
		print_message("a fault in step '%s'\n", faulty_step);
		expect_error(&s, STATUS_UNKNOWN, "injected fault");
		expect_as_before(&s);
		start(&s);
	}
	expect_ok(&s);
	assert_int_equal(child_signal(&s.p->child, SIGKILL), 0);
	rig_await_exit(&s.rig);
	delete_exec(&s);
	expect_ok(&s);
	scene_strike(&s);
	return hit;
}

static bool exec_delete_fails_in(size_t row)
{
	struct scene s;
	bool hit;

	scene_set(&s, "exit 3");
	start(&s);
	rig_await_exit(&s.rig);
	arm("delete exec", row);
	delete_exec(&s);
	hit = was_hit;
	if (hit) {
		expect_error(&s, STATUS_UNKNOWN, "injected fault");
		delete_exec(&s);
	}
	expect_ok(&s);
	scene_strike(&s);
	return hit;
}

static bool pause_fails_in(size_t row)
{
	struct scene s;
	bool hit;

	scene_set(&s, "exit 3");
	arm("verb", row);
	verb(&s, VERB_PAUSE, NULL);
	hit = was_hit;
	if (hit)
		expect_error(&s, STATUS_UNKNOWN, "injected fault");
	assert_int_equal(s.ct->init.state, hit ? STATE_RUNNING : STATE_PAUSED);
	assert_false(s.ct->is_pausing);
	delete_exec(&s);
	scene_strike(&s);
	return hit;
}

static size_t count_rows(bool (*fails_in)(size_t row))
{
	size_t row = 0;

	while (fails_in(row))
		row++;
	return row;
}

TEST(an_exec_that_fails_in_any_row_leaves_nothing_and_can_be_repeated)
{
	assert_true(count_rows(exec_fails_in) >= 11);
}

TEST(a_delete_of_an_exec_that_fails_in_any_row_can_be_repeated)
{
	assert_true(count_rows(exec_delete_fails_in) >= 3);
}

TEST(a_pause_that_fails_in_any_row_leaves_the_state_alone)
{
	assert_true(count_rows(pause_fails_in) >= 3);
}
