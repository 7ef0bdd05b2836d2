/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fake runtime: what the tests of the layers above take for granted.
 */

#include "tests/lib/command.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tmpdir dir;

/* The test becomes the subreaper the shim would be; init writes `ran` and ends. */
static void begin(const char *misdeeds)
{
	char config[256];

	tmpdir_open(&dir);
	setenv("B", dir.path, 1);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	snprintf(config, sizeof(config),
		"{\"process\":{\"args\":[\"sh\",\"-c\",\"echo yes >%s/ran; exit 7\"]}}", dir.path);
	tmpdir_write(&dir, "config.json", config);
	tmpdir_write(&dir, "fake", misdeeds);
}

static void end(void)
{
	tmpdir_close(&dir);
}

/* In @args $B is the bundle. */
static struct command runtime(const char *args)
{
	return command_run("%s/tests/fake/fake-runtime --root $B/root --log $B/log.json "
			   "--log-format json %s",
		BUILD_DIR, args);
}

static void expect(int code, const char *args)
{
	struct command c = runtime(args);

	if (c.code != code)
		fail_msg("%s: code %d, not %d: %s", args, c.code, code, c.output);
	command_fini(&c);
}

#define CREATE "create --bundle $B --pid-file $B/init.pid c1"

static void expect_file(const char *name, const char *text)
{
	char *is = tmpdir_read(&dir, name);

	if (!is || !strstr(is, text))
		fail_msg("no '%s' in %s: %s", text, name, is ? is : "(no such file)");
	free(is);
}

static pid_t pid_in_file(void)
{
	char *text = tmpdir_read(&dir, "init.pid");
	pid_t pid;

	assert_non_null(text);
	pid = (pid_t)strtol(text, NULL, 10);
	free(text);
	return pid;
}

/* Reaps init; the exit code, or 128 + signal. */
static int init_code(void)
{
	siginfo_t si;

	assert_int_equal(waitid(P_PID, (id_t)pid_in_file(), &si, WEXITED), 0);
	return si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
}

TEST(init_waits_for_start_and_is_then_a_child_of_whoever_ran_create)
{
	begin("");
	expect(0, CREATE);
	assert_null(tmpdir_read(&dir, "ran"));
	expect(0, "start c1");
	assert_int_equal(init_code(), 7);
	expect_file("ran", "yes");
	expect(0, "delete c1");
	assert_null(tmpdir_read(&dir, "root/c1/bundle"));
	end();
}

TEST(every_call_is_noted)
{
	begin("");
	expect(1, "kill --all c1 9");
	expect_file("root/calls.log", "--log-format json kill --all c1 9\n");
	end();
}

TEST(delete_kills_an_init_that_was_never_started)
{
	begin("");
	expect(0, CREATE);
	expect(0, "delete c1");
	assert_int_equal(init_code(), 128 + SIGKILL);
	end();
}

TEST(delete_of_a_running_container_needs_force)
{
	begin("");
	tmpdir_write(&dir, "config.json", "{\"process\":{\"args\":[\"sleep\",\"1000\"]}}");
	expect(0, CREATE);
	expect(0, "start c1");
	expect(1, "delete c1");
	expect_file("log.json", "cannot delete container c1 that is not stopped: running");
	expect(0, "delete --force c1");
	assert_int_equal(init_code(), 128 + SIGKILL);
	end();
}

TEST(delete_of_a_missing_container_fails_without_force)
{
	begin("");
	expect(1, "delete c1");
	expect_file("log.json", "\"msg\":\"container \\\"c1\\\" does not exist\"");
	expect(0, "delete --force c1");
	end();
}

TEST(delete_takes_away_what_a_delete_that_was_killed_has_left)
{
	begin("");
	assert_int_equal(mkdirat(dir.fd, "root", 0700), 0);
	assert_int_equal(mkdirat(dir.fd, "root/c1", 0700), 0);
	expect(1, "delete c1");
	assert_int_equal(faccessat(dir.fd, "root/c1", F_OK, 0), -1);
	end();
}

TEST(kill_reaches_init_and_fails_when_it_has_ended)
{
	begin("");
	expect(0, CREATE);
	expect(0, "kill c1 15");
	assert_int_equal(init_code(), 128 + SIGTERM);
	expect(1, "kill c1 15");
	expect_file("log.json", "container not running");
	expect(0, "delete c1");
	end();
}

TEST(an_exec_is_a_child_too_and_ps_lists_it)
{
	struct command c;
	char both[64];
	pid_t init, other;

	begin("");
	tmpdir_write(&dir, "config.json", "{\"process\":{\"args\":[\"sleep\",\"1000\"]}}");
	tmpdir_write(&dir, "exec.json", "{\"args\":[\"sleep\",\"1000\"]}");
	expect(0, CREATE);
	expect(0, "start c1");
	init = pid_in_file();
	expect(0, "exec --process $B/exec.json --detach --pid-file $B/init.pid c1");
	other = pid_in_file();
	snprintf(both, sizeof(both), "[%d,%d]\n", (int)init, (int)other);
	c = runtime("ps --format json c1");
	assert_string_equal(c.output, both);
	command_fini(&c);
	assert_int_equal(kill(other, SIGKILL), 0);
	assert_int_equal(waitpid(other, NULL, 0), other);
	expect(0, "delete --force c1");
	assert_int_equal(waitpid(init, NULL, 0), init);
	end();
}

TEST(update_reads_the_resources_from_stdin)
{
	struct command c;

	begin("");
	expect(0, CREATE);
	c = command_run("echo '{\"pids\": {\"limit\": 5}}' | "
			"%s/tests/fake/fake-runtime --root $B/root update --resources=- c1",
		BUILD_DIR);
	assert_int_equal(c.code, 0);
	command_fini(&c);
	expect_file("root/c1/resources", "{\"pids\":{\"limit\":5}}");
	expect(0, "delete c1");
	assert_int_equal(init_code(), 128 + SIGKILL);
	end();
}

TEST(pause_stops_the_process_and_resume_lets_it_go_on)
{
	begin("");
	expect(0, CREATE);
	expect(1, "pause c1");
	expect(0, "start c1");
	assert_int_equal(init_code(), 7);
	expect(0, "delete c1");
	tmpdir_write(&dir, "config.json", "{\"process\":{\"args\":[\"sleep\",\"1000\"]}}");
	expect(0, CREATE);
	expect(0, "start c1");
	expect(0, "pause c1");
	expect(1, "exec --process $B/config.json --detach --pid-file $B/x c1");
	expect(0, "resume c1");
	expect(0, "delete --force c1");
	assert_int_equal(init_code(), 128 + SIGKILL);
	end();
}

TEST(a_failure_is_an_error_record_and_code_1_and_leaves_nothing)
{
	begin("create fail no such file: /bin/nope");
	expect(1, CREATE);
	expect_file(
		"log.json", "\"level\":\"error\",\"msg\":\"no such file: /bin/nope\",\"time\":");
	expect(1, "delete c1");
	end();
}

TEST(a_failure_afterwards_leaves_everything)
{
	begin("create after-fail too late");
	expect(1, CREATE);
	expect_file("log.json", "too late");
	expect(0, "delete c1");
	assert_int_equal(init_code(), 128 + SIGKILL);
	end();
}

TEST(a_lie_is_code_0_and_nothing_made)
{
	begin("create lie");
	expect(0, CREATE);
	assert_null(tmpdir_read(&dir, "init.pid"));
	expect(1, "delete c1");
	end();
}

TEST(a_dead_init_is_a_zombie_by_the_time_create_returns)
{
	siginfo_t si = { 0 };

	begin("create dead-init");
	expect(0, CREATE);
	assert_int_equal(waitid(P_PID, (id_t)pid_in_file(), &si, WEXITED | WNOHANG), 0);
	assert_int_equal(si.si_pid, pid_in_file());
	assert_int_equal(si.si_status, 42);
	expect(0, "delete c1");
	end();
}

TEST(half_a_pid_file_is_empty_and_a_strangers_names_pid_1)
{
	begin("create half-pid\n");
	expect(0, CREATE);
	expect_file("init.pid", "");
	assert_int_equal(pid_in_file(), 0);
	expect(0, "delete c1");
	assert_int_equal(waitpid(-1, NULL, 0) > 0, 1);
	tmpdir_write(&dir, "fake", "create stranger-pid\n");
	expect(0, CREATE);
	assert_int_equal(pid_in_file(), 1);
	expect(0, "delete c1");
	assert_int_equal(waitpid(-1, NULL, 0) > 0, 1);
	end();
}

TEST(noise_comes_first_and_death_by_a_signal_is_one)
{
	struct command c;

	begin("start noise 5000\nstart die 9\n");
	expect(0, CREATE);
	expect(128 + SIGKILL, "start c1");
	tmpdir_write(&dir, "fake", "start die 11\n");
	expect(128 + SIGSEGV, "start c1");
	tmpdir_write(&dir, "fake", "start noise 5000\n");
	c = runtime("start c1");
	assert_int_equal(c.code, 0);
	assert_int_equal(strlen(c.output), 5000);
	command_fini(&c);
	assert_int_equal(init_code(), 7);
	expect(0, "delete c1");
	end();
}

TEST(a_hang_lasts_as_long_as_it_was_told)
{
	struct command c;

	begin("create hang\ndelete hang-ms 300\n");
	c = command_run(
		"timeout --foreground -s KILL 0.3 %s/tests/fake/fake-runtime --root $B/root "
		"create --bundle $B c1; echo $?",
		BUILD_DIR);
	assert_non_null(strstr(c.output, "137"));
	command_fini(&c);
	assert_null(tmpdir_read(&dir, "root/c1/bundle"));
	tmpdir_write(&dir, "fake", "delete hang-ms 300\n");
	expect(0, CREATE);
	expect(0, "delete c1");
	assert_int_equal(init_code(), 128 + SIGKILL);
	end();
}

TEST(a_misdeed_nobody_knows_is_an_error)
{
	begin("create hagn");
	expect(1, CREATE);
	expect_file("log.json", "knows no misdeed 'hagn'");
	end();
}
