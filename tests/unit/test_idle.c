/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/idle.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
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

static void start(struct idle *i)
{
	int rc = idle_start(i, CLONE_NEWUSER);

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

TEST(an_idle_process_lives_in_its_own_namespaces_until_it_is_ended)
{
	struct idle i;

	start(&i);
	assert_int_equal(idle_check(&i), 0);
	assert_true(user_namespace(i.pid) != user_namespace(getpid()));
	idle_end(&i);
	assert_int_equal(kill(i.pid, 0), -1);
	expect_no_child_of_any_kind();
	idle_end(&i); /* ended already */
}

TEST(nobody_who_collects_every_child_collects_it)
{
	struct idle i;
	siginfo_t si;

	start(&i);
	idle_kill(&i);
	while (waitid((idtype_t)P_PIDFD, (id_t)i.pidfd, &si, WEXITED | WNOWAIT | __WALL) < 0)
		assert_int_equal(errno, EINTR);
	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(idle_check(&i), 0); /* dead, but its number is still its own */
	idle_end(&i);
	expect_no_child_of_any_kind();
}

TEST(one_that_was_reaped_is_found_out_and_can_still_be_ended)
{
	struct idle i;
	siginfo_t si;

	start(&i);
	idle_kill(&i);
	assert_int_equal(waitid((idtype_t)P_PIDFD, (id_t)i.pidfd, &si, WEXITED | __WALL), 0);
	assert_int_equal(idle_check(&i), -ESRCH);
	idle_end(&i);
}

TEST(what_it_shares_with_us_stays_as_it_was)
{
	sigset_t before, after;
	struct idle i;

	sigprocmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	start(&i);
	idle_end(&i);
	sigprocmask(SIG_SETMASK, NULL, &after);
	for (int signo = 1; signo < NSIG; signo++)
		assert_int_equal(sigismember(&before, signo), sigismember(&after, signo));
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	assert_int_equal(prctl(PR_GET_PDEATHSIG, &(int){ 0 }), 0);
}

/* The middle process is killed while its idle one lives; that must not live on. */
TEST(it_dies_with_us_even_if_we_are_killed)
{
	int pipe_fds[2];
	siginfo_t si;
	pid_t pid, middle;
	int pidfd;
	char ready;

	assert_int_equal(pipe(pipe_fds), 0);
	middle = fork();
	if (middle == 0) {
		struct idle i;

		if (idle_start(&i, 0) < 0)
			_exit(1);
		if (write(pipe_fds[1], &i.pid, sizeof(i.pid)) < 0)
			_exit(1);
		pause();
	}
	assert_int_equal(read(pipe_fds[0], &pid, sizeof(pid)), sizeof(pid));
	pidfd = pidfd_open(pid, 0);
	assert_true(pidfd >= 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* so that it becomes ours */
	assert_int_equal(kill(middle, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)middle, &si, WEXITED), 0);
	assert_int_equal(waitid((idtype_t)P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL), 0);
	assert_int_equal(si.si_pid, pid);
	close(pidfd);
	close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &ready, 1), 0); /* and it held nothing of ours open */
	close(pipe_fds[0]);
}

TEST(many_live_at_a_time)
{
	struct idle *many = calloc(10, sizeof(*many));

	for (int i = 0; i < 10; i++)
		start(&many[i]);
	for (int i = 0; i < 10; i++)
		assert_int_equal(idle_check(&many[i]), 0);
	for (int i = 0; i < 10; i++)
		idle_kill(&many[i]);
	for (int i = 0; i < 10; i++)
		idle_end(&many[i]);
	expect_no_child_of_any_kind();
	free(many);
}
