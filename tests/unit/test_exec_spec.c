/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/exec_spec.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct option_list env;

/* The process of an exec of `true` in a container with that one; the caller frees it. */
static void expect(const char *process, const struct exec_wish *wish, const char *wanted)
{
	auto_buf struct buf out = BUF_INIT(64 * 1024);
	struct err e = ERR_INIT;
	struct tmpdir dir;
	char config[1000];

	tmpdir_open(&dir);
	snprintf(config, sizeof(config), "{\"process\":%s}", process);
	tmpdir_write(&dir, "config.json", config);
	if (exec_spec(dir.path, wish, &out, &e) < 0)
		assert_string_equal(e.msg, wanted);
	else
		assert_string_equal(buf_text(&out), wanted);
	tmpdir_close(&dir);
}

static char *command[] = { "true", NULL };

TEST(an_exec_is_as_the_init_but_for_its_command)
{
	const struct exec_wish wish = { .command = command, .env = &env };

	expect("{\"args\":[\"sh\"],\"cwd\":\"/x\",\"terminal\":true,\"user\":{\"uid\":1000},"
	       "\"odd\":[null,-1,0.5,\"a\\nb\"]}",
		&wish,
		"{\"args\":[\"true\"],\"cwd\":\"/x\",\"terminal\":false,\"user\":{\"uid\":1000},"
		"\"odd\":[null,-1,0.5,\"a\\nb\"],\"env\":[]}");
}

TEST(an_unlimited_rlimit_stays_unlimited)
{
	const struct exec_wish wish = { .command = command, .env = &env };

	expect("{\"env\":[],\"rlimits\":[{\"hard\":18446744073709551615,\"soft\":"
	       "9223372036854775807}"
	       "]}",
		&wish,
		"{\"env\":[],\"rlimits\":[{\"hard\":18446744073709551615,"
		"\"soft\":9223372036854775807}],\"args\":[\"true\"],\"terminal\":false}");
}

TEST(what_is_asked_for_takes_the_place_of_the_containers)
{
	const struct exec_wish wish = {
		.command = command, .env = &env, .user = "7:8", .cwd = "/", .terminal = true
	};

	env = (struct option_list){ .word = { "A=2", "OURS", "NOT_OURS" }, .n = 3 };
	setenv("OURS", "x=y", 1);
	setenv("TERM", "vt100", 1);
	unsetenv("NOT_OURS");
	expect("{\"args\":[\"sh\"],\"cwd\":\"/x\",\"terminal\":false,\"user\":{\"uid\":1,"
	       "\"additionalGids\":[5]},\"env\":[\"A=1\",\"AB=1\",\"TERM=dumb\"]}",
		&wish,
		"{\"args\":[\"true\"],\"cwd\":\"/"
		"\",\"terminal\":true,\"user\":{\"uid\":7,\"gid\":8},"
		"\"env\":[\"AB=1\",\"TERM=vt100\",\"A=2\",\"OURS=x=y\"]}");
}

TEST(a_user_is_two_numbers_at_most)
{
	static const char *const no[] = { "root", "", "-1", "1:", ":1", "1:2:3", "4294967295", "1 ",
		"0x1", "99999999999999999999" };
	char wanted[200];

	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		const struct exec_wish wish = { .command = command, .env = &env, .user = no[i] };

		snprintf(wanted, sizeof(wanted), "--user %s: UID or UID:GID, in numbers, is taken",
			no[i]);
		expect("{}", &wish, wanted);
	}
}

TEST(a_config_without_a_process_is_no_model)
{
	const struct exec_wish wish = { .command = command, .env = &env };
	auto_buf struct buf out = BUF_INIT(64 * 1024);
	struct err e = ERR_INIT;
	struct tmpdir dir;

	tmpdir_open(&dir);
	tmpdir_write(&dir, "config.json", "{}");
	assert_int_equal(exec_spec(dir.path, &wish, &out, &e), -1);
	assert_non_null(strstr(e.msg, "config.json has no process to take after"));
	tmpdir_close(&dir);
}
