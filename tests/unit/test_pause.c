/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Pause and Resume by the kernel's freezer: a folder of ours is the control group, whose files say
 * what a test wants them to.
 */

#include "base/op.h"
#include "process/cgroup/freezer.h"
#include "tests/unit/process_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Any row of the operation can be made to fail once. */
static size_t faulty_row = SIZE_MAX;
static bool was_hit;

bool op_fault(const struct op *op)
{
	if (strcmp(op->plan->name, "verb") != 0 || op->at != faulty_row)
		return false;
	faulty_row = SIZE_MAX;
	was_hit = true;
	return true;
}

struct scene {
	struct rig rig;
	struct container *ct;
	char root[RIG_PATH_MAX + 8]; /* of the hierarchies of version 1 */
	bool done;
	struct err err;
};

static void on_verb(void *user, struct container *ct, const struct err *e)
{
	struct scene *s = user;

	(void)ct;
	s->done = true;
	s->err = *e;
}

static void group_write(struct scene *s, const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "group/%s", file);
	tmpdir_write(&s->rig.dir, path, text);
}

static void expect_file(struct scene *s, const char *file, const char *text)
{
	char path[64], *got;

	snprintf(path, sizeof(path), "group/%s", file);
	got = tmpdir_read(&s->rig.dir, path);
	if (strncmp(got, text, strlen(text)) != 0)
		fail_msg("%s is '%s', not '%s'", file, got, text);
	free(got);
}

/* A container that runs, in a group of version 2 that is frozen as soon as that is asked for. */
static void scene_set(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	s->ct = rig_create(&s->rig);
	rig_start(&s->rig, s->ct);
	assert_false(s->ct->uses_freezer); /* the fake runtime is none that we know */
	s->ct->uses_freezer = true;
	assert_int_equal(mkdirat(s->rig.dir.fd, "group", 0755), 0);
	cgroup_close(&s->ct->cgroup);
	s->ct->cgroup.is_v2 = true;
	s->ct->cgroup.dir = openat(s->rig.dir.fd, "group", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	group_write(s, "cgroup.freeze", "0\n");
	group_write(s, "cgroup.events", "populated 1\nfrozen 1\n");
}

static void scene_strike(struct scene *s)
{
	rig_kill(&s->rig, s->ct);
	rig_delete(&s->rig, s->ct);
	rig_fini(&s->rig);
}

static void begin(struct scene *s, enum verb v)
{
	const struct verb_args args = { .verb = v };

	s->done = false;
	verb_begin(s->ct, &args, on_verb, s);
}

static void expect(struct scene *s, enum verb v, enum state state)
{
	begin(s, v);
	loop_run_until(s->rig.loop, &s->done);
	if (err_is_set(&s->err))
		fail_msg("%s", s->err.msg);
	assert_int_equal(s->ct->init.state, state);
	assert_false(s->ct->is_pausing);
}

TEST(a_pause_is_a_word_to_the_kernel_and_no_run_of_the_runtime)
{
	struct scene s;

	scene_set(&s);
	begin(&s, VERB_PAUSE);
	assert_true(s.done); /* without a turn of the loop */
	assert_int_equal(s.ct->init.state, STATE_PAUSED);
	expect_file(&s, "cgroup.freeze", "1");
	expect(&s, VERB_RESUME, STATE_RUNNING);
	expect_file(&s, "cgroup.freeze", "0");
	assert_int_equal(rig_count_calls(&s.rig, "pause"), 0);
	assert_int_equal(rig_count_calls(&s.rig, "resume"), 0);
	scene_strike(&s);
}

TEST(what_does_not_stop_at_once_is_waited_for)
{
	struct scene s;

	scene_set(&s);
	group_write(&s, "cgroup.events", "populated 1\nfrozen 0\n");
	begin(&s, VERB_PAUSE);
	assert_false(s.done);
	assert_true(s.ct->is_pausing);
	for (int i = 0; i < 5; i++)
		ev_run(s.rig.loop, EVRUN_ONCE);
	assert_false(s.done);
	group_write(&s, "cgroup.events", "populated 1\nfrozen 1\n");
	loop_run_until(s.rig.loop, &s.done);
	assert_int_equal(s.ct->init.state, STATE_PAUSED);
	assert_int_equal(rig_count_calls(&s.rig, "pause"), 0);
	group_write(&s, "cgroup.events", "populated 1\nfrozen 1\n");
	expect(&s, VERB_RESUME, STATE_RUNNING);
	scene_strike(&s);
}

TEST(what_never_stops_is_let_go_and_left_to_the_runtime)
{
	struct scene s;

	scene_set(&s);
	group_write(&s, "cgroup.events", "populated 1\nfrozen 0\n");
	rig_misdeeds(&s.rig, "pause fail unable to freeze\n");
	begin(&s, VERB_PAUSE);
	loop_run_until(s.rig.loop, &s.done);
	assert_string_equal(s.err.msg, "OCI runtime pause failed: unable to freeze");
	assert_int_equal(s.ct->init.state, STATE_RUNNING);
	expect_file(&s, "cgroup.freeze", "0");
	scene_strike(&s);
}

/* The kernel's state is not the one we left it in: the runtime has words for that. */
TEST(a_group_that_somebody_else_froze_or_thawed_is_the_runtimes)
{
	struct scene s;

	scene_set(&s);
	group_write(&s, "cgroup.freeze", "1\n");
	expect(&s, VERB_PAUSE, STATE_PAUSED);
	assert_int_equal(rig_count_calls(&s.rig, "pause"), 1);
	group_write(&s, "cgroup.freeze", "0\n");
	expect(&s, VERB_RESUME, STATE_RUNNING);
	assert_int_equal(rig_count_calls(&s.rig, "resume"), 1);
	scene_strike(&s);
}

TEST(a_group_without_a_freezer_is_the_runtimes)
{
	struct scene s;

	scene_set(&s);
	assert_int_equal(unlinkat(s.rig.dir.fd, "group/cgroup.freeze", 0), 0);
	expect(&s, VERB_PAUSE, STATE_PAUSED);
	expect(&s, VERB_RESUME, STATE_RUNNING);
	assert_int_equal(rig_count_calls(&s.rig, "pause"), 1);
	scene_strike(&s);
}

/* As the kernel shows version 1. */
static void become_v1(struct scene *s)
{
	char proc[RIG_PATH_MAX + 8];

	snprintf(s->root, sizeof(s->root), "%s/group", s->rig.dir.path);
	snprintf(proc, sizeof(proc), "%s/proc", s->rig.dir.path);
	assert_int_equal(mkdirat(s->rig.dir.fd, "group/freezer", 0755), 0);
	assert_int_equal(mkdirat(s->rig.dir.fd, "group/freezer/at", 0755), 0);
	assert_int_equal(mkdirat(s->rig.dir.fd, "proc", 0755), 0);
	assert_int_equal(mkdirat(s->rig.dir.fd, "proc/7", 0755), 0);
	assert_int_equal(mkdirat(s->rig.dir.fd, "proc/self", 0755), 0);
	tmpdir_write(&s->rig.dir, "proc/7/cgroup", "1:freezer:/at\n");
	tmpdir_write(&s->rig.dir, "proc/self/cgroup", "1:freezer:/\n");
	cgroup_close(&s->ct->cgroup);
	assert_int_equal(cgroup_open_at(&s->ct->cgroup, s->root, proc, 7), 0);
	group_write(s, "freezer/at/freezer.state", "THAWED\n");
}

TEST(version_1_has_words_of_its_own)
{
	struct scene s;

	scene_set(&s);
	become_v1(&s);
	expect(&s, VERB_PAUSE, STATE_PAUSED);
	expect_file(&s, "freezer/at/freezer.state", "FROZEN");
	expect(&s, VERB_RESUME, STATE_RUNNING);
	expect_file(&s, "freezer/at/freezer.state", "THAWED");
	assert_int_equal(rig_count_calls(&s.rig, "pause"), 0);
	scene_strike(&s);
}

/* There nothing frozen dies: a SIGKILL that came meanwhile would wait for a Resume that nobody
 * sends. */
TEST(a_pause_that_a_sigkill_overtook_does_not_keep_the_killed_alive)
{
	struct scene s;

	scene_set(&s);
	become_v1(&s);
	group_write(&s, "freezer/at/freezer.state", "FREEZING");
	assert_int_equal(freezer_read(&s.ct->cgroup), FREEZER_FREEZING);
	group_write(&s, "freezer/at/freezer.state", "THAWED\n");
	s.ct->was_killed = true; /* as process_kill() notes; the process lives on in this test */
	expect(&s, VERB_PAUSE, STATE_PAUSED);
	expect_file(&s, "freezer/at/freezer.state", "THAWED");
	scene_strike(&s);
}

/* There it would die, but the runtime would take it for paused, and not delete it. */
TEST(a_paused_container_that_is_killed_is_thawed_in_version_2_too)
{
	struct scene s;
	struct err e = ERR_INIT;

	scene_set(&s);
	expect(&s, VERB_PAUSE, STATE_PAUSED);
	group_write(&s, "cgroup.procs", "");
	assert_int_equal(process_kill(&s.ct->init, SIGKILL, false, &e), 0);
	expect_file(&s, "cgroup.freeze", "0");
	rig_await_exit(&s.rig);
	rig_delete(&s.rig, s.ct);
	rig_fini(&s.rig);
}

/* By the host, or for want of memory: nobody asks us. */
TEST(a_paused_container_whose_init_dies_is_thawed)
{
	struct scene s;

	scene_set(&s);
	expect(&s, VERB_PAUSE, STATE_PAUSED);
	group_write(&s, "cgroup.procs", "");
	assert_int_equal(kill(s.ct->init.pid, SIGKILL), 0);
	rig_await_exit(&s.rig);
	expect_file(&s, "cgroup.freeze", "0");
	rig_delete(&s.rig, s.ct);
	rig_fini(&s.rig);
}

TEST(a_container_whose_init_dies_while_it_is_being_paused_is_thawed)
{
	struct scene s;
	siginfo_t si;

	scene_set(&s);
	group_write(&s, "cgroup.events", "populated 1\nfrozen 0\n");
	begin(&s, VERB_PAUSE);
	group_write(&s, "cgroup.procs", "");
	assert_int_equal(kill(s.ct->init.pid, SIGKILL), 0);
	/* Dead before the loop goes on: the freezer is looked at for 100 ms only. */
	assert_int_equal(waitid(P_PID, (id_t)s.ct->init.pid, &si, WEXITED | WNOWAIT), 0);
	rig_await_exit(&s.rig);
	expect_file(&s, "cgroup.freeze", "0");
	group_write(&s, "cgroup.freeze", "1\n"); /* asked for once more, just then */
	group_write(&s, "cgroup.events", "populated 0\nfrozen 1\n");
	loop_run_until(s.rig.loop, &s.done);
	expect_file(&s, "cgroup.freeze", "0");
	rig_delete(&s.rig, s.ct);
	rig_fini(&s.rig);
}

static bool fails_in(size_t row, enum verb v)
{
	bool pause = v == VERB_PAUSE;
	struct scene s;
	bool hit;

	scene_set(&s);
	if (!pause)
		expect(&s, VERB_PAUSE, STATE_PAUSED);
	was_hit = false;
	faulty_row = row;
	begin(&s, v);
	loop_run_until(s.rig.loop, &s.done);
	hit = was_hit;
	faulty_row = SIZE_MAX;
	assert_int_equal(s.ct->init.state, hit == pause ? STATE_RUNNING : STATE_PAUSED);
	expect_file(&s, "cgroup.freeze", hit == pause ? "0" : "1");
	assert_false(s.ct->is_pausing);
	scene_strike(&s);
	return hit;
}

TEST(a_pause_or_resume_that_fails_in_any_row_leaves_the_group_as_it_was)
{
	size_t row = 0;

	while (fails_in(row, VERB_PAUSE))
		assert_true(fails_in(row++, VERB_RESUME));
	assert_int_equal(row, 4);
}

TEST(an_annotation_leaves_it_to_the_runtime_and_another_word_is_refused)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	rig_runtime_script(&r, "[ \"$1\" = features ] && echo "
			       "'{\"annotations\":{\"org.opencontainers.runc.version\":"
			       "\"1.1.5\"}}' && exit\n"
			       "exec \"$FAKE\" \"$@\"");
	ct = rig_create(&r);
	assert_true(ct->uses_freezer); /* it calls itself runc */
	rig_delete(&r, ct);
	rig_write(&r, "config.json",
		"{\"process\":{\"args\":[\"sleep\",\"1000\"]},"
		"\"annotations\":{\"io.belay.pause\":\"runtime\"}}");
	ct = rig_create(&r);
	assert_false(ct->uses_freezer);
	rig_delete(&r, ct);
	rig_write(&r, "config.json", "{\"annotations\":{\"io.belay.pause\":\"never\"}}");
	rig_expect_no_create(&r, STATUS_INVALID_ARGUMENT,
		"config.json: annotation io.belay.pause is \"never\", which is neither freezer nor "
		"runtime");
	rig_fini(&r);
}
