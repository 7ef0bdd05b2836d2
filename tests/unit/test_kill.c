/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Signals: at once, to whom they are meant for, and in the reference's words when not.
 */

#include "tests/unit/process_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void expect_no_kill(struct process *p, bool all, enum status status, const char *words)
{
	struct err e = ERR_INIT;

	assert_int_equal(process_kill(p, SIGTERM, all, &e), -1);
	assert_string_equal(e.msg, words);
	assert_int_equal(e.status, status);
}

TEST(a_signal_reaches_an_init_that_was_not_started)
{
	struct err e = ERR_INIT;
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	assert_int_equal(process_kill(&ct->init, SIGTERM, false, &e), 0);
	rig_await_exit(&r);
	rig_expect_story(&r, "create exit=143");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(the_very_signal_arrives)
{
	struct err e = ERR_INIT;
	struct container *ct;
	auto_fd int ready = -1;
	struct rig r;
	char byte;

	rig_init(&r);
	rig_script(&r, "trap 'exit 5' USR1; echo >$B/ready; while :; do read x <$B/never; done");
	ready = open(rig_fifo(&r, "ready"), O_RDWR | O_CLOEXEC);
	(void)rig_fifo(&r, "never");
	ct = rig_create(&r);
	rig_start(&r, ct);
	assert_int_equal(read(ready, &byte, 1), 1);
	assert_int_equal(process_kill(&ct->init, SIGUSR1, false, &e), 0);
	rig_await_exit(&r);
	rig_expect_story(&r, "create start exit=5");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(what_has_stopped_is_not_found)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_kill(&r, ct);
	expect_no_kill(&ct->init, false, STATUS_NOT_FOUND, "process already finished: not found");
	expect_no_kill(&ct->init, true, STATUS_NOT_FOUND, "process already finished: not found");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(one_that_has_died_and_was_not_told_yet_is_not_found_either)
{
	struct err e = ERR_INIT;
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "start hang\n");
	ct = rig_create(&r);
	rig_begin_start(&r, ct, 0, &d);
	assert_int_equal(process_kill(&ct->init, SIGKILL, false, &e), 0);
	loop_run_until(r.loop, &ct->init.seen.is_set);
	assert_false(ct->init.exit.is_set);
	expect_no_kill(&ct->init, false, STATUS_NOT_FOUND, "process already finished: not found");
	rig_expire(&r, rig_await_row(&r, "run runtime", false));
	rig_await(&r, &d);
	rig_await_exit(&r);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(all_of_a_container_without_a_cgroup_is_its_init)
{
	struct err e = ERR_INIT;
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_start(&r, ct);
	assert_int_equal(ct->cgroup.dir, -1); /* it shares ours: never to be killed */
	assert_int_equal(process_kill(&ct->init, SIGKILL, true, &e), 0);
	rig_await_exit(&r);
	rig_expect_story(&r, "create start exit=137");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_signal_that_does_not_exist_is_an_error)
{
	struct err e = ERR_INIT;
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	assert_int_equal(process_kill(&ct->init, 1000, false, &e), -1);
	assert_string_equal(e.msg, "unknown error after kill: invalid argument");
	assert_int_equal(e.status, STATUS_UNKNOWN);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_kill_does_not_wait_for_an_operation_that_hangs)
{
	struct err e = ERR_INIT;
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "start hang\n");
	ct = rig_create(&r);
	rig_begin_start(&r, ct, 0.3, &d);
	assert_int_equal(process_kill(&ct->init, SIGKILL, false, &e), 0);
	assert_false(d.done);
	rig_await(&r, &d);
	rig_await_exit(&r);
	rig_expect_story(&r, "create !start exit=137");
	rig_delete(&r, ct);
	rig_fini(&r);
}

static void on_exec_started(void *user, struct process *p, const struct err *e)
{
	(void)p;
	assert_false(err_is_set(e));
	*(bool *)user = true;
}

/* `sleep 1000`, beside the init. */
static struct process *run_exec(struct rig *r, struct container *ct)
{
	static const char spec[] = "{\"args\":[\"sleep\",\"1000\"]}";
	struct exec_args args = { .exec_id = "e1", .spec = spec, .spec_len = strlen(spec) };
	struct err e = ERR_INIT;
	struct process *p;
	bool done = false;

	args.io = rig_streams(r);
	p = exec_add(ct, &args, &e);
	assert_non_null(p);
	exec_start_begin(p, 0, on_exec_started, &done);
	loop_run_until(r->loop, &done);
	return p;
}

TEST(a_signal_for_all_reaches_the_execs_of_a_container_without_a_cgroup)
{
	struct err e = ERR_INIT;
	struct container *ct;
	auto_fd int ready = -1;
	struct process *p;
	struct rig r;
	char byte;

	rig_init(&r);
	rig_script(&r, "trap '' USR1; echo >$B/ready; exec sleep 1000");
	ready = open(rig_fifo(&r, "ready"), O_RDWR | O_CLOEXEC);
	ct = rig_create(&r);
	rig_start(&r, ct);
	assert_int_equal(read(ready, &byte, 1), 1);
	p = run_exec(&r, ct);
	assert_int_equal(process_kill(&ct->init, SIGUSR1, true, &e), 0);
	loop_run_until(r.loop, &p->exit.is_set);
	assert_int_equal(p->exit.code, 128 + SIGUSR1);
	assert_false(ct->init_exited);
	assert_int_equal(process_kill(&ct->init, SIGKILL, false, &e), 0);
	loop_run_until(r.loop, &ct->init.exit.is_set);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(without_a_pid_namespace_the_execs_end_with_their_init)
{
	struct container *ct;
	struct process *p;
	struct rig r;

	rig_init(&r);
	rig_write(&r, "config.json", "{\"process\":{\"args\":[\"sleep\",\"1000\"]}}");
	ct = rig_create(&r);
	rig_start(&r, ct);
	p = run_exec(&r, ct);
	assert_int_equal(child_signal(&ct->init.child, SIGTERM), 0);
	loop_run_until(r.loop, &ct->init.exit.is_set);
	assert_int_equal(p->exit.code, 128 + SIGKILL);
	rig_expect_story(&r, "create start exit=137 exit=143");
	rig_delete(&r, ct);
	rig_fini(&r);
}
