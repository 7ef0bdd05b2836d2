/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/exec_spec.h"

#include "base/auto.h"
#include "shim/ctl/user.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* What an exec of `true` as that user is in a container with such an /etc/passwd and /etc/group. */
static void expect_user(const char *user, const char *wanted)
{
	const struct exec_wish wish = { .command = command, .env = &env, .user = user };
	auto_buf struct buf out = BUF_INIT(64 * 1024);
	struct err e = ERR_INIT;
	struct tmpdir dir;

	env = (struct option_list){ .n = 0 };
	tmpdir_open(&dir);
	assert_int_equal(mkdirat(dir.fd, "root", 0700), 0);
	assert_int_equal(mkdirat(dir.fd, "root/etc", 0700), 0);
	tmpdir_write(&dir, "config.json", "{\"process\":{},\"root\":{\"path\":\"root\"}}");
	tmpdir_write(&dir, "root/etc/passwd", "root:x:0:0::/:/bin/sh\nwww:x:33:34::/:/bin/sh\n");
	tmpdir_write(&dir, "root/etc/group", "staff:x:50:root,www\nwww:x:34:www\n");
	if (exec_spec(dir.path, &wish, &out, &e) < 0)
		assert_string_equal(e.msg, wanted);
	else
		assert_string_equal(strstr(buf_text(&out), "\"user\":"), wanted);
	tmpdir_close(&dir);
}

TEST(a_user_is_a_number_or_one_of_the_rootfs)
{
	expect_user("7", "\"user\":{\"uid\":7,\"gid\":0}}");
	expect_user("7:8", "\"user\":{\"uid\":7,\"gid\":8}}");
	expect_user("4294967294:0", "\"user\":{\"uid\":4294967294,\"gid\":0}}");
	expect_user("33", "\"user\":{\"uid\":33,\"gid\":34,\"additionalGids\":[50]}}");
	expect_user("www", "\"user\":{\"uid\":33,\"gid\":34,\"additionalGids\":[50]}}");
	expect_user("www:staff", "\"user\":{\"uid\":33,\"gid\":50}}");
	expect_user("7:staff", "\"user\":{\"uid\":7,\"gid\":50}}");
	/* 2^32 - 1 is "no id" to the kernel. */
	expect_user(
		"4294967295", "--user: there is no user '4294967295' in the rootfs's /etc/passwd");
	expect_user("-1", "--user: there is no user '-1' in the rootfs's /etc/passwd");
	expect_user("0x1", "--user: there is no user '0x1' in the rootfs's /etc/passwd");
	expect_user("1:2:3", "--user: there is no group '2:3' in the rootfs's /etc/group");
	expect_user("", "--user : USER or USER:GROUP is taken, names or numbers");
	expect_user("1:", "--user 1:: USER or USER:GROUP is taken, names or numbers");
	expect_user(":1", "--user :1: USER or USER:GROUP is taken, names or numbers");
}

/* The container may have made it, and opening a FIFO waits for who writes. */
TEST(a_passwd_that_is_no_file_or_a_huge_one_is_not_read)
{
	const struct exec_wish wish = { .command = command, .env = &env, .user = "www" };
	const struct exec_wish by_number = { .command = command, .env = &env, .user = "33" };
	auto_buf struct buf out = BUF_INIT(64 * 1024);
	struct err e = ERR_INIT;
	struct tmpdir dir;
	auto_fd int fd = -1;

	tmpdir_open(&dir);
	assert_int_equal(mkdirat(dir.fd, "rootfs", 0700), 0);
	assert_int_equal(mkdirat(dir.fd, "rootfs/etc", 0700), 0);
	tmpdir_write(&dir, "config.json", "{\"process\":{}}");
	assert_int_equal(mkfifoat(dir.fd, "rootfs/etc/passwd", 0600), 0);
	assert_int_equal(exec_spec(dir.path, &wish, &out, &e), -1);
	assert_non_null(strstr(e.msg, "--user: etc/passwd in "));
	assert_int_equal(exec_spec(dir.path, &by_number, &out, &e), 0);
	assert_non_null(strstr(e.msg, " is no file of at most 4194304 bytes"));
	assert_int_equal(unlinkat(dir.fd, "rootfs/etc/passwd", 0), 0);
	fd = openat(dir.fd, "rootfs/etc/passwd", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, USER_FILE_MAX + 1), 0);
	e = ERR_INIT;
	assert_int_equal(exec_spec(dir.path, &wish, &out, &e), -1);
	assert_non_null(strstr(e.msg, " is no file of at most 4194304 bytes"));
	tmpdir_close(&dir);
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
