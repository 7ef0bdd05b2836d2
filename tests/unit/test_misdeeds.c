/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every misdeed of a runtime (tests/fake/misdeed.c) in each verb that leaves a process behind:
 * create, exec, restore. What is said of it, that nothing is left, and that the loop went on.
 */

#include "base/clock.h"
#include "tests/unit/process_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A runtime that hangs is given so long, in seconds. */
#define PATIENCE_S 4

/* And one that is only slow. */
#define ENOUGH_S 50.

/* How often the loop is looked at, and what is late: far less than one that hangs is given, far
 * more than a busy machine does. In seconds. */
#define TICK_S 0.02
#define LATE_S 2
#define TRIES  3

struct scene {
	struct rig rig;
	const char *verb;
	double patience_s;
	struct container *ct;
	struct process *p;
	struct deed deed;
	ev_timer tick;
	double last, worst;
};

static void on_tick(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct scene *s = container_of(t, struct scene, tick);
	double now = ev_time();

	(void)loop;
	(void)revents;
	if (s->last > 0 && now - s->last > s->worst)
		s->worst = now - s->last;
	s->last = now;
}

static void on_started(void *user, struct process *p, const struct err *e)
{
	struct scene *s = user;

	(void)p;
	s->deed.done = true;
	s->deed.err = *e;
}

/* Up to the call that is to go wrong. */
static void scene_set(struct scene *s, const char *verb, const char *misdeed)
{
	static const char spec[] = "{\"args\":[\"sleep\",\"1000\"]}";
	struct exec_args args = { .exec_id = "e1", .spec = spec, .spec_len = sizeof(spec) - 1 };
	struct err e = ERR_INIT;
	char line[128];

	memset(s, 0, sizeof(*s));
	s->verb = verb;
	rig_init(&s->rig);
	s->deed.name = verb;
	s->patience_s = strcmp(misdeed, "hang") == 0 ? PATIENCE_S : ENOUGH_S;
	s->rig.args.deadline_s = s->patience_s;
	snprintf(line, sizeof(line), "%s %s\n", verb, misdeed);
	if (strcmp(verb, "restore") == 0)
		s->rig.args.checkpoint = s->rig.bundle;
	if (strcmp(verb, "restore") == 0 || strcmp(verb, "exec") == 0)
		s->ct = rig_create(&s->rig);
	if (strcmp(verb, "exec") == 0) {
		rig_start(&s->rig, s->ct);
		s->p = exec_add(s->ct, &args, &e);
		assert_non_null(s->p);
	}
	rig_misdeeds(&s->rig, line);
	ev_timer_init(&s->tick, on_tick, TICK_S, TICK_S);
	ev_timer_start(s->rig.loop, &s->tick);
}

static void act(struct scene *s)
{
	if (s->p) {
		exec_start_begin(s->p, s->patience_s, on_started, s);
		loop_run_until(s->rig.loop, &s->deed.done);
		return;
	}
	if (s->ct)
		rig_begin_start(&s->rig, s->ct, s->patience_s, &s->deed);
	else
		rig_begin_create(&s->rig, &s->deed);
	rig_await(&s->rig, &s->deed);
}

/* Returns how late the loop was, in seconds. */
static double scene_strike(struct scene *s)
{
	ev_timer_stop(s->rig.loop, &s->tick);
	if (!s->ct)
		s->ct = s->deed.ct;
	if (s->ct && child_is_tracked(&s->ct->init.child))
		rig_kill(&s->rig, s->ct);
	if (s->ct)
		rig_delete(&s->rig, s->ct);
	rig_fini(&s->rig); /* expects that nothing is left */
	return s->worst;
}

typedef void look_fn(struct scene *s, const char *words);

/* A machine that stands still makes it late once, a loop that waits for a runtime each time. */
static void play(const char *verb, const char *misdeed, look_fn *look, const char *words)
{
	double late = 0;

	for (int i = 0; i < TRIES; i++) {
		struct scene s;

		scene_set(&s, verb, misdeed);
		act(&s);
		look(&s, words);
		late = scene_strike(&s);
		if (late <= LATE_S)
			return;
		print_message("%s: the loop was %.3f s late\n", verb, late);
	}
	fail_msg("%s: the loop was %.3f s late", verb, late);
}

/* The last is an exec: of the one that ran and that nobody can name, only its container knows. */
static const char *const verbs[] = { "create", "restore", "exec" };
#define ALL   ARRAY_LEN(verbs)
#define INITS 2

static void look_for_words(struct scene *s, const char *words)
{
	if (!strstr(s->deed.err.msg, words))
		fail_msg("%s: no '%s' in '%s'", s->verb, words, s->deed.err.msg);
	if (s->p)
		assert_false(child_is_tracked(&s->p->child));
}

static void expect_words(size_t n_verbs, const char *misdeed, const char *words)
{
	for (size_t i = 0; i < n_verbs; i++)
		play(verbs[i], misdeed, look_for_words, words);
}

TEST(one_that_hangs_is_ended_and_not_taken_for_one_the_kernel_killed)
{
	expect_words(ALL, "hang", "run runtime");
}

TEST(one_that_was_killed_by_somebody_else_is_told_as_such)
{
	expect_words(
		ALL, "die 9", "was killed, and not by this shim; is there too little memory?: ");
}

/* What was acted is a create, of which nothing is wrong. */
static void look_at_start(struct scene *s, const char *words)
{
	struct deed d;

	s->deed.ct->had_oom = true;
	rig_begin_start(&s->rig, s->deed.ct, 0, &d);
	rig_await(&s->rig, &d);
	deed_expect(&d, STATUS_UNKNOWN, words);
}

TEST(an_init_that_ran_out_of_memory_before_its_start_is_told_as_such)
{
	play("start", "fail it is gone", look_at_start,
		"OCI runtime start failed: its control group ran out of memory: it is gone");
}

TEST(one_that_dies_by_another_signal_has_its_number_told)
{
	expect_words(ALL, "die 11", "did not terminate successfully: exit status 139");
}

TEST(one_that_fails_has_its_own_words_told)
{
	expect_words(ALL, "fail the moon is full", " failed: the moon is full");
}

TEST(one_that_fails_after_its_work_leaves_no_process_either)
{
	expect_words(ALL, "after-fail too late", " failed: too late");
}

TEST(one_that_says_it_has_succeeded_and_made_nothing_has_failed)
{
	expect_words(ALL, "lie", "pid: read ");
}

TEST(half_a_pid_file_is_none)
{
	expect_words(INITS, "half-pid", "holds '', which is not a pid");
}

TEST(one_that_names_pid_1_is_not_believed)
{
	expect_words(INITS, "stranger-pid", "holds '1', which is not a pid");
}

static void look_for_success(struct scene *s, const char *words)
{
	(void)words;
	deed_expect_ok(&s->deed);
	if (!s->p)
		return;
	assert_int_equal(child_signal(&s->p->child, SIGKILL), 0);
	rig_await_exit(&s->rig);
	s->rig.exited = false;
}

TEST(megabytes_on_its_stderr_stop_neither_it_nor_us)
{
	for (size_t i = 0; i < ALL; i++)
		play(verbs[i], "noise 2000000", look_for_success, NULL);
}
