/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/child.h"
#include "tests/lib/deaf.h"
#include "tests/lib/tmpdir.h"
#include "tests/unit/reaper_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

static void guest_spawn(struct guest *g, struct rig *r, const char *program, const char *arg)
{
	const char *const argv[] = { program, arg, NULL };
	struct spawn s = { .argv = argv, .stdio = { -1, -1, -1 } };

	*g = (struct guest){ .child = CHILD_NONE };
	assert_int_equal(child_spawn(&g->child, &r->reaper, &s, guest_ended), 0);
	assert_true(child_is_tracked(&g->child));
}

TEST(a_program_that_succeeds_is_code_0)
{
	struct guest g;
	struct rig r;

	rig_init(&r);
	guest_spawn(&g, &r, "true", NULL);
	guest_await(&g, &r);
	assert_int_equal(g.st.code, 0);
	assert_int_equal(g.st.signal, 0);
	rig_fini(&r);
}

TEST(an_exit_code_is_what_exit_was_given)
{
	static const int codes[] = { 1, 7, 127, 128, 137, 255 };
	struct guest g;
	struct rig r;

	rig_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		guest_exit(&g, &r, codes[i]);
		guest_await(&g, &r);
		assert_int_equal(g.st.code, codes[i]);
		assert_int_equal(g.st.signal, 0);
	}
	rig_fini(&r);
}

static int kill_ourselves(void *arg)
{
	return raise(*(int *)arg);
}

TEST(death_by_a_signal_is_128_and_the_signal)
{
	int signals[] = { SIGKILL, SIGTERM, SIGHUP, SIGUSR1 };
	struct guest g;
	struct rig r;

	rig_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		guest_fork(&g, &r, kill_ourselves, &signals[i]);
		guest_await(&g, &r);
		assert_int_equal(g.st.signal, signals[i]);
		assert_int_equal(g.st.code, 128 + signals[i]);
	}
	rig_fini(&r);
}

/* The kernel has another word for it; where cores go is not ours to say. */
TEST(death_with_a_core_is_death_by_a_signal)
{
	const char *const argv[] = { "sh", "-c", "ulimit -c 1000; kill -ABRT $$", NULL };
	struct spawn s = { .argv = argv, .stdio = { -1, -1, -1 } };
	struct guest g = { .child = CHILD_NONE };
	struct tmpdir dir;
	struct rig r;

	rig_init(&r);
	tmpdir_open(&dir);
	assert_int_equal(chdir(dir.path), 0);
	assert_int_equal(child_spawn(&g.child, &r.reaper, &s, guest_ended), 0);
	guest_await(&g, &r);
	assert_int_equal(g.st.signal, SIGABRT);
	assert_int_equal(g.st.code, 128 + SIGABRT);
	tmpdir_close(&dir);
	rig_fini(&r);
}

TEST(the_time_of_death_is_by_the_wall_clock)
{
	struct timespec before, after;
	struct guest g;
	struct rig r;

	rig_init(&r);
	clock_gettime(CLOCK_REALTIME, &before);
	guest_exit(&g, &r, 0);
	guest_await(&g, &r);
	clock_gettime(CLOCK_REALTIME, &after);
	assert_true(g.st.at.tv_sec > before.tv_sec ||
		    (g.st.at.tv_sec == before.tv_sec && g.st.at.tv_nsec >= before.tv_nsec));
	assert_true(g.st.at.tv_sec < after.tv_sec ||
		    (g.st.at.tv_sec == after.tv_sec && g.st.at.tv_nsec <= after.tv_nsec));
	rig_fini(&r);
}

TEST(a_program_that_cannot_be_executed_is_no_child_and_no_call)
{
	const char *const argv[] = { "/nowhere/program", NULL };
	struct spawn s = { .argv = argv, .stdio = { -1, -1, -1 } };
	struct guest g = { .child = CHILD_NONE };
	struct rig r;

	rig_init(&r);
	assert_int_equal(child_spawn(&g.child, &r.reaper, &s, guest_ended), -ENOENT);
	assert_false(child_is_tracked(&g.child));
	loop_run_once(r.loop);
	assert_int_equal(g.calls, 0);
	rig_fini(&r);
}

static bool freed;

static void free_guest(struct child *c, const struct exit_status *st)
{
	(void)st;
	free(container_of(c, struct guest, child));
	freed = true;
}

/* What the sanitizer is for: nothing touches the child after its callback. */
TEST(the_callback_may_free_the_child)
{
	struct guest *g = calloc(1, sizeof(*g));
	int code = 0;
	struct rig r;

	rig_init(&r);
	g->child = CHILD_NONE;
	assert_int_equal(child_fork(&g->child, &r.reaper, return_code, &code, free_guest), 0);
	loop_run_until(r.loop, &freed);
	rig_fini(&r);
}

static struct rig *rig_of_next;
static struct guest next_guest;

static void spawn_next(struct child *c, const struct exit_status *st)
{
	guest_ended(c, st);
	guest_exit(&next_guest, rig_of_next, 8);
}

TEST(the_callback_may_start_the_next_child)
{
	struct guest g = { .child = CHILD_NONE };
	int code = 0;
	struct rig r;

	rig_init(&r);
	rig_of_next = &r;
	assert_int_equal(child_fork(&g.child, &r.reaper, return_code, &code, spawn_next), 0);
	loop_run_until(r.loop, &next_guest.ended);
	assert_int_equal(next_guest.st.code, 8);
	rig_fini(&r);
}

TEST(a_signal_reaches_the_child)
{
	struct guest g;
	struct rig r;

	rig_init(&r);
	guest_spawn(&g, &r, "sleep", "1000");
	assert_int_equal(child_signal(&g.child, 0), 0);
	assert_int_equal(child_signal(&g.child, SIGTERM), 0);
	guest_await(&g, &r);
	assert_int_equal(g.st.signal, SIGTERM);
	rig_fini(&r);
}

TEST(a_signal_to_nobody_is_refused)
{
	struct guest g = { .child = CHILD_NONE };
	struct rig r;

	rig_init(&r);
	assert_int_equal(child_signal(&g.child, SIGTERM), -ESRCH);
	guest_exit(&g, &r, 0);
	guest_await(&g, &r);
	assert_int_equal(child_signal(&g.child, SIGTERM), -ESRCH);
	rig_fini(&r);
}

TEST(a_forgotten_child_runs_on_and_is_collected_without_a_call)
{
	struct guest g;
	struct rig r;
	pid_t pid;

	rig_init(&r);
	guest_fork(&g, &r, sleep_for_ever, NULL);
	pid = g.child.pid;
	child_forget(&g.child);
	child_forget(&g.child);
	assert_false(child_is_tracked(&g.child));
	assert_int_equal(child_signal(&g.child, SIGKILL), -ESRCH);
	assert_int_equal(kill(pid, SIGKILL), 0);
	await_collected(&r, pid);
	assert_int_equal(g.calls, 0);
	rig_fini(&r);
}

TEST(an_orphan_is_adopted_alive)
{
	struct guest g = { .child = CHILD_NONE };
	struct rig r;

	rig_init(&r);
	assert_int_equal(child_adopt(&g.child, &r.reaper, orphan(-1), guest_ended), 0);
	assert_int_equal(child_signal(&g.child, SIGKILL), 0);
	guest_await(&g, &r);
	assert_int_equal(g.st.signal, SIGKILL);
	rig_fini(&r);
}

TEST(an_orphan_is_adopted_dead)
{
	struct guest g = { .child = CHILD_NONE };
	struct rig r;
	pid_t pid;

	rig_init(&r);
	pid = orphan(6);
	await_zombie(pid);
	assert_int_equal(child_adopt(&g.child, &r.reaper, pid, guest_ended), 0);
	guest_await(&g, &r);
	assert_int_equal(g.st.code, 6);
	rig_fini(&r);
}

static void expect_refused(struct rig *r, pid_t pid, int rc)
{
	struct guest g = { .child = CHILD_NONE };

	assert_int_equal(child_adopt(&g.child, &r->reaper, pid, guest_ended), rc);
	assert_false(child_is_tracked(&g.child));
}

TEST(a_process_that_is_not_our_child_is_refused)
{
	struct rig r;

	rig_init(&r);
	expect_refused(&r, 1, -ECHILD);
	expect_refused(&r, getppid(), -ECHILD);
	expect_refused(&r, getpid(), -ECHILD);
	rig_fini(&r);
}

TEST(a_child_of_our_child_is_refused)
{
	int fds[2];
	pid_t pid = 0, parent;
	struct rig r;

	rig_init(&r);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		pid = fork();
		if (pid > 0)
			pid = write(fds[1], &pid, sizeof(pid)) > 0 ? pid : 0;
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
	expect_refused(&r, pid, -ECHILD);
	assert_int_equal(kill(parent, SIGKILL), 0);
	await_collected(&r, parent);
	assert_int_equal(kill(pid, SIGKILL), 0);
	await_collected(&r, pid);
	close(fds[0]);
	close(fds[1]);
	rig_fini(&r);
}

TEST(a_pid_of_nobody_is_refused)
{
	struct rig r;
	pid_t pid;

	rig_init(&r);
	pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	expect_refused(&r, pid, -ESRCH);
	rig_fini(&r);
}

TEST(a_number_that_is_no_pid_is_refused)
{
	struct rig r;

	rig_init(&r);
	expect_refused(&r, 0, -EINVAL);
	expect_refused(&r, -1, -EINVAL);
	rig_fini(&r);
}

TEST(a_child_that_is_tracked_is_not_adopted_again)
{
	struct guest g;
	struct rig r;

	rig_init(&r);
	guest_fork(&g, &r, sleep_for_ever, NULL);
	expect_refused(&r, g.child.pid, -EBUSY);
	assert_int_equal(child_signal(&g.child, SIGKILL), 0);
	guest_await(&g, &r);
	rig_fini(&r);
}

static void other_guest_ended(struct child *c, const struct exit_status *st)
{
	guest_ended(c, st);
	container_of(c, struct guest, child)->calls = -1;
}

TEST(what_is_tracked_may_move_and_the_news_go_to_the_new_place)
{
	struct guest from, to = { .child = CHILD_NONE };
	struct rig r;

	rig_init(&r);
	guest_fork(&from, &r, sleep_for_ever, NULL);
	child_move(&to.child, &from.child, other_guest_ended);
	assert_false(child_is_tracked(&from.child));
	assert_int_equal(child_signal(&from.child, SIGKILL), -ESRCH);
	assert_int_equal(child_signal(&to.child, SIGKILL), 0);
	loop_run_until(r.loop, &to.ended);
	assert_int_equal(to.calls, -1);
	assert_int_equal(to.st.signal, SIGKILL);
	assert_int_equal(from.calls, 0);
	rig_fini(&r);
}

/* Somebody else waited for it: there is no status to be had, and none is made up. */
TEST(a_status_nobody_can_give_us_is_255)
{
	struct guest g;
	struct rig r;

	rig_init(&r);
	guest_exit(&g, &r, 0);
	assert_int_equal(waitpid(g.child.pid, NULL, 0), g.child.pid);
	guest_await(&g, &r);
	assert_int_equal(g.st.code, EXIT_CODE_UNKNOWN);
	assert_int_equal(g.st.signal, 0);
	rig_fini(&r);
}

/* SIGSTOP is no end. */
TEST(a_child_that_is_stopped_has_not_ended)
{
	struct guest g;
	struct rig r;
	siginfo_t si;

	rig_init(&r);
	guest_fork(&g, &r, sleep_for_ever, NULL);
	assert_int_equal(child_signal(&g.child, SIGSTOP), 0);
	assert_int_equal(waitid(P_PID, (id_t)g.child.pid, &si, WSTOPPED | WNOWAIT), 0);
	loop_run_once(r.loop);
	assert_int_equal(g.calls, 0);
	assert_int_equal(child_signal(&g.child, SIGKILL), 0);
	guest_await(&g, &r);
	rig_fini(&r);
}

/* A hold keeps the sweep away, but not this. */
TEST(an_exit_is_not_lost_because_the_kernel_watches_no_more_descriptors)
{
	struct guest first, second;
	struct rig r;

	rig_init(&r);
	guest_fork(&first, &r, sleep_for_ever, NULL);
	guest_fork(&second, &r, sleep_for_ever, NULL);
	refuse_to_watch(r.loop, &first.child.watcher);
	refuse_to_watch(r.loop, &second.child.watcher);
	loop_run_once(r.loop);
	assert_int_equal(r.reaper.n_blind, 2);
	reaper_hold(&r.reaper);
	assert_int_equal(child_signal(&first.child, SIGKILL), 0);
	guest_await(&first, &r);
	assert_int_equal(first.st.code, 128 + SIGKILL);
	assert_int_equal(r.reaper.n_blind, 1);
	assert_false(second.ended);
	assert_int_equal(child_signal(&second.child, SIGTERM), 0);
	guest_await(&second, &r);
	assert_int_equal(second.st.signal, SIGTERM);
	assert_int_equal(r.reaper.n_blind, 0);
	reaper_release(&r.reaper);
	rig_fini(&r);
}

static int let_anybody_trace(void *arg)
{
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	return sleep_for_ever(arg);
}

/* Sits on what it traces: never waits for it. */
static int trace_and_sleep(void *arg)
{
	const pid_t *pid = arg;

	while (ptrace(PTRACE_SEIZE, *pid, NULL, NULL) < 0)
		; /* it has not allowed it yet */
	return sleep_for_ever(NULL);
}

static bool is_traced(pid_t pid)
{
	char path[64], text[2048] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return text[0] && !strstr(text, "TracerPid:\t0\n");
}

TEST(who_dies_under_a_tracer_that_does_not_care_keeps_nobody_awake)
{
	struct guest g, tracer;
	struct rig r;

	rig_init(&r);
	guest_fork(&g, &r, let_anybody_trace, NULL);
	guest_fork(&tracer, &r, trace_and_sleep, &g.child.pid);
	while (!is_traced(g.child.pid))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_int_equal(child_signal(&g.child, SIGKILL), 0);
	while (r.reaper.n_blind == 0)
		loop_run_once(r.loop);
	for (int i = 0; i < 100; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		loop_run_once(r.loop);
	}
	assert_false(g.ended);
	assert_int_equal(r.reaper.n_blind, 1);
	assert_false(ev_is_active(&g.child.watcher));
	assert_int_equal(child_signal(&tracer.child, SIGKILL), 0);
	guest_await(&g, &r);
	assert_int_equal(g.st.signal, SIGKILL);
	guest_await(&tracer, &r);
	assert_int_equal(r.reaper.n_blind, 0);
	rig_fini(&r);
}
