/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "base/auto.h"
#include "tests/lib/leaks.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka turns these into a plain failure; we want the sanitizer's report or the core. */
static const int fatal_signals[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS };

#define REASON_MAX 512

static struct test *tests;

/* Shared memory: what the process of a test has to say beyond its exit code. */
static struct {
	bool finished; /* it got to the end, and did not call exit() on the way */
	char reason[REASON_MAX];
} * note;

enum verdict {
	PASSED,
	FAILED,
	SKIPPED,
	N_VERDICTS
};

/* To the end: they run in the order of the file. */
void test_register(struct test *t)
{
	struct test **at = &tests;

	while (*at)
		at = &(*at)->next;
	*at = t;
}

void test_skip(const char *why, ...)
{
	va_list ap;

	va_start(ap, why);
	vsnprintf(note->reason, REASON_MAX, why, ap);
	va_end(ap);
	_exit(TEST_SKIPPED);
}

static void run_body(void **state)
{
	const struct test *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
		signal(fatal_signals[i], SIG_DFL);
	t->run();
}

/*
 * A mount of somebody else's test must not count as ours, nor must ours outlive
 * us. Without privileges there is nothing to do: we cannot mount either.
 */
static void leave_mount_namespace(void)
{
	if (unshare(CLONE_NEWNS) == 0)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* In the process of the test. */
static int run_and_check(struct test *t)
{
	const struct CMUnitTest only[] = {
		{ .name = t->name, .test_func = run_body, .initial_state = t },
	};
	struct leaks before;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	leave_mount_namespace();
	leaks_note(&before);
	if (cmocka_run_group_tests(only, NULL, NULL) != 0 || leaks_report(&before) != 0) {
		fflush(stdout);
		_exit(EXIT_FAILURE); /* a leak checker would only drown the reason */
	}
	note->finished = true;
	return EXIT_SUCCESS;
}

static void redirect(int output)
{
	auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
}

/* Whatever the test blocks or ignores, this ends it. Returns false when it had to be killed. */
static bool await_end(pid_t pid, int seconds, siginfo_t *si)
{
	auto_fd int pidfd = pidfd_open(pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	bool in_time = poll(&p, 1, seconds * 1000) > 0;

	if (!in_time)
		kill(pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, si, WEXITED) < 0 && errno == EINTR)
		;
	return in_time;
}

static void show_output(int output)
{
	auto_fd int again = dup(output);
	FILE *f = fdopen(again, "r");
	char *line = NULL;
	size_t room = 0;

	if (!f)
		return;
	(void)take_fd(&again);
	rewind(f);
	while (getline(&line, &room, f) > 0)
		printf("  | %s%s", line, strchr(line, '\n') ? "" : "\n");
	free(line);
	fclose(f);
}

static void describe(char why[REASON_MAX], const struct test *t, const siginfo_t *si, bool in_time)
{
	if (!in_time)
		snprintf(why, REASON_MAX, "hung, killed after %d s", t->seconds);
	else if (si->si_code == CLD_EXITED && !note->finished)
		snprintf(why, REASON_MAX, "exit code %d", si->si_status);
	else if (si->si_code == CLD_EXITED)
		snprintf(why, REASON_MAX, "passed, then exit code %d: a sanitizer has a complaint",
			si->si_status);
	else
		snprintf(why, REASON_MAX, "killed by signal %d, %s", si->si_status,
			strsignal(si->si_status));
}

static bool has_exited(const siginfo_t *si, int code)
{
	return si->si_code == CLD_EXITED && si->si_status == code;
}

/* @left counts even if the test passed: a daemon nobody waits for is a leak. */
static enum verdict judge(const struct test *t, const siginfo_t *si, bool in_time, int left)
{
	char why[REASON_MAX];

	if (in_time && has_exited(si, TEST_SKIPPED) && note->reason[0]) {
		printf("SKIPPED %s: %s\n", t->name, note->reason);
		return SKIPPED;
	}
	if (!in_time || !has_exited(si, EXIT_SUCCESS) || !note->finished) {
		describe(why, t, si, in_time);
		printf("FAILED %s: %s\n", t->name, why);
		return FAILED;
	}
	if (left > 0) {
		printf("FAILED %s: %d processes were left running below it\n", t->name, left);
		return FAILED;
	}
	printf("ok %s\n", t->name);
	return PASSED;
}

static enum verdict run_one(struct test *t)
{
	auto_fd int output = memfd_create("output", MFD_CLOEXEC);
	siginfo_t si = { 0 };
	enum verdict verdict;
	bool in_time;
	pid_t pid;

	memset(note, 0, sizeof(*note));
	fflush(stdout);
	pid = fork();
	if (pid < 0 || output < 0) {
		printf("FAILED %s: %s\n", t->name, strerror(errno));
		return FAILED;
	}
	if (pid == 0) {
		redirect(output);
		fd_drop(&output);
		exit(run_and_check(t));
	}
	in_time = await_end(pid, t->seconds, &si);
	verdict = judge(t, &si, in_time, leaks_kill_descendants());
	tmpdir_remove_all_of(pid);
	if (verdict == FAILED)
		show_output(output);
	return verdict;
}

static bool is_chosen(const struct test *t, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (strcmp(*names, t->name) == 0)
			return true;
	return false;
}

static int sum_up(const int count[N_VERDICTS])
{
	printf("%d ok, %d failed, %d skipped\n", count[PASSED], count[FAILED], count[SKIPPED]);
	if (count[FAILED] > 0)
		return EXIT_FAILURE;
	if (count[PASSED] > 0)
		return EXIT_SUCCESS;
	if (count[SKIPPED] > 0)
		return TEST_SKIPPED;
	printf("no such test\n");
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	int count[N_VERDICTS] = { 0 };

	(void)argc;
	closefrom(STDERR_FILENO + 1); /* ctest hands its own down: a test counts on its numbers */
	note = mmap(NULL, sizeof(*note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (note == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		perror(argv[0]);
		return EXIT_FAILURE;
	}
	for (struct test *t = tests; t; t = t->next)
		if (is_chosen(t, argv + 1))
			count[run_one(t)]++;
	return sum_up(count);
}
