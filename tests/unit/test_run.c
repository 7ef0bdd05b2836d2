/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/run.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int run_shell(const char *script, int output, struct exit_status *st)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct spawn s = { .argv = argv, .stdio = { -1, output, output } };

	return run_program(&s, st);
}

TEST(a_program_is_waited_for_and_its_status_told)
{
	struct exit_status st;

	assert_int_equal(run_shell("exit 7", -1, &st), 0);
	assert_int_equal(st.code, 7);
	assert_int_equal(st.signal, 0);
	assert_int_equal(run_shell("kill -9 $$", -1, &st), 0);
	assert_int_equal(st.code, 137);
	assert_int_equal(st.signal, SIGKILL);
}

TEST(a_program_that_is_not_there_is_an_error)
{
	const char *const argv[] = { "no-such-program", NULL };
	const struct spawn s = { .argv = argv, .stdio = { -1, -1, -1 } };
	struct exit_status st;

	assert_int_equal(run_program(&s, &st), -ENOENT);
}

TEST(what_it_says_is_there_when_it_has_ended)
{
	int output = memfd_create("output", MFD_CLOEXEC);
	struct exit_status st;
	char got[16] = "";

	assert_int_equal(run_shell("echo out; echo err >&2", output, &st), 0);
	assert_int_equal(pread(output, got, sizeof(got) - 1, 0), 8);
	assert_string_equal(got, "out\nerr\n");
	close(output);
}

/* Other children end meanwhile, and stay for whoever waits for them. */
TEST(nobody_elses_status_is_taken)
{
	struct exit_status st;
	siginfo_t si;
	pid_t other = fork();

	if (other == 0)
		_exit(3);
	while (waitid(P_PID, (id_t)other, &si, WEXITED | WNOWAIT) < 0)
		assert_int_equal(errno, EINTR);
	assert_int_equal(run_shell("exit 5", -1, &st), 0);
	assert_int_equal(st.code, 5);
	assert_int_equal(waitid(P_PID, (id_t)other, &si, WEXITED), 0);
	assert_int_equal(si.si_status, 3);
}

TEST(what_it_leaves_running_is_not_waited_for)
{
	int output = memfd_create("output", MFD_CLOEXEC);
	struct exit_status st;
	char got[32] = "";
	siginfo_t si;
	long pid;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(run_shell("sleep 1000 & echo $!", output, &st), 0);
	assert_int_equal(st.code, 0);
	assert_true(pread(output, got, sizeof(got) - 1, 0) > 0);
	pid = strtol(got, NULL, 10);
	assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	close(output);
}
