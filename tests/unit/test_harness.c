/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The harness, tried on tests that are bad on purpose: a net nobody has seen
 * catching anything is not a net.
 */

#include "tests/lib/command.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Runs the bad tests named; all of @texts, up to NULL, must be in the output. */
static void expect(int code, const char *names, const char *const *texts)
{
	struct command c = command_run("%s/tests/unit/bad_tests %s", BUILD_DIR, names);

	for (; *texts; texts++)
		if (!strstr(c.output, *texts))
			fail_msg("no '%s' in: %s", *texts, c.output);
	if (c.code != code)
		fail_msg("exit code %d, not %d: %s", c.code, code, c.output);
	command_fini(&c);
}

#define EXPECT(code, names, ...) expect(code, names, (const char *const[]){ __VA_ARGS__, NULL })

static bool is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
	return __has_feature(address_sanitizer);
#else
	return false;
#endif
}

TEST(a_good_test_says_ok_and_nothing_else)
{
	struct command c = command_run("%s/tests/unit/bad_tests good", BUILD_DIR);

	assert_string_equal(c.output, "ok good\n1 ok, 0 failed, 0 skipped\n");
	assert_int_equal(c.code, 0);
	command_fini(&c);
}

TEST(a_failed_assertion_is_reported_with_its_place_and_the_output_of_the_test)
{
	EXPECT(1, "failed_assertion", "FAILED failed_assertion", "said before it failed",
		"0x1 != 0x2", "bad_tests.c:", "0 ok, 1 failed, 0 skipped\n");
}

TEST(a_descriptor_left_open_is_reported_by_name)
{
	EXPECT(1, "leaked_descriptor", "FAILED leaked_descriptor", "left open: /dev/zero");
}

TEST(a_descriptor_closed_by_mistake_is_reported)
{
	EXPECT(1, "closed_descriptor", "FAILED closed_descriptor", "descriptor 0 was open before");
}

TEST(a_child_left_running_is_reported)
{
	EXPECT(1, "leaked_child", "FAILED leaked_child", "a child was left running");
}

TEST(a_child_left_unreaped_is_reported)
{
	EXPECT(1, "leaked_zombie", "FAILED leaked_zombie", "a child was left unreaped: pid ");
}

TEST(a_daemon_left_running_is_reported)
{
	EXPECT(1, "leaked_daemon", "FAILED leaked_daemon: 1 processes were left running");
}

TEST(a_mount_left_behind_is_reported)
{
	if (geteuid() != 0)
		test_skip("mounting needs root");
	EXPECT(1, "leaked_mount", "FAILED leaked_mount", "mounts before the test");
}

TEST(memory_left_behind_is_reported_by_the_sanitizer)
{
	if (!is_sanitized())
		test_skip("this build has no address sanitizer");
	EXPECT(1, "leaked_memory", "FAILED leaked_memory: passed, then exit code", "4711 byte");
}

TEST(a_test_that_hangs_is_killed_whatever_it_blocks_and_what_it_started_too)
{
	EXPECT(1, "hang", "FAILED hang: hung, killed after 1 s");
}

TEST(a_crash_is_reported)
{
	EXPECT(1, "crash", "FAILED crash: ");
}

TEST(leaving_through_the_back_door_is_not_a_success)
{
	EXPECT(1, "exits_with_success", "FAILED exits_with_success: exit code 0");
}

TEST(a_wait_for_an_event_ends)
{
	EXPECT(1, "waits_for_what_never_comes", "FAILED waits_for_what_never_comes",
		"the event this test waits for did not come", "bad_tests.c:");
}

TEST(one_bad_test_does_not_spoil_the_others)
{
	EXPECT(1, "crash hang good", "FAILED crash", "FAILED hang", "ok good",
		"1 ok, 2 failed, 0 skipped\n");
}

TEST(all_skipped_is_code_77_and_a_sentence)
{
	EXPECT(TEST_SKIPPED, "skipped skipped_too", "SKIPPED skipped: there is no unicorn here\n",
		"SKIPPED skipped_too: nor a dragon\n", "0 ok, 0 failed, 2 skipped\n");
}

TEST(partly_skipped_is_success_and_a_sentence)
{
	EXPECT(0, "good skipped", "SKIPPED skipped: there is no unicorn here\n", "ok good\n",
		"1 ok, 0 failed, 1 skipped\n");
}

TEST(a_test_nobody_wrote_is_a_failure)
{
	EXPECT(1, "no_such_test", "no such test");
}

/* The bad test says where it made its directory. */
static void expect_made_and_removed(const char *name)
{
	struct command c = command_run("%s/tests/unit/bad_tests %s", BUILD_DIR, name);
	const char *at = strstr(c.output, "made ");
	char path[128];
	struct stat st;

	assert_non_null(at);
	assert_int_equal(sscanf(at, "made %127s", path), 1);
	assert_int_equal(stat(path, &st), -1);
	command_fini(&c);
}

TEST(the_directory_of_a_failed_test_is_removed)
{
	expect_made_and_removed("failed_with_a_tmpdir");
}

TEST(the_directory_of_a_test_that_crashed_is_removed)
{
	expect_made_and_removed("crashed_with_a_tmpdir");
}

TEST(what_is_mounted_in_a_directory_is_never_removed_with_it)
{
	struct tmpdir other;
	char *kept;

	if (geteuid() != 0)
		test_skip("mounting needs root");
	tmpdir_open(&other);
	tmpdir_write(&other, "kept", "this must survive");
	setenv("OTHER", other.path, 1);
	EXPECT(1, "mounted_in_a_tmpdir", "is not clean: Device or resource busy");
	kept = tmpdir_read(&other, "kept");
	assert_non_null(kept);
	free(kept);
	tmpdir_close(&other);
}
