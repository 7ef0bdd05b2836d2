/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/args.h"

#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16

/* @words ends in NULL; argv[0] is not among them. */
static int parse(struct args *a, struct err *e, const char *const *words)
{
	static char copy[WORDS_MAX][128];
	static char *argv[WORDS_MAX + 1];
	int argc = 1;

	argv[0] = copy[0];
	strcpy(copy[0], "shim");
	for (; words[argc - 1]; argc++) {
		strcpy(copy[argc], words[argc - 1]);
		argv[argc] = copy[argc];
	}
	argv[argc] = NULL;
	*e = ERR_INIT;
	return args_parse(a, argc, argv, e);
}

#define PARSE(a, e, ...) parse(a, e, (const char *const[]){ __VA_ARGS__, NULL })

TEST(values_come_behind_a_space_or_an_equals_sign_and_dashes_by_one_or_two)
{
	static const char *const ways[][3] = {
		{ "-id", "c1", NULL },
		{ "--id", "c1", NULL },
		{ "-id=c1", NULL, NULL },
		{ "--id=c1", NULL, NULL },
	};
	struct args a;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		assert_int_equal(parse(&a, &e, ways[i]), 0);
		assert_string_equal(a.id, "c1");
		assert_int_equal(a.action, ACTION_SERVE);
	}
}

TEST(what_containerd_passes_is_understood)
{
	struct args a;
	struct err e;

	assert_int_equal(
		PARSE(&a, &e, "-namespace", "k8s.io", "-address", "/run/c.sock", "-publish-binary",
			"/usr/bin/containerd", "-id", "c1", "-bundle", "/b", "-debug", "delete"),
		0);
	assert_string_equal(a.ns, "k8s.io");
	assert_string_equal(a.address, "/run/c.sock");
	assert_string_equal(a.id, "c1");
	assert_string_equal(a.socket, "");
	assert_true(a.debug);
	assert_int_equal(a.action, ACTION_DELETE);
	assert_int_equal(args_check(&a, &e), 0);
}

TEST(a_value_may_be_empty_or_hold_an_equals_sign_or_look_like_a_flag)
{
	struct args a;
	struct err e;

	assert_int_equal(
		PARSE(&a, &e, "-id=", "-address=/a=b", "-namespace", "-debug", "start"), 0);
	assert_string_equal(a.id, "");
	assert_string_equal(a.address, "/a=b");
	assert_string_equal(a.ns, "-debug");
	assert_false(a.debug);
	assert_int_equal(a.action, ACTION_START);
}

TEST(a_bool_takes_no_word_of_its_own)
{
	struct args a;
	struct err e;

	assert_int_equal(PARSE(&a, &e, "-debug", "start"), 0);
	assert_true(a.debug);
	assert_int_equal(a.action, ACTION_START);
	assert_int_equal(PARSE(&a, &e, "-debug=false", "-v=1", "-info=T", "-help=TRUE"), 0);
	assert_false(a.debug);
	assert_true(a.version);
	assert_true(a.info);
	assert_true(a.help);
	assert_int_equal(PARSE(&a, &e, "-debug", "-debug=F"), 0);
	assert_false(a.debug);
	assert_int_equal(PARSE(&a, &e, "-debug", "false"), 0); /* that is the action */
	assert_true(a.debug);
	assert_int_equal(a.action, ACTION_SERVE);
}

TEST(both_names_of_a_flag_are_known)
{
	struct args a;
	struct err e;

	assert_int_equal(PARSE(&a, &e, "-version", "-h"), 0);
	assert_true(a.version);
	assert_true(a.help);
}

static void expect_refused(const char *flag, const char *words)
{
	struct args a = { .id = "untouched" };
	struct err e;

	assert_int_equal(PARSE(&a, &e, flag), -1);
	assert_string_equal(e.msg, words);
	assert_int_equal(e.status, STATUS_INVALID_ARGUMENT);
	assert_string_equal(a.id, "untouched");
}

TEST(what_is_no_flag_or_has_no_value_is_refused_in_gos_words)
{
	expect_refused("-frobnicate", "flag provided but not defined: -frobnicate");
	expect_refused("-i", "flag provided but not defined: -i");
	expect_refused("-idx", "flag provided but not defined: -idx");
	expect_refused("-id", "flag needs an argument: -id");
	expect_refused("-debug=maybe", "invalid boolean value in -debug=maybe");
	expect_refused("-debug=", "invalid boolean value in -debug=");
}

TEST(the_first_word_that_is_no_flag_is_the_action_and_ends_the_flags)
{
	struct args a;
	struct err e;

	assert_int_equal(PARSE(&a, &e, "start", "-frobnicate"), 0);
	assert_int_equal(a.action, ACTION_START);
	assert_int_equal(PARSE(&a, &e, "--", "delete"), 0);
	assert_int_equal(a.action, ACTION_DELETE);
	assert_int_equal(PARSE(&a, &e, "-", "delete"), 0);
	assert_int_equal(a.action, ACTION_SERVE);
	assert_int_equal(PARSE(&a, &e, "dance"), 0);
	assert_int_equal(a.action, ACTION_SERVE);
	assert_int_equal(PARSE(&a, &e, ""), 0);
	assert_int_equal(a.action, ACTION_SERVE);
}

TEST(the_environment_says_where_events_go_and_what_containerd_understands)
{
	struct args a;
	struct err e;

	unsetenv("TTRPC_ADDRESS");
	unsetenv("MAX_SHIM_VERSION");
	unsetenv("SCHED_CORE");
	assert_int_equal(PARSE(&a, &e, "start"), 0);
	assert_string_equal(a.ttrpc_address, "");
	assert_false(a.knows_json);
	assert_false(a.sched_core);
	setenv("TTRPC_ADDRESS", "/run/c.ttrpc", 1);
	setenv("MAX_SHIM_VERSION", "2", 1);
	setenv("SCHED_CORE", "1", 1);
	assert_int_equal(PARSE(&a, &e, "start"), 0);
	assert_string_equal(a.ttrpc_address, "/run/c.ttrpc");
	assert_true(a.knows_json);
	assert_true(a.sched_core);
}

static void check_says(const char *ns, const char *id, enum action action, const char *words)
{
	struct args a = { .ns = ns, .id = id, .action = action };
	struct err e = ERR_INIT;

	assert_int_equal(args_check(&a, &e), words ? -1 : 0);
	assert_string_equal(e.msg, words ? words : "");
}

TEST(a_namespace_is_always_needed_and_an_id_by_start_and_delete)
{
	check_says("default", "c1", ACTION_START, NULL);
	check_says("default", "", ACTION_SERVE, NULL);
	check_says("", "c1", ACTION_START, "shim namespace cannot be empty");
	check_says("a/b", "c1", ACTION_START, "namespace 'a/b' is not legal");
	check_says("default", "", ACTION_START, "container id '' is not legal");
	check_says("default", "", ACTION_DELETE, "container id '' is not legal");
	check_says("default", "../x", ACTION_SERVE, "container id '../x' is not legal");
}
