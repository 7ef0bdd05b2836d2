/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "shim/toml.h"
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
		"{\"a\":1,\"b\":{\"c\":true,\"d.e\":{\"f\":{\"g\":false}}}}");
	expect("[ a . 'b' ]\nx.y = \"z\"", "{\"a\":{\"b\":{\"x\":{\"y\":\"z\"}}}}");
	expect("[a]\nx = 'one'\n[b]\n[a]\ny = 'two'\n",
		"{\"a\":{\"x\":\"one\",\"y\":\"two\"},\"b\":{}}");
	expect("[[a]]\nx = 1\n[a.b]\nc = 2\n[[a]]\nx = 2\n",
		"{\"a\":[{\"x\":1,\"b\":{\"c\":2}},{\"x\":2}]}");
}

TEST(comments_and_blanks_are_nothing_and_in_a_string_they_are_text)
{
	expect("# [x]\r\n  a = \"#\" # y\r\n\n\tb = '\"\\'#\n", "{\"a\":\"#\",\"b\":\"\\\"\\\\\"}");
	expect("a = \"say \\\"x\\\"\"", "{\"a\":\"say \\\"x\\\"\"}");
	expect("[a] # b\nc = 1 # d", "{\"a\":{\"c\":1}}");
}

TEST(escapes_are_what_they_stand_for)
{
	expect("a = \"\\b\\t\\n\\f\\r\\\"\\\\\"", "{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\\"}");
	expect("a = \"\\u0041\\u00e9\\u20ac\\U0001F600\"",
		"{\"a\":\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}");
	expect("a = \"\\x41\"", "line 1: an escape that TOML does not have");
	expect("a = \"\\u0000\"", "line 1: an escape that is no character");
	expect("a = \"\\ud800\"", "line 1: an escape that is no character");
	expect("a = \"\\U00110000\"", "line 1: an escape that is no character");
	expect("a = \"\\u12\"", "line 1: an escape that does not end");
	expect("a = \"\\u12x4\"", "line 1: an escape that is no character");
}

TEST(a_string_of_three_quotes_may_have_lines)
{
	expect("a = \"\"\"\none\n  \"two\" \\\n\n   three\"\"\"\nb = 1",
		"{\"a\":\"one\\n  \\\"two\\\" three\",\"b\":1}");
	expect("a = '''\\\n''''\nb = \"\"\n", "{\"a\":\"\\\\\\n'\",\"b\":\"\"}");
	expect("a = \"\"\"x\n\"\"\nb = 1\n", "line 4: a string does not end");
	expect("\"\"\"a\"\"\" = 1", "line 1: '=' is missing");
}

TEST(whole_numbers_are_numbers_and_others_their_text)
{
	expect("a = 7\nb = -1_000\nc = +9223372036854775807\nd = 9223372036854775808\ne = 0x1f\n"
	       "f = 6.5e3\ng = 1979-05-27T07:32:00Z\nh = -inf\n",
		"{\"a\":7,\"b\":-1000,\"c\":9223372036854775807,\"d\":\"9223372036854775808\","
		"\"e\":31,\"f\":\"6.5e3\",\"g\":\"1979-05-27T07:32:00Z\",\"h\":\"-inf\"}");
	expect("a = 0o17\nb = 0b11\nc = 0x\nd = 0x_ff\ne = 00\nf = 0",
		"{\"a\":15,\"b\":3,\"c\":\"0x\",\"d\":255,\"e\":0,\"f\":0}");
	expect("a = yes", "line 1: a word without quotes is no value");
	expect("a = truely", "line 1: a word without quotes is no value");
	expect("a = -", "line 1: a number has no digits");
	expect("a =\nb = 1", "line 1: a value is missing");
}

TEST(lists_have_anything_in_them)
{
	expect("a = [\n  \"]\", # ]\n  [1], {b = \"}\"}, ]\nc = []\n",
		"{\"a\":[\"]\",[1],{\"b\":\"}\"}],\"c\":[]}");
	expect("a = [1 2]", "line 1: a list does not end");
}

TEST(a_table_may_be_a_value)
{
	expect("a = {}\nb = { x = 1 , y.'z' = \"}, \", w = { v = true } } # c\nc = {a=[1, 2],}\n",
		"{\"a\":{},\"b\":{\"x\":1,\"y\":{\"z\":\"}, \"},\"w\":{\"v\":true}},"
		"\"c\":{\"a\":[1,2]}}");
	expect("a = {\n b = 1,\n # }\n c = 2\n}\nd = 3", "{\"a\":{\"b\":1,\"c\":2},\"d\":3}");
	expect("a = { b = 1", "line 1: a table does not end");
	expect("a = { b = 1 c }\n", "line 1: a table does not end");
	expect("a = { b = 'x' c }", "line 1: a table does not end");
	expect("a = { b }", "line 1: '=' is missing");
	expect("a = { b = 1, b.c = 2 }", "line 1: a table has the name of a value");
}

TEST(values_in_values_have_a_bottom)
{
	char deep[4 * 1000 + 1];

	for (size_t i = 0; i < 1000; i++)
		memcpy(deep + 4 * i, "a={ ", 5);
	expect(deep, "line 1: values are too deep");
	for (size_t i = 0; i < 1000; i++)
		memcpy(deep + 4 * i, i ? "[ [ " : "a=[ ", 5);
	expect(deep, "line 1: values are too deep");
	for (size_t i = 0; i < 1000; i++)
		memcpy(deep + 4 * i, "a.b.", 5);
	expect(deep, "line 1: values are too deep");
	memcpy(deep, "[ab.", 4);
	expect(deep, "line 1: values are too deep");
}

TEST(what_is_wrong_is_told_with_its_line)
{
	expect("a = 1\nb\n", "line 2: '=' is missing");
	expect("\n[a\n", "line 2: ']' is missing");
	expect("[[a]\n", "line 1: ']' is missing");
	expect("[a] b\n", "line 1: more than a key and a value");
	expect("a = \"x\nb = 1", "line 1: a string does not end");
	expect("a = 'x' 1", "line 1: more than a key and a value");
	expect("a = [1,\n2\n", "line 3: a list does not end");
	expect("a = 1\n[a.b]", "line 2: a table has the name of a value");
	expect("a = 1\n[a]", "line 2: a table has the name of a value");
	expect("a = 1\n[[a]]", "line 2: a list has the name of another value");
	expect("a = 1\na = 2", "line 2: 'a' is there twice");
	expect("= 1", "line 1: a name is missing");
	expect("[]", "line 1: a name is missing");
	expect("a = \"\xff\"", "line 1: a value is not valid UTF-8");
	expect("\"\xff\" = 1", "line 1: a name is not valid UTF-8");
}

TEST(a_string_has_a_longest)
{
	size_t n = TOML_STRING_MAX + 8;
	char *text = malloc(n + 1);

	memset(text, 'x', n);
	memcpy(text, "a = '", 5);
	text[n] = '\0';
	expect(text, "line 1: a string is too long");
	memset(text + 4, '1', n - 4);
	expect(text, "line 1: a word is too long");
	free(text);
}

TEST(a_string_has_no_nul_in_it)
{
	static const char text[] = "a = \"\0\"";
	json_t *root = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(toml_parse(text, sizeof(text) - 1, &root, &e), -1);
	assert_string_equal(e.msg, "line 1: a string with a NUL in it");
}
