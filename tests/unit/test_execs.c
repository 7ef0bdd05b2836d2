/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Execs beside one another, very many, and at the wrong moment.
 */

#include "tests/unit/exec_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The second is over before the first, whose words are not the last that were said. */
TEST(of_two_execs_that_fail_at_once_each_is_told_its_own_reason)
{
	static const char script[] =
		"case \"$*\" in\n"
		"*/e1.process.json*)\n"
		"	echo '{\"level\":\"error\",\"msg\":\"no first\"}' >>\"$4\"\n"
		"	: >$B/first; while [ ! -e $B/second ]; do sleep 0.01; done; exit 1 ;;\n"
		"*/e2.process.json*)\n"
		"	while [ ! -e $B/first ]; do sleep 0.01; done\n"
		"	echo '{\"level\":\"error\",\"msg\":\"no second\"}' >>\"$4\"\n"
		"	: >$B/second; exit 1 ;;\n"
		"esac\n"
		"exec \"$FAKE\" \"$@\"";
	const char *spec = "{\"args\":[\"true\"]}";
	struct exec_args args = { .exec_id = "e2", .spec = spec, .spec_len = strlen(spec) };
	struct scene s, other = { .done = false };
	struct err e = ERR_INIT;

	memset(&s, 0, sizeof(s));
	rig_init(&s.rig);
	rig_runtime_script(&s.rig, script);
	s.ct = rig_create(&s.rig);
	rig_start(&s.rig, s.ct);
	other.p = exec_add(s.ct, &args, &e);
	args.exec_id = "e1";
	s.p = exec_add(s.ct, &args, &e);
	exec_start_begin(other.p, 0, on_started, &other);
	start(&s);
	loop_run_until(s.rig.loop, &other.done);
	expect_error(&s, STATUS_UNKNOWN, "OCI runtime exec failed: no first");
	expect_error(&other, STATUS_UNKNOWN, "OCI runtime exec failed: no second");
	assert_null(rig_read(&s.rig, "e1.log.json"));
	s.rig.exited = false;
	assert_int_equal(child_signal(&s.ct->init.child, SIGKILL), 0);
	rig_await_exit(&s.rig);
	rig_delete(&s.rig, s.ct);
	rig_fini(&s.rig);
}

static struct process *add(struct scene *s, const char *id, struct err *e)
{
	const char *spec = "{\"args\":[\"sleep\",\"1000\"]}";
	const struct exec_args args = { .exec_id = id, .spec = spec, .spec_len = strlen(spec) };

	return exec_add(s->ct, &args, e);
}

/* Its pid file is not the init's, which `delete` needs if we die. */
TEST(an_exec_may_be_called_init)
{
	struct err e = ERR_INIT;
	struct scene s, other = { .done = false };
	char *pid;

	scene_set(&s, "exit 3");
	other.p = add(&s, "init", &e);
	exec_start_begin(other.p, 0, on_started, &other);
	loop_run_until(s.rig.loop, &other.done);
	expect_ok(&other);
	pid = rig_read(&s.rig, "init.pid");
	assert_int_equal(atoi(pid), s.ct->init.pid);
	free(pid);
	assert_int_equal(child_signal(&other.p->child, SIGKILL), 0);
	rig_await_exit(&s.rig);
	scene_strike(&s);
}

TEST(so_many_execs_and_no_more)
{
	struct err e = ERR_INIT;
	struct scene s;
	char id[16];

	scene_set(&s, "exit 3");
	for (int i = 1; i < CONTAINER_EXECS_MAX; i++) {
		snprintf(id, sizeof(id), "x%d", i);
		assert_non_null(add(&s, id, &e));
	}
	assert_null(add(&s, "last", &e));
	assert_int_equal(e.status, STATUS_RESOURCE_EXHAUSTED);
	assert_string_equal(e.msg, "there are 4096 execs already");
	scene_strike(&s);
}

static void await_birth(const struct scene *s)
{
	while (faccessat(s->rig.dir.fd, "c1/born", F_OK, 0) < 0)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* The container has no pid namespace of its own: the kernel kills nobody, and neither would we. */
TEST(an_exec_that_comes_to_be_after_the_init_has_died_is_killed)
{
	char spec[256];
	struct exec_args args = { .exec_id = "e2", .spec = spec };
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s, "exit 3");
	snprintf(spec, sizeof(spec),
		"{\"args\":[\"sh\",\"-c\",\"echo >%s/born; exec sleep 1000\"]}", s.rig.bundle);
	args.spec_len = strlen(spec);
	s.p = exec_add(s.ct, &args, &e);
	s.ct->own_pidns = false;
	rig_misdeeds(&s.rig, "exec orphan 300\n");
	s.done = false;
	exec_start_begin(s.p, 0, on_started, &s);
	await_birth(&s);
	assert_int_equal(kill(s.ct->init.pid, SIGKILL), 0);
	await(&s);
	loop_run_until(s.rig.loop, &s.ct->init.exit.is_set);
	assert_int_equal(s.p->exit.code, 137);
	rig_delete(&s.rig, s.ct);
	rig_fini(&s.rig);
}

/* e1 has ended; more is left than a FIFO holds, and nobody has read yet. */
static void set_unread(struct scene *s)
{
	scene_set(s, "seq 70000");
	s->rig.exited = false;
	start(s);
	rig_await_exit(&s->rig);
}

static bool is_unread(void *arg)
{
	const struct scene *s = arg;
	char chunk[4096];

	while (read(s->rig.reads[0], chunk, sizeof(chunk)) > 0) {
	}
	return !s->done;
}

static bool is_not_awaited(void *arg)
{
	const struct scene *s = arg;

	return !s->ct->exec_deletes_awaited_by;
}

TEST(what_an_exec_has_left_unread_holds_up_nobody_else)
{
	struct scene s, slow = { .done = false };
	struct err e = ERR_INIT;

	set_unread(&s);
	slow.p = s.p;
	exec_delete_begin(slow.p, 0, on_deleted, &slow);
	verb(&s, VERB_PAUSE, NULL);
	expect_ok(&s);
	verb(&s, VERB_RESUME, NULL);
	expect_ok(&s);
	s.p = add(&s, "e2", &e);
	delete_exec(&s);
	expect_ok(&s);
	assert_false(slow.done);
	slow.rig = s.rig;
	loop_run_while(s.rig.loop, is_unread, &slow);
	expect_ok(&slow);
	scene_strike(&s);
}

TEST(a_container_is_deleted_after_its_execs)
{
	struct scene s, slow = { .done = false };
	struct deed d;

	set_unread(&s);
	slow.p = s.p;
	slow.rig = s.rig;
	exec_delete_begin(slow.p, 0, on_deleted, &slow);
	s.rig.exited = false;
	assert_int_equal(child_signal(&s.ct->init.child, SIGKILL), 0);
	rig_await_exit(&s.rig);
	rig_begin_delete(&s.rig, s.ct, 0, &d);
	loop_run_while(s.rig.loop, is_not_awaited, &s);
	rig_expire(&s.rig, s.ct->exec_deletes_awaited_by);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "delete: timed out in step 'await execs'");
	assert_null(s.ct->exec_deletes_awaited_by);
	rig_begin_delete(&s.rig, s.ct, 0, &d);
	loop_run_while(s.rig.loop, is_not_awaited, &s);
	assert_false(slow.done || d.done);
	loop_run_while(s.rig.loop, is_unread, &slow);
	expect_ok(&slow);
	deed_expect_ok(&d);
	rig_fini(&s.rig);
}

TEST(of_two_deletes_of_an_exec_the_second_waits_and_finds_nothing)
{
	struct scene s, first = { .done = false }, second = { .done = false };

	set_unread(&s);
	first.rig = s.rig;
	exec_delete_begin(s.p, 0, on_deleted, &first);
	exec_delete_begin(s.p, 0, on_deleted, &second);
	assert_false(first.done || second.done);
	loop_run_while(s.rig.loop, is_unread, &first);
	expect_ok(&first);
	expect_error(&second, STATUS_NOT_FOUND, "process does not exist e1: not found");
	scene_strike(&s);
}

TEST(so_many_deletes_of_an_exec_and_no_more)
{
	struct scene s, more[PROCESS_DELETES_MAX + 1];

	set_unread(&s);
	memset(more, 0, sizeof(more));
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		exec_delete_begin(s.p, 0, on_deleted, &more[i]);
	expect_error(&more[PROCESS_DELETES_MAX], STATUS_RESOURCE_EXHAUSTED,
		"exec 'e1': 64 Deletes are waiting already");
	assert_int_equal(s.p->n_deletes, PROCESS_DELETES_MAX);
	more[0].rig = s.rig;
	loop_run_while(s.rig.loop, is_unread, &more[0]);
	expect_ok(&more[0]);
	assert_int_equal(more[PROCESS_DELETES_MAX - 1].err.status, STATUS_NOT_FOUND);
	scene_strike(&s);
}

TEST(the_second_delete_of_an_exec_goes_on_where_the_time_of_the_first_is_up)
{
	struct scene s, first = { .done = false }, second = { .done = false };

	set_unread(&s);
	second.rig = s.rig;
	exec_delete_begin(s.p, 0, on_deleted, &first);
	exec_delete_begin(s.p, 0, on_deleted, &second);
	rig_expire(&s.rig, container_of(list_first(&s.ct->under_way), struct op, in));
	assert_true(first.done);
	expect_error(
		&first, STATUS_DEADLINE_EXCEEDED, "delete exec: timed out in step 'drain stdio'");
	assert_false(second.done);
	loop_run_while(s.rig.loop, is_unread, &second);
	expect_ok(&second);
	scene_strike(&s);
}
