/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/runtime_options.h"
#include "tests/lib/test.h"

#include <string.h>

static int parse(struct runtime_options *o, const char *text, struct err *e)
{
	*e = ERR_INIT;
	return runtime_options_parse(o, text, strlen(text), e);
}

static void refuses(const char *text, const char *words)
{
	struct runtime_options o;
	struct err e;

	assert_int_equal(parse(&o, text, &e), -1);
	assert_int_equal(e.status, STATUS_INVALID_ARGUMENT);
	if (!strstr(e.msg, words))
		fail_msg("no '%s' in '%s'", words, e.msg);
}

TEST(every_key_of_config_toml_is_applied)
{
	struct runtime_options o;
	struct err e;

	assert_int_equal(parse(&o,
				 "BinaryName = \"/usr/bin/crun\"\n"
				 "CriuImagePath = \"\"\nCriuWorkPath = '/w'\n"
				 "IoGid = 1000\nIoUid=4294967295\n"
				 "NoNewKeyring = true\n\tNoPivotRoot = false # as it is\n"
				 "\n# a comment\nRoot = \"/a \\\"b\\\"\"\r\n"
				 "ShimCgroup = \"/pod\"\nSystemdCgroup = true",
				 &e),
		0);
	assert_string_equal(o.options.binary, "/usr/bin/crun");
	assert_string_equal(o.options.criu_image_path, "");
	assert_string_equal(o.options.criu_work_path, "/w");
	assert_string_equal(o.options.root, "/a \"b\"");
	assert_string_equal(o.options.shim_cgroup, "/pod");
	assert_int_equal(o.options.io_gid, 1000);
	assert_true(o.options.io_uid == UINT32_MAX);
	assert_true(o.options.no_new_keyring);
	assert_false(o.options.no_pivot);
	assert_true(o.options.systemd_cgroup);
	runtime_options_fini(&o);
}

TEST(a_key_given_twice_counts_as_the_last_one)
{
	struct runtime_options o;
	struct err e;

	assert_int_equal(parse(&o, "Root = \"/a\"\nRoot = \"/b\"\n", &e), 0);
	assert_string_equal(o.options.root, "/b");
	runtime_options_fini(&o);
}

TEST(nothing_is_no_options)
{
	struct runtime_options o;
	struct err e;

	assert_int_equal(parse(&o, "", &e), 0);
	assert_null(o.options.binary);
	assert_false(o.options.systemd_cgroup);
	assert_int_equal(
		runtime_options_parse(&o, NULL, 0, &e), 0); /* as an empty field of a message is */
}

TEST(what_we_do_not_know_is_refused_by_name)
{
	refuses("Root = \"/a\"\nSystemdCGroup = true\n", "line 2: unknown key 'SystemdCGroup'");
	refuses("[options]\nRoot = \"/a\"\n", "line 1: a table");
	refuses("Root = 1\n", "a string was expected");
	refuses("Root \"/a\"\n", "'=' was expected");
	refuses("Root = \"/a\n", "a string without an end");
	refuses("Root = \"\\u0041\"\n", "an escape");
	refuses("Root = \"/a\" 1\n", "more than a key and a value");
	refuses("SystemdCgroup = yes\n", "true or false");
	refuses("IoUid = -1\n", "a number was expected");
	refuses("IoUid = 4294967296\n", "too large");
	refuses("Root = \"", "without an end");
	refuses("Root = \"\\", "an escape");
	refuses("Root", "'=' was expected");
}
