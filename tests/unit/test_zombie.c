/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/zombie.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_no_child_of_any_kind(void)
{
	siginfo_t si;

	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
}

static void start(struct zombie *z)
{
	int rc = zombie_start(z, CLONE_NEWUSER);

	if (rc == -EPERM || rc == -ENOSPC)
		test_skip("user namespaces are not allowed here");
	assert_int_equal(rc, 0);
}

static ino_t user_namespace(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

TEST(an_zombie_process_lives_in_its_own_namespaces_until_it_is_ended)
{
	struct zombie z;

	start(&z);
	assert_int_equal(zombie_check(&z), 0);
	assert_true(user_namespace(z.pid) != user_namespace(getpid()));
	zombie_end(&z);
	assert_int_equal(kill(z.pid, 0), -1);
	expect_no_child_of_any_kind();
	zombie_end(&z); /* ended already */
}

TEST(nobody_who_collects_every_child_collects_it)
{
	struct zombie z;
	siginfo_t si;

	start(&z);
	while (waitid((idtype_t)P_PIDFD, (id_t)z.pidfd, &si, WEXITED | WNOWAIT | __WALL) < 0)
		assert_int_equal(errno, EINTR);
	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(zombie_check(&z), 0); /* dead, but its number is still its own */
	zombie_end(&z);
	expect_no_child_of_any_kind();
}

TEST(one_that_was_reaped_is_found_out_and_can_still_be_ended)
{
	struct zombie z;
	siginfo_t si;

	start(&z);
	assert_int_equal(waitid((idtype_t)P_PIDFD, (id_t)z.pidfd, &si, WEXITED | __WALL), 0);
	assert_int_equal(zombie_check(&z), -ESRCH);
	zombie_end(&z);
}

TEST(what_it_shares_with_us_stays_as_it_was)
{
	sigset_t before, after;
	struct zombie z;

	sigprocmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	start(&z);
	zombie_end(&z);
	sigprocmask(SIG_SETMASK, NULL, &after);
	for (int signo = 1; signo < NSIG; signo++)
		assert_int_equal(sigismember(&before, signo), sigismember(&after, signo));
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
}

/* The middle process is killed while it has a zombie, which then is ours to reap, as any orphan. */
TEST(if_we_are_killed_whoever_inherits_it_reaps_it)
{
	int pipe_fds[2];
	siginfo_t si;
	pid_t pid, middle;
	char more;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(pipe_fds), 0);
	middle = fork();
	if (middle == 0) {
		struct zombie z;

		if (zombie_start(&z, 0) < 0 || write(pipe_fds[1], &z.pid, sizeof(z.pid)) < 0)
			_exit(1);
		pause();
	}
	close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(kill(middle, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)middle, &si, WEXITED), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	assert_int_equal(read(pipe_fds[0], &more, 1), 0); /* it holds nothing of ours open */
	close(pipe_fds[0]);
}

TEST(there_may_be_many_at_a_time)
{
	struct zombie *many = calloc(10, sizeof(*many));

	for (int i = 0; i < 10; i++)
		start(&many[i]);
	for (int i = 0; i < 10; i++)
		assert_int_equal(zombie_check(&many[i]), 0);
	for (int i = 0; i < 10; i++)
		zombie_end(&many[i]);
	expect_no_child_of_any_kind();
	free(many);
}
