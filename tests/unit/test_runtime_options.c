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
	refuses("Root = \"/a\"\nSystemdCGroup = true\n",
		"runtime options: unknown key 'SystemdCGroup'");
	refuses("[options]\nRoot = \"/a\"\n", "unknown key 'options'");
	refuses("Root = \"/a\"\nRoot = \"/b\"\n", "runtime options: line 2: 'Root' is there twice");
	refuses("Root = 1\n", "Root: a string was expected");
	refuses("Root \"/a\"\n", "'=' is missing");
	refuses("SystemdCgroup = 'yes'\n", "SystemdCgroup: true or false was expected");
	refuses("IoUid = -1\n", "IoUid: a number from 0 to 4294967295 was expected");
	refuses("IoUid = 4294967296\n", "IoUid: a number from 0 to 4294967295 was expected");
	refuses("IoUid = '1'\n", "IoUid: a number from 0 to 4294967295 was expected");
	refuses("Root = \"", "a string does not end");
}

TEST(a_string_that_is_too_long_is_refused_by_name)
{
	char text[RUNTIME_OPTIONS_STRING_MAX + 16];
	struct runtime_options o;
	struct err e;

	memset(text, 'x', sizeof(text));
	memcpy(text, "Root = '", 8);
	text[8 + RUNTIME_OPTIONS_STRING_MAX] = '\'';
	text[8 + RUNTIME_OPTIONS_STRING_MAX + 1] = '\0';
	assert_int_equal(parse(&o, text, &e), 0);
	runtime_options_fini(&o);
	text[8 + RUNTIME_OPTIONS_STRING_MAX] = 'x';
	text[8 + RUNTIME_OPTIONS_STRING_MAX + 1] = '\'';
	text[8 + RUNTIME_OPTIONS_STRING_MAX + 2] = '\0';
	refuses(text, "Root: is too long");
}
