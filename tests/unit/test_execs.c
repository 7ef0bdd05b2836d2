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
