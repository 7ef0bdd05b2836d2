/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/reaper.h"
#include "tests/lib/deaf.h"
#include "tests/unit/reaper_rig.h"

#include <stdlib.h>
#include <sys/prctl.h>

#define BURST 500

TEST(orphans_come_to_us)
{
	struct rig r;
	int is_subreaper = 0;

	rig_init(&r);
	assert_int_equal(prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper), 0);
	assert_int_equal(is_subreaper, 1);
	rig_fini(&r);
}

TEST(an_orphan_nobody_asked_about_is_collected)
{
	struct rig r;

	rig_init(&r);
	await_collected(&r, orphan(3));
	rig_fini(&r);
}

TEST(an_orphan_that_lives_is_left_alone_and_collected_when_it_ends)
{
	struct rig r;
	pid_t pid;

	rig_init(&r);
	pid = orphan(-1);
	reaper_sweep(&r.reaper);
	assert_true(is_child(pid));
	assert_int_equal(kill(pid, SIGKILL), 0);
	await_collected(&r, pid);
	rig_fini(&r);
}

TEST(while_a_hold_is_taken_an_orphan_stays_a_zombie)
{
	struct rig r;
	pid_t pid;

	rig_init(&r);
	reaper_hold(&r.reaper);
	pid = orphan(3);
	await_zombie(pid);
	loop_run_once(r.loop);
	reaper_sweep(&r.reaper);
	assert_true(is_child(pid));
	reaper_release(&r.reaper);
	assert_false(is_child(pid));
	rig_fini(&r);
}

TEST(holds_are_counted)
{
	struct rig r;
	pid_t pid;

	rig_init(&r);
	reaper_hold(&r.reaper);
	reaper_hold(&r.reaper);
	pid = orphan(3);
	await_zombie(pid);
	reaper_release(&r.reaper);
	loop_run_once(r.loop);
	assert_true(is_child(pid));
	reaper_release(&r.reaper);
	assert_false(is_child(pid));
	rig_fini(&r);
}

/* The reason for holds: a runtime tells us a pid whose process has ended by then. */
TEST(an_orphan_that_died_before_we_knew_its_pid_is_still_ours_while_held)
{
	struct guest init = { .child = CHILD_NONE };
	struct rig r;
	pid_t pid;

	rig_init(&r);
	reaper_hold(&r.reaper);
	pid = orphan(42);
	await_zombie(pid);
	loop_run_once(r.loop);
	assert_int_equal(child_adopt(&init.child, &r.reaper, pid, guest_ended), 0);
	reaper_release(&r.reaper);
	assert_int_equal(init.calls, 0); /* from the loop, not from under our feet */
	guest_await(&init, &r);
	assert_int_equal(init.st.code, 42);
	rig_fini(&r);
}

TEST(an_orphan_is_not_collected_while_it_is_tracked)
{
	struct guest init = { .child = CHILD_NONE };
	struct rig r;
	pid_t pid;

	rig_init(&r);
	pid = orphan(-1);
	assert_int_equal(child_adopt(&init.child, &r.reaper, pid, guest_ended), 0);
	assert_true(reaper_tracks(&r.reaper, pid));
	assert_false(reaper_tracks(&r.reaper, getpid()));
	assert_int_equal(kill(pid, SIGTERM), 0);
	await_zombie(pid);
	reaper_sweep(&r.reaper);
	assert_true(is_child(pid));
	guest_await(&init, &r);
	assert_int_equal(init.st.signal, SIGTERM);
	assert_false(reaper_tracks(&r.reaper, pid));
	rig_fini(&r);
}

/* The kernel keeps showing the zombie that came first, and never those behind it. */
TEST(a_tracked_zombie_does_not_hide_the_orphans_behind_it)
{
	struct guest first;
	pid_t behind[10];
	struct rig r;

	rig_init(&r);
	guest_exit(&first, &r, 5);
	await_zombie(first.child.pid);
	for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
		behind[i] = orphan(0);
		await_zombie(behind[i]);
	}
	/* The signal is looked at before the pidfd: that sweep sees the first one, and no other. */
	ev_io_stop(r.loop, &first.child.watcher);
	loop_run_once(r.loop);
	ev_io_start(r.loop, &first.child.watcher);
	guest_await(&first, &r);
	assert_int_equal(first.st.code, 5);
	for (size_t i = 0; i < ARRAY_LEN(behind); i++)
		await_collected(&r, behind[i]);
	rig_fini(&r);
}

/*
 * No SIGCHLD is to come any more for one that died while it was tracked and was
 * then let go: the sweep has seen it, and passed by.
 */
TEST(a_forgotten_child_that_is_dead_already_is_collected)
{
	struct guest g;
	struct rig r;
	pid_t pid;

	rig_init(&r);
	guest_exit(&g, &r, 0);
	pid = g.child.pid;
	await_zombie(pid);
	ev_io_stop(
		r.loop, &g.child.watcher); /* its pidfd will be looked at later than the signal */
	loop_run_once(r.loop);
	ev_io_start(r.loop, &g.child.watcher);
	child_forget(&g.child);
	await_collected(&r, pid);
	assert_int_equal(g.calls, 0);
	rig_fini(&r);
}

static void count_exit(struct child *c, const struct exit_status *st)
{
	struct guest *g = container_of(c, struct guest, child);

	guest_ended(c, st);
	assert_int_equal(st->code, g->calls == 1 ? 9 : -1);
}

static bool any_child_left(void *unused)
{
	siginfo_t si;

	(void)unused;
	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* SIGCHLD coalesces: one signal may stand for all of them. */
TEST(a_burst_of_exits_loses_none)
{
	struct guest *guests = calloc(BURST, sizeof(*guests));
	int code = 9;
	struct rig r;

	rig_init(&r);
	for (int i = 0; i < BURST; i++) {
		guests[i].child = CHILD_NONE;
		assert_int_equal(
			child_fork(&guests[i].child, &r.reaper, return_code, &code, count_exit), 0);
		if (i % 5 == 0)
			orphan(1);
	}
	for (int i = 0; i < BURST; i++)
		await_zombie(guests[i].child.pid);
	loop_run_while(r.loop, any_child_left, NULL);
	for (int i = 0; i < BURST; i++)
		assert_int_equal(guests[i].calls, 1);
	free(guests);
	rig_fini(&r);
}

TEST(a_reaper_that_could_not_begin_may_be_ended_all_the_same)
{
	struct reaper r = { .signal_fd = -1 };

	list_init(&r.children);
	reaper_fini(&r);
}

TEST(a_reaper_that_is_not_watched_hears_nothing)
{
	struct rig r;

	rig_init(&r);
	loop_run_once(r.loop);
	assert_true(reaper_hears(&r.reaper));
	refuse_to_watch(r.loop, &r.reaper.watcher);
	loop_run_once(r.loop);
	assert_false(reaper_hears(&r.reaper));
	rig_fini(&r);
}
