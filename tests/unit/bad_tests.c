/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bad_tests - what the harness must notice. Run by test_harness, never by ctest.
 */

#include "tests/lib/loop.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(good)
{
	printf("nobody sees this\n");
	assert_int_equal(1, 1);
}

TEST(failed_assertion)
{
	printf("said before it failed\n");
	assert_int_equal(1, 2);
}

TEST(leaked_descriptor)
{
	assert_true(open("/dev/zero", O_RDONLY | O_CLOEXEC) >= 0);
}

TEST(closed_descriptor)
{
	close(STDIN_FILENO);
}

TEST(leaked_child)
{
	if (fork() == 0)
		for (;;)
			pause();
}

TEST(leaked_zombie)
{
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
}

/* Not a child of the test when it ends: a daemon. It says so when it is there to stay. */
TEST(leaked_daemon)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (fork() > 0)
			_exit(0);
		setsid();
		close(ready[1]);
		for (;;)
			pause();
	}
	waitpid(pid, NULL, 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
}

TEST(leaked_mount)
{
	if (geteuid() != 0)
		test_skip("mounting needs root");
	assert_int_equal(mount("none", "/tmp", "tmpfs", 0, NULL), 0);
}

TEST(leaked_memory)
{
	void *volatile lost = malloc(4711);

	assert_non_null(lost);
	lost = NULL;
}

TEST_WITHIN(1, hang)
{
	sigset_t all;

	/* Neither of these may save it, nor what it has started. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	fork();
	for (;;)
		pause();
}

TEST(crash)
{
	raise(SIGSEGV);
}

TEST(exits_with_success)
{
	exit(0);
}

TEST(waits_for_what_never_comes)
{
	static const bool never;
	struct ev_loop *loop = loop_new();

	loop_run_until(loop, &never);
}

TEST(failed_with_a_tmpdir)
{
	struct tmpdir dir;

	tmpdir_open(&dir);
	tmpdir_write(&dir, "file", "text");
	printf("made %s\n", dir.path);
	fail();
}

TEST(crashed_with_a_tmpdir)
{
	struct tmpdir dir;

	tmpdir_open(&dir);
	printf("made %s\n", dir.path);
	fflush(stdout);
	abort();
}

/* Somebody else's directory, mounted inside ours and forgotten there. */
TEST(mounted_in_a_tmpdir)
{
	struct tmpdir dir;
	char point[80];

	tmpdir_open(&dir);
	snprintf(point, sizeof(point), "%s/point", dir.path);
	assert_int_equal(mkdir(point, 0700), 0);
	assert_int_equal(mount(getenv("OTHER"), point, NULL, MS_BIND, NULL), 0);
	tmpdir_close(&dir);
}

TEST(skipped)
{
	test_skip("there is no %s here", "unicorn");
}

TEST(skipped_too)
{
	test_skip("nor a dragon");
}
