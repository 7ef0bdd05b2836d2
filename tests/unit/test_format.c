/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/format.h"
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

TEST(bytes_have_the_largest_unit_that_leaves_a_digit)
{
	char s[FORMAT_MAX];

	assert_string_equal(format_bytes(0, s), "0B");
	assert_string_equal(format_bytes(1023, s), "1023B");
	assert_string_equal(format_bytes(1024, s), "1.0KiB");
	assert_string_equal(format_bytes(1536, s), "1.5KiB");
	assert_string_equal(format_bytes((1 << 20) - 1, s), "1.0MiB");
	assert_string_equal(format_bytes(UINT64_MAX - 1, s), "16.0EiB");
	assert_string_equal(format_bytes(UINT64_MAX, s), "-");
}

TEST(an_age_has_two_digits_or_three)
{
	char s[FORMAT_MAX];

	assert_string_equal(format_age(-1, s), "-");
	assert_string_equal(format_age(0, s), "0s");
	assert_string_equal(format_age(119, s), "119s");
	assert_string_equal(format_age(120, s), "2m");
	assert_string_equal(format_age(7199, s), "119m");
	assert_string_equal(format_age(7200, s), "2h");
	assert_string_equal(format_age(48 * 3600, s), "2d");
}

/* The table as text; the caller frees it. */
static char *print(const struct table *t, size_t width)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	table_print(t, to, width);
	fclose(to);
	return text;
}

static void expect(const struct table *t, size_t width, const char *wanted)
{
	char *got = print(t, width);

	assert_string_equal(got, wanted);
	free(got);
}

TEST(each_column_is_as_wide_as_it_must_be)
{
	struct table t = { .columns = 2 };
	const char *const cells[] = { "A", "B", "long one", "x", "y", "z" };

	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		assert_int_equal(table_add(&t, "%s", cells[i]), 0);
	expect(&t, 0, "A         B\nlong one  x\ny         z\n");
	expect(&t, 5, "A    \nlong \ny    \n");
	table_fini(&t);
}

TEST(a_name_cannot_speak_to_the_terminal)
{
	struct table t = { .columns = 1 };

	assert_int_equal(table_add(&t, "a\033[2Jb\nc\x7f"), 0);
	expect(&t, 0, "a?[2Jb?c?\n");
	table_fini(&t);
}

TEST(what_a_terminal_obeys_is_tamed)
{
	char text[] = "a\tb\n\033[2J\x7f \xc2\x9b"
		      "1m \xc3\xa9 \xc2\xa9 \xc2";
	json_t *j =
		json_pack("{s:s, s:[s, i], s:{s:s}}", "a", "\033", "b", "x\ny", 1, "c", "d", "\a");
	char *got;

	assert_string_equal(format_tame(text), "a?b??[2J? ??1m \xc3\xa9 \xc2\xa9 \xc2");
	format_tame_json(j);
	got = json_dumps(j, JSON_COMPACT);
	assert_string_equal(got, "{\"a\":\"?\",\"b\":[\"x?y\",1],\"c\":{\"d\":\"?\"}}");
	free(got);
	json_decref(j);
}
