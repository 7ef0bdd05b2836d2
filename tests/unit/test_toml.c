/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "shim/ctl/toml.h"
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

/* As JSON, or what is wrong with it. */
static void expect(const char *toml, const char *wanted)
{
	auto_json json_t *root = NULL;
	struct err e = ERR_INIT;
	char *got = NULL;

	if (toml_parse(toml, strlen(toml), &root, &e) < 0) {
		assert_null(root);
		assert_string_equal(e.msg, wanted);
		return;
	}
	got = json_dumps(root, JSON_COMPACT);
	assert_string_equal(got, wanted);
	free(got);
}

TEST(tables_nest_by_dots_and_quotes_keep_dots_in_a_name)
{
	expect("", "{}");
	expect("a = 1\n[b]\nc = true\n[b.\"d.e\".f]\ng = false\n",
		"{\"a\":\"1\",\"b\":{\"c\":true,\"d.e\":{\"f\":{\"g\":false}}}}");
	expect("[ a . 'b' ]\nx.y = \"z\"", "{\"a\":{\"b\":{\"x\":{\"y\":\"z\"}}}}");
	expect("[a]\nx = 'one'\n[b]\n[a]\ny = 'two'\n",
		"{\"a\":{\"x\":\"one\",\"y\":\"two\"},\"b\":{}}");
	expect("[[a]]\nx = 1\n[[a]]\nx = 2\n", "{\"a\":{\"x\":\"2\"}}");
}

TEST(comments_and_blanks_are_nothing_and_in_a_string_they_are_text)
{
	expect("# [x]\r\n  a = \"#\" # y\r\n\n\tb = '\"\\'#\n", "{\"a\":\"#\",\"b\":\"\\\"\\\\\"}");
	expect("a = \"say \\\"x\\\"\"", "{\"a\":\"say \\\"x\\\"\"}");
}

TEST(lists_are_passed_over_whatever_is_in_them)
{
	expect("a = [\n  \"]\", # ]\n  [1], {b = \"}\"} ]\nc = 1\n",
		"{\"a\":\"[\\n  \\\"]\\\", # ]\\n  [1], {b = \\\"}\\\"} ]\",\"c\":\"1\"}");
}

TEST(a_table_may_be_a_value)
{
	expect("a = {}\nb = { x = 1 , y.'z' = \"}, \", w = { v = true } } # c\nc = {a=[1, 2],}\n",
		"{\"a\":{},\"b\":{\"x\":\"1\",\"y\":{\"z\":\"}, \"},\"w\":{\"v\":true}},"
		"\"c\":{\"a\":\"[1, 2]\"}}");
	expect("a = {\n b = 1,\n # }\n c = 2\n}\nd = 3",
		"{\"a\":{\"b\":\"1\",\"c\":\"2\"},\"d\":\"3\"}");
	expect("a = { b = 1", "line 1: a table does not end");
	expect("a = { b = 1 c }\n", "{\"a\":{\"b\":\"1 c\"}}");
	expect("a = { b = 'x' c }", "line 1: a table does not end");
	expect("a = { b }", "line 1: '=' is missing");
	expect("a = { b = 1, b.c = 2 }", "line 1: a table has the name of a value");
}

TEST(tables_in_tables_have_a_bottom)
{
	char deep[4 * 1000 + 1];

	for (size_t i = 0; i < 1000; i++)
		memcpy(deep + 4 * i, "a={ ", 5);
	expect(deep, "line 1: tables are too deep");
}

TEST(what_is_wrong_is_told_with_its_line)
{
	expect("a = 1\nb\n", "line 2: '=' is missing");
	expect("\n[a\n", "line 2: ']' is missing");
	expect("a = \"x\nb = 1", "line 1: a string does not end");
	expect("a = [1,\n2\n", "line 3: a list does not end");
	expect("a = 1\n[a.b]", "line 2: a table has the name of a value");
	expect("a = 1\n[a]", "line 2: a table has the name of a value");
	expect("= 1", "line 1: a name is missing");
	expect("[]", "line 1: a name is missing");
	expect("a = \"\xff\"", "line 1: a value is not valid UTF-8");
}
