/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "base/cpus.h"
#include "reaper/spawn.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE BUILD_DIR "/tests/fake/probe"

/* What a program said on stdout, and how it ended. */
struct outcome {
	char text[8192];
	int code;
};

static int wait_for(pid_t pid)
{
	siginfo_t si;

	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	return si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
}

/* For what has come to us because its parent died: whoever ends next. */
static int wait_for_any(void)
{
	siginfo_t si;

	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOWAIT), 0);
	return wait_for(si.si_pid);
}

/* Runs @s with its stdout in a pipe. */
static void run(struct spawn *s, struct outcome *ret)
{
	int fds[2], pidfd;
	size_t at = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	s->stdio[1] = fds[1];
	assert_int_equal(spawn_program(s, &pid, &pidfd), 0);
	close(fds[1]);
	while ((n = read(fds[0], ret->text + at, sizeof(ret->text) - 1 - at)) > 0)
		at += (size_t)n;
	ret->text[at] = '\0';
	close(fds[0]);
	close(pidfd);
	ret->code = wait_for(pid);
}

static void expect_text(const struct outcome *o, const char *text)
{
	if (!strstr(o->text, text))
		fail_msg("no '%s' in: %s", text, o->text);
}

static void expect_no_text(const struct outcome *o, const char *text)
{
	if (strstr(o->text, text))
		fail_msg("'%s' in: %s", text, o->text);
}

static const char *const probe[] = { PROBE, "one", "", "three words here", NULL };

TEST(a_program_gets_its_arguments_and_its_exit_code_is_ours_to_read)
{
	static const char *const env[] = { "CODE=7", NULL };
	struct spawn s = { .argv = probe, .envp = env, .stdio = { -1, -1, -1 } };
	struct outcome o;

	run(&s, &o);
	expect_text(&o, "arg 1: one\narg 2: \narg 3: three words here\n");
	expect_no_text(&o, "arg 4");
	assert_int_equal(o.code, 7);
}

TEST(an_environment_that_is_given_is_the_whole_of_it)
{
	static const char *const env[] = { "A=1", "B=2", NULL };
	struct spawn s = { .argv = probe, .envp = env, .stdio = { -1, -1, -1 } };
	struct outcome o;

	setenv("OURS", "yes", 1);
	run(&s, &o);
	expect_text(&o, "env: A=1\nenv: B=2\n");
	expect_no_text(&o, "OURS");
	s.envp = NULL;
	run(&s, &o);
	expect_text(&o, "env: OURS=yes\n");
}

TEST(a_name_without_a_slash_is_searched_in_our_path)
{
	static const char *const argv[] = { "probe", NULL };
	static const char *const env[] = { "PATH=/nowhere", NULL };
	struct spawn s = { .argv = argv, .envp = env, .stdio = { -1, -1, -1 } };
	struct outcome o;

	setenv("PATH", "/nowhere:" BUILD_DIR "/tests/fake:/usr/bin", 1);
	run(&s, &o);
	expect_text(&o, "arg 0: probe\n");
}

/* The failure, and that it left nothing: the harness looks for children and descriptors. */
static void expect_failure(const char *program, int rc)
{
	const char *const argv[] = { program, NULL };
	struct spawn s = { .argv = argv, .stdio = { -1, -1, -1 } };
	pid_t pid = -7;
	int pidfd = -7;

	assert_int_equal(spawn_program(&s, &pid, &pidfd), rc);
	assert_int_equal(pid, -7);
	assert_int_equal(pidfd, -7);
}

TEST(an_exec_that_fails_is_reported_at_once_and_leaves_no_process)
{
	struct tmpdir dir;
	char path[80];

	expect_failure("/nowhere/program", -ENOENT);
	expect_failure("no-such-program-in-the-path", -ENOENT);
	expect_failure("/", -EACCES);
	tmpdir_open(&dir);
	tmpdir_write(&dir, "text", "#!/nowhere/interpreter\n");
	snprintf(path, sizeof(path), "%s/text", dir.path);
	expect_failure(path, -EACCES);
	assert_int_equal(chmod(path, 0755), 0);
	expect_failure(path, -ENOENT);
	tmpdir_close(&dir);
}

TEST(a_descriptor_that_is_not_open_is_an_error)
{
	struct spawn s = { .argv = probe, .stdio = { -1, 900, -1 } };
	pid_t pid;
	int pidfd;

	assert_int_equal(spawn_program(&s, &pid, &pidfd), -EBADF);
}

TEST(what_is_not_named_is_not_inherited_even_without_close_on_exec)
{
	auto_fd int forgotten = open("/dev/zero", O_RDONLY);
	auto_fd int high = fcntl(forgotten, F_DUPFD, 500);
	struct spawn s = { .argv = probe, .stdio = { -1, -1, -1 } };
	struct outcome o;

	run(&s, &o);
	expect_text(&o, "fd 0: /dev/null\n");
	expect_text(&o, "fd 1: pipe:");
	expect_text(&o, "fd 2: /dev/null\n");
	expect_no_text(&o, "/dev/zero");
	expect_no_text(&o, "fd 3:");
	assert_true(fcntl(high, F_GETFD) >= 0);
}

TEST(extra_descriptors_come_after_the_three_in_their_order)
{
	auto_fd int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	auto_fd int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	struct spawn s = {
		.argv = probe, .stdio = { zero, -1, full }, .extra = { full, zero }, .n_extra = 2
	};
	struct outcome o;

	run(&s, &o);
	expect_text(&o, "fd 0: /dev/zero\n");
	expect_text(&o, "fd 2: /dev/full\n");
	expect_text(&o, "fd 3: /dev/full\n");
	expect_text(&o, "fd 4: /dev/zero\n");
	expect_no_text(&o, "fd 5:");
}

/* 3 is to become 4 and 4 is to become 3: whoever goes first must not overwrite the other. */
TEST(descriptors_may_change_places)
{
	struct spawn s = {
		.argv = probe, .stdio = { 4, -1, 3 }, .extra = { 4, 3, 3, 4 }, .n_extra = 4
	};
	struct outcome o;

	assert_int_equal(open("/dev/zero", O_RDONLY | O_CLOEXEC), 3);
	assert_int_equal(open("/dev/full", O_RDONLY | O_CLOEXEC), 4);
	run(&s, &o);
	expect_text(&o, "fd 0: /dev/full\n");
	expect_text(&o, "fd 2: /dev/zero\n");
	expect_text(&o, "fd 3: /dev/full\n");
	expect_text(&o, "fd 4: /dev/zero\n");
	expect_text(&o, "fd 5: /dev/zero\n");
	expect_text(&o, "fd 6: /dev/full\n");
	expect_no_text(&o, "fd 7:");
	close(3);
	close(4);
}

static void ignore(int signo)
{
	(void)signo;
}

TEST(signals_are_as_at_boot_in_the_program_and_as_before_in_us)
{
	struct spawn s = { .argv = probe, .stdio = { -1, -1, -1 } };
	sigset_t most, mask;
	struct outcome o;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, ignore);
	sigfillset(&most);
	sigdelset(&most, SIGUSR2);
	assert_int_equal(sigprocmask(SIG_SETMASK, &most, NULL), 0);
	run(&s, &o);
	expect_text(&o, "SigBlk:\t0000000000000000\n");
	expect_text(&o, "SigIgn:\t0000000000000000\n");
	expect_text(&o, "SigCgt:\t0000000000000000\n");
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
	assert_int_equal(sigismember(&mask, SIGTERM), 1);
	assert_int_equal(sigismember(&mask, SIGUSR2), 0);
	assert_true(signal(SIGPIPE, SIG_DFL) == SIG_IGN);
	assert_true(signal(SIGUSR1, SIG_DFL) == ignore);
}

/* Whoever runs this may have any number: one more is always allowed, and one less again. */
TEST(an_oom_score_that_is_given_is_the_programs_and_ours_is_as_before)
{
	static const char *const given[] = { "733", "734" };
	struct spawn s = { .argv = probe, .stdio = { -1, -1, -1 }, .oom_score_adj = given[0] };
	char ours[8] = "";
	struct outcome o;
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);

	assert_int_equal(write(fd, given[1], 3), 3);
	run(&s, &o);
	expect_text(&o, "oom_score_adj: 733\n");
	assert_int_equal(pread(fd, ours, sizeof(ours) - 1, 0), 4);
	assert_string_equal(ours, "734\n");
	s.oom_score_adj = "not a number";
	run(&s, &o);
	expect_text(&o, "oom_score_adj: 734\n");
	close(fd);
}

TEST(a_limit_of_descriptors_that_was_raised_is_ours_alone)
{
	const struct rlimit few = { 100, 200 };
	const char *argv[] = { "sh", "-c", "ulimit -Sn; ulimit -Hn", NULL };
	struct spawn s = { .argv = argv, .stdio = { -1, -1, -1 } };
	struct outcome o;
	struct rlimit now;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(spawn_raise_nofile(), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(now.rlim_cur, 200);
	run(&s, &o);
	assert_string_equal(o.text, "100\n200\n");
}

TEST(processors_that_are_given_are_the_programs_and_ours_are_as_before)
{
	struct spawn s = { .argv = probe, .stdio = { -1, -1, -1 }, .cpus = &cpus_all };
	cpu_set_t before, one, after;
	struct cpus nowhere;
	struct outcome o;
	pid_t pid = -7;
	int pidfd = -7;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	if (!CPU_ISSET(0, &before) || CPU_COUNT(&before) < 2)
		test_skip("needs processor 0 and another");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	run(&s, &o);
	expect_no_text(&o, "Cpus_allowed_list:\t0\n");
	s.cpus = NULL;
	run(&s, &o);
	expect_text(&o, "Cpus_allowed_list:\t0\n");
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&after, &one));
	cpus_set_one(&nowhere, CPUS_MAX - 1);
	s = (struct spawn){ .argv = probe, .stdio = { -1, -1, -1 }, .cpus = &nowhere };
	assert_int_equal(spawn_program(&s, &pid, &pidfd), -EINVAL);
}

TEST(the_pidfd_is_of_that_process_and_not_inherited_by_the_next)
{
	static const char *const argv[] = { "sleep", "1000", NULL };
	struct spawn s = { .argv = argv, .stdio = { -1, -1, -1 } };
	auto_fd int pidfd = -1;
	siginfo_t si;
	pid_t pid;

	assert_int_equal(spawn_program(&s, &pid, &pidfd), 0);
	assert_int_equal(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid((idtype_t)P_PIDFD, (id_t)pidfd, &si, WEXITED), 0);
	assert_int_equal(si.si_pid, pid);
}

TEST(death_with_us_is_only_asked_for_when_wanted)
{
	struct spawn s = { .argv = probe, .stdio = { -1, -1, -1 } };
	struct outcome o;

	run(&s, &o);
	expect_text(&o, "pdeathsig: 0\n");
	s.die_with_us = true;
	run(&s, &o);
	expect_text(&o, "pdeathsig: 9\n");
}

/* Says that it is there, then stays. */
static int stay(void *out)
{
	return write(*(int *)out, "x", 1) == 1 ? pause() : 1;
}

static void start_body(int out)
{
	pid_t pid;
	int pidfd;

	if (spawn_body(stay, &out, &pid, &pidfd) < 0)
		_exit(1);
}

static void start_program(int out)
{
	static const char *const argv[] = { "sh", "-c", "printf x; exec sleep 1000", NULL };
	struct spawn s = { .argv = argv, .stdio = { -1, out, -1 }, .die_with_us = true };
	pid_t pid;
	int pidfd;

	if (spawn_program(&s, &pid, &pidfd) < 0)
		_exit(1);
}

/*
 * A shim that starts something and is killed. What it started holds the other
 * end of the pipe, and comes to us, for we are a subreaper.
 */
static void expect_death_with_parent(void (*start)(int out))
{
	int fds[2];
	char byte;
	pid_t shim;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	shim = fork();
	if (shim == 0) {
		start(fds[1]);
		close(fds[1]);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(kill(shim, SIGKILL), 0);
	assert_int_equal(wait_for(shim), 128 + SIGKILL);
	assert_int_equal(read(fds[0], &byte, 1), 0); /* it lives on if this hangs */
	close(fds[0]);
	assert_int_equal(wait_for_any(), 128 + SIGKILL);
}

TEST(a_program_dies_with_us_when_asked_to)
{
	expect_death_with_parent(start_program);
}

TEST(a_body_always_dies_with_us)
{
	expect_death_with_parent(start_body);
}

/* It says its pid, so that we can end it. */
TEST(a_program_outlives_us_when_not_asked_to)
{
	static const char *const argv[] = { "sh", "-c", "echo $$; exec sleep 1000", NULL };
	char text[32] = "";
	int fds[2], pidfd;
	pid_t shim, pid;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	shim = fork();
	if (shim == 0) {
		struct spawn s = { .argv = argv, .stdio = { -1, fds[1], -1 } };

		_exit(spawn_program(&s, &pid, &pidfd) < 0);
	}
	close(fds[1]);
	assert_int_equal(wait_for(shim), 0);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	close(fds[0]);
	pid = (pid_t)strtol(text, NULL, 10);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* ours now, and alive */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(wait_for(pid), 128 + SIGKILL);
}

static int return_arg(void *arg)
{
	int *value = arg;

	return (*value)++;
}

TEST(a_body_returns_its_exit_code_and_works_on_a_copy)
{
	int value = 42, pidfd;
	pid_t pid;

	assert_int_equal(spawn_body(return_arg, &value, &pid, &pidfd), 0);
	assert_int_equal(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(wait_for(pid), 42);
	assert_int_equal(value, 42);
	close(pidfd);
}

static int count_blocked(void *arg)
{
	sigset_t mask;
	int n = 0;

	(void)arg;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int signo = 1; signo < 32; signo++)
		n += sigismember(&mask, signo);
	return n + (signal(SIGPIPE, SIG_DFL) != SIG_DFL);
}

TEST(signals_are_as_at_boot_in_a_body_too)
{
	sigset_t all;
	pid_t pid;
	int pidfd;

	signal(SIGPIPE, SIG_IGN);
	sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	assert_int_equal(spawn_body(count_blocked, NULL, &pid, &pidfd), 0);
	assert_int_equal(wait_for(pid), 0);
	close(pidfd);
}
