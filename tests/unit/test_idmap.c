/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/idmap.h"

#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

static void expect_map(const char *text, const char *wanted)
{
	auto_buf struct buf map = BUF_INIT(IDMAP_TEXT_MAX);
	struct err e = ERR_INIT;

	if (idmap_parse(text, &map, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_text(&map), wanted);
}

static void expect_refused(const char *text, const char *words)
{
	auto_buf struct buf map = BUF_INIT(IDMAP_TEXT_MAX);
	struct err e = ERR_INIT;

	if (idmap_parse(text, &map, &e) == 0)
		fail_msg("'%s' was taken", text);
	if (!strstr(e.msg, words))
		fail_msg("no '%s' in '%s'", words, e.msg);
	assert_int_equal(e.status, STATUS_INVALID_ARGUMENT);
}

TEST(a_map_is_written_as_the_kernel_reads_it)
{
	expect_map("0:1000:65536", "0 1000 65536\n");
	expect_map("0:1000:1,5:0:4,9:9:9", "0 1000 1\n5 0 4\n9 9 9\n");
	expect_map("00:007:010", "0 7 10\n");
	expect_map("0:4294967294:1", "0 4294967294 1\n");
	expect_map("0:0:4294967295", "0 0 4294967295\n");
}

TEST(anything_but_three_decimal_numbers_is_refused)
{
	static const char *const bad[] = { "", ":", "::", "0", "0:1", "0:1:", ":1:2", "0::2",
		"0:1:2:3", "0:1:2,", ",0:1:2", "0:1:2,,3:4:5", "-1:0:1", "+1:0:1", " 1:0:1",
		"1:0:1 ", "1:0:0x10", "a:b:c", "1.0:0:1", "0:1:2\n", "0 1 2", "0:1:99999999999",
		"18446744073709551616:0:1" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect_refused(bad[i], "is not container:host:size, three decimal numbers");
	expect_refused("0:1:2,3:4:x", "range 2 is not");
}

TEST(a_range_is_neither_empty_nor_reaches_beyond_the_last_id)
{
	expect_refused("0:0:0", "range 1 is empty or reaches beyond the last id");
	expect_refused("0:4294967295:1", "beyond the last id");
	expect_refused("4294967295:0:1", "beyond the last id");
	expect_refused("1:0:4294967295", "beyond the last id");
	expect_refused("0:0:9999999999", "beyond the last id");
}

static const char *many(char *text, size_t room, int n)
{
	size_t at = 0;

	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, room - at, "%s%d:%d:1", i ? "," : "", i, i);
	return text;
}

TEST(there_may_be_as_many_ranges_as_the_kernel_takes)
{
	auto_buf struct buf map = BUF_INIT(IDMAP_TEXT_MAX);
	struct err e = ERR_INIT;
	char text[8192];

	assert_int_equal(idmap_parse(many(text, sizeof(text), IDMAP_EXTENTS_MAX), &map, &e), 0);
	expect_refused(many(text, sizeof(text), IDMAP_EXTENTS_MAX + 1), "more than 340 ranges");
}

TEST(the_text_is_no_longer_than_one_write_of_the_kernel)
{
	char text[8192];
	size_t at = 0;

	for (int i = 0; i < 200; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d:%d:1000000",
			i ? "," : "", 1000000000 + i, 1000000000 + i);
	expect_refused(text, "more text than the kernel takes");
}
