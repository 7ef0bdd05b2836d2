/* SPDX-License-Identifier: Apache-2.0 */

/*
 * shim/ctl/options: command lines of belayctl. What it complains of goes to standard error, and is
 * tried in tests/root/failures.sh.
 */

#include "shim/ctl/options.h"
#include "tests/lib/test.h"

#include <string.h>

struct args {
	bool all;
	const char *name;
	struct option_list list;
};

static const struct option_row rows[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct args, all), NULL, "all" },
	{ "name", 'n', OPTION_TEXT, offsetof(struct args, name), "NAME", "a name" },
	{ "list", 0, OPTION_LIST, offsetof(struct args, list), "WORD", "words" },
	OPTIONS_END,
};

static const struct command anywhere = {
	.name = "test", .synopsis = { "X" }, .rows = rows, .least = 1, .most = 2
};
static const struct command in_front = {
	.name = "test",
	.synopsis = { "X" },
	.rows = rows,
	.least = 1,
	.most = -1,
	.stops_at_operand = true,
};

/* Words up to NULL. Returns what options_parse() did. */
static int parse(const struct command *c, char **words, struct args *args, int *ret_first)
{
	int n = 0;

	while (words[n])
		n++;
	*args = (struct args){ 0 };
	return options_parse(c, n, words, args, ret_first);
}

TEST(options_may_stand_behind_operands_and_two_dashes_end_them)
{
	char *words[] = { "test", "one", "-a", "--list=x", "--list", "y", "--", "--name", NULL };
	struct args a;
	int first;

	assert_int_equal(parse(&anywhere, words, &a, &first), 0);
	assert_true(a.all);
	assert_int_equal(a.list.n, 2);
	assert_string_equal(a.list.word[1], "y");
	assert_null(a.name);
	assert_string_equal(words[first], "one");
	assert_string_equal(words[first + 1], "--name");
	assert_null(words[first + 2]);
}

TEST(what_follows_a_command_is_its_own)
{
	char *words[] = { "test", "-n", "me", "sh", "-a", "--list", NULL };
	struct args a;
	int first;

	assert_int_equal(parse(&in_front, words, &a, &first), 0);
	assert_false(a.all);
	assert_string_equal(a.name, "me");
	assert_string_equal(words[first], "sh");
	assert_string_equal(words[first + 1], "-a");
}

TEST(what_is_not_in_the_table_or_lacks_its_value_is_refused)
{
	char *no[][5] = {
		{ "test", "x", "--no", NULL },
		{ "test", "x", "-z", NULL },
		{ "test", "x", "--name", NULL },
		{ "test", "x", "-n", NULL },
		{ "test", "x", "--all=1", NULL },
		{ "test", "x", "y", "z", NULL },
		{ "test", NULL },
	};
	struct args a;
	int first;

	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (parse(&anywhere, no[i], &a, &first) != -1)
			fail_msg("%zu is taken", i);
}

TEST(help_is_given_whatever_else_is_there)
{
	char *words[] = { "test", "--help", NULL };
	struct args a;
	int first;

	assert_int_equal(parse(&anywhere, words, &a, &first), 1);
}

TEST(a_word_may_be_repeated_so_often_and_no_oftener)
{
	char *words[2 + OPTION_LIST_MAX + 2] = { "test", "x" };
	struct args a;
	int first;

	for (int i = 0; i < OPTION_LIST_MAX; i++)
		words[2 + i] = "--list=w";
	assert_int_equal(parse(&anywhere, words, &a, &first), 0);
	assert_int_equal(a.list.n, OPTION_LIST_MAX);
	for (int i = 1; i <= 1 + OPTION_LIST_MAX; i++) /* the operand has been moved to the end */
		words[i] = "--list=w";
	words[2 + OPTION_LIST_MAX] = "x";
	assert_int_equal(parse(&anywhere, words, &a, &first), -1);
}
