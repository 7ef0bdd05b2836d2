/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a runtime leaves in the bundle: its log and its pid files.
 */

#include "process/runtime/log.h"
#include "process/runtime/runtime.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ERROR(text) "{\"level\":\"error\",\"msg\":\"" text "\",\"time\":\"now\"}\n"
#define INFO(text)  "{\"level\":\"info\",\"msg\":\"" text "\"}\n"

static void expect_error(const char *text, const char *wanted)
{
	char found[256] = "";

	assert_int_equal(log_find_error(text, strlen(text), found, sizeof(found)), wanted != NULL);
	assert_string_equal(found, wanted ? wanted : "");
}

TEST(the_last_error_counts_and_other_levels_do_not)
{
	expect_error("", NULL);
	expect_error(INFO("fine"), NULL);
	expect_error(ERROR("one"), "one");
	expect_error(ERROR("one") ERROR("two") INFO("three"), "two");
}

TEST(white_space_around_the_words_is_not_part_of_them)
{
	expect_error(ERROR(" \\n\\t no \\t such file \\n"), "no \t such file");
	expect_error(ERROR(" \\n "), "");
}

TEST(what_does_not_parse_is_passed_over)
{
	expect_error("garbage\n" ERROR("one") "{\"level\":\"err", "one");
	expect_error("[1,2]\n\n\nnull\n" ERROR("one") "{}\n{\"level\":3}\n{\"level\":\"error\"}\n",
		"one");
	expect_error("{\"level\":\"error\",\"msg\":\"no newline\"}", "no newline");
}

TEST(a_record_may_be_of_several_lines_and_several_of_one)
{
	expect_error("{\n  \"msg\": \"one\",\n  \"level\": \"error\"\n}\n" INFO("two"), "one");
	expect_error(
		"{\"level\":\"info\"}{\"level\":\"error\",\"msg\":\"same line\"}", "same line");
	expect_error(
		"{\n  \"msg\": {\n" ERROR("behind one that was torn"), "behind one that was torn");
}

TEST(a_long_message_is_cut_to_the_room)
{
	char room[8];

	assert_int_equal(log_find_error(ERROR("0123456789"), strlen(ERROR("0123456789")), room,
				 sizeof(room)),
		1);
	assert_string_equal(room, "0123456");
}

static struct tmpdir dir;

/* A descriptor that can be read through, as the bundle's is. */
static void begin(void)
{
	tmpdir_open(&dir);
}

static void end(void)
{
	tmpdir_close(&dir);
}

static void expect_last_error(off_t from, int rc, const char *wanted)
{
	char found[256] = "";

	assert_int_equal(log_last_error(dir.fd, "log.json", from, found, sizeof(found)), rc);
	assert_string_equal(found, wanted);
}

TEST(only_what_came_after_the_call_began_is_looked_at)
{
	begin();
	tmpdir_write(&dir, "log.json", ERROR("old") ERROR("new"));
	expect_last_error(0, 1, "new");
	expect_last_error((off_t)strlen(ERROR("old")), 1, "new");
	expect_last_error((off_t)strlen(ERROR("old") ERROR("new")), 0, "");
	end();
}

TEST(a_log_that_was_truncated_meanwhile_is_read_from_its_beginning)
{
	begin();
	tmpdir_write(&dir, "log.json", ERROR("new"));
	expect_last_error(100000, 1, "new");
	end();
}

TEST(of_a_huge_log_the_end_is_looked_at)
{
	char line[128];
	FILE *f;

	begin();
	snprintf(line, sizeof(line), "%s/log.json", dir.path);
	f = fopen(line, "we");
	for (int i = 0; i < 40000; i++)
		fputs(INFO("a lot is said here and little of it matters"), f);
	fputs(ERROR("at last"), f);
	fclose(f);
	expect_last_error(0, 1, "at last");
	end();
}

TEST(a_log_that_is_not_there_or_no_file_is_an_error_and_nobody_hangs)
{
	begin();
	expect_last_error(0, -ENOENT, "");
	assert_int_equal(symlinkat("/etc/passwd", dir.fd, "log.json"), 0);
	expect_last_error(0, -ELOOP, "");
	assert_int_equal(unlinkat(dir.fd, "log.json", 0), 0);
	assert_int_equal(mkfifoat(dir.fd, "log.json", 0600), 0);
	expect_last_error(0, 0, "");
	end();
}

static void expect_pid(const char *content, pid_t wanted)
{
	struct err e = ERR_INIT;
	pid_t pid = -7;

	tmpdir_write(&dir, "init.pid", content);
	assert_int_equal(runtime_read_pid(dir.fd, "init.pid", &pid, &e), wanted ? 0 : -1);
	assert_int_equal(pid, wanted ? wanted : -7);
	if (!wanted)
		assert_int_equal(e.status, STATUS_UNKNOWN);
}

TEST(a_pid_file_is_a_number_above_1_and_nothing_else)
{
	begin();
	expect_pid("2", 2);
	expect_pid("4194304", 4194304);
	expect_pid("2147483647", 2147483647);
	expect_pid("", 0);
	expect_pid("0", 0);
	expect_pid("1", 0);
	expect_pid("-5", 0);
	expect_pid("+5", 0);
	expect_pid(" 5", 0);
	expect_pid("5x", 0);
	expect_pid("0x10", 0);
	expect_pid("2147483648", 0);
	expect_pid("99999999999999", 0);
	expect_pid("99999999999999999999999999999", 0);
	end();
}

/* runc writes none; a wrapper of somebody's may. */
TEST(a_newline_behind_the_pid_is_not_a_pid)
{
	begin();
	expect_pid("123\n", 0);
	end();
}

TEST(why_there_is_no_pid_is_said)
{
	struct err e = ERR_INIT;
	pid_t pid;

	begin();
	assert_int_equal(runtime_read_pid(dir.fd, "init.pid", &pid, &e), -1);
	assert_string_equal(e.msg, "read init.pid: no such file or directory");
	tmpdir_write(&dir, "init.pid", "abc");
	assert_int_equal(runtime_read_pid(dir.fd, "init.pid", &pid, &e), -1);
	assert_string_equal(e.msg, "init.pid holds 'abc', which is not a pid");
	end();
}

TEST(an_old_pid_file_is_forgotten_and_none_is_as_good)
{
	struct err e = ERR_INIT;

	begin();
	assert_int_equal(runtime_forget_pid(dir.fd, "init.pid", &e), 0);
	tmpdir_write(&dir, "init.pid", "5");
	assert_int_equal(runtime_forget_pid(dir.fd, "init.pid", &e), 0);
	assert_null(tmpdir_read(&dir, "init.pid"));
	assert_int_equal(mkdirat(dir.fd, "init.pid", 0700), 0);
	assert_int_equal(runtime_forget_pid(dir.fd, "init.pid", &e), -1);
	assert_non_null(strstr(e.msg, "remove old init.pid: "));
	end();
}
