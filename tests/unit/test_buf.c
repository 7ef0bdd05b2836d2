/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

TEST(an_unused_buffer_has_no_memory)
{
	auto_buf struct buf b = BUF_INIT(10);

	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_add(&b, "", 0), 0);
	assert_null(b.data);
}

TEST(bytes_are_kept_in_order)
{
	auto_buf struct buf b = BUF_INIT(10);

	assert_int_equal(buf_add(&b, "abc", 3), 0);
	assert_int_equal(buf_add(&b, "de", 2), 0);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "abcde", 5);
}

TEST(it_is_full_at_the_ceiling_and_not_before)
{
	auto_buf struct buf b = BUF_INIT(4);

	assert_int_equal(buf_add(&b, "abcd", 4), 0);
	assert_int_equal(buf_add(&b, "e", 1), -ENOBUFS);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "abcd", 4);
}

TEST(what_does_not_fit_is_not_added_in_part)
{
	auto_buf struct buf b = BUF_INIT(4);

	assert_int_equal(buf_add(&b, "ab", 2), 0);
	assert_int_equal(buf_add(&b, "cde", 3), -ENOBUFS);
	assert_int_equal(buf_printf(&b, "%d", 123), -ENOBUFS);
	assert_string_equal(buf_text(&b), "ab");
}

TEST(a_length_that_would_wrap_around_is_refused)
{
	auto_buf struct buf b = BUF_INIT(4);
	uint8_t *at;

	assert_int_equal(buf_add(&b, "abc", 3), 0);
	assert_int_equal(buf_add(&b, "x", SIZE_MAX - 1), -ENOBUFS);
	assert_int_equal(buf_reserve(&b, SIZE_MAX, &at), -ENOBUFS);
	assert_int_equal(b.len, 3);
}

TEST(it_grows_far_beyond_its_first_room)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	uint8_t chunk[1000];

	for (int i = 0; i < 1000; i++) {
		memset(chunk, i & 0xff, sizeof(chunk));
		assert_int_equal(buf_add(&b, chunk, sizeof(chunk)), 0);
	}
	assert_int_equal(b.len, 1000000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(b.data[i * 1000 + 999], i & 0xff);
}

TEST(printf_appends_text)
{
	auto_buf struct buf b = BUF_INIT(1000);

	assert_int_equal(buf_printf(&b, "%s=%d ", "pid", 12), 0);
	assert_int_equal(buf_printf(&b, "%s", ""), 0);
	assert_int_equal(buf_printf(&b, "%0400d", 7), 0);
	assert_int_equal(b.len, 407);
	assert_int_equal(strncmp(buf_text(&b), "pid=12 000", 10), 0);
	assert_int_equal(b.data[406], '7');
}

TEST(printf_may_fill_it_to_the_last_byte)
{
	auto_buf struct buf b = BUF_INIT(3);

	assert_int_equal(buf_printf(&b, "%d", 123), 0);
	assert_string_equal(buf_text(&b), "123");
}

TEST(reserved_room_is_where_the_next_bytes_go)
{
	auto_buf struct buf b = BUF_INIT(600);
	uint8_t *at;

	assert_int_equal(buf_add(&b, "ab", 2), 0);
	assert_int_equal(buf_reserve(&b, 598, &at), 0);
	memset(at, 'c', 598);
	buf_grew(&b, 598);
	assert_int_equal(b.len, 600);
	assert_memory_equal(b.data, "abcc", 4);
	assert_int_equal(b.data[599], 'c');
	assert_int_equal(buf_reserve(&b, 1, &at), -ENOBUFS);
}

TEST(a_buffer_whose_block_is_full_grows_for_the_nul)
{
	auto_buf struct buf b = BUF_INIT(600);
	uint8_t *at;

	assert_int_equal(buf_add(&b, "a", 1), 0);
	assert_int_equal(buf_reserve(&b, b.room - 1, &at), 0);
	assert_true(b.room > 256);
}

TEST(reserving_without_using_changes_nothing)
{
	auto_buf struct buf b = BUF_INIT(10);
	uint8_t *at;

	assert_int_equal(buf_reserve(&b, 10, &at), 0);
	buf_grew(&b, 0);
	assert_int_equal(b.len, 0);
}

TEST(consuming_drops_bytes_from_the_front)
{
	auto_buf struct buf b = BUF_INIT(10);

	assert_int_equal(buf_add(&b, "abcdef", 6), 0);
	buf_consume(&b, 0);
	buf_consume(&b, 2);
	assert_string_equal(buf_text(&b), "cdef");
	buf_consume(&b, 4);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_add(&b, "0123456789", 10), 0);
}

TEST(text_ends_in_a_nul_even_of_a_full_buffer_and_is_not_counted)
{
	auto_buf struct buf b = BUF_INIT(256);
	char full[256];

	memset(full, 'x', sizeof(full));
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_add(&b, full, sizeof(full)), 0);
	assert_int_equal(strlen(buf_text(&b)), sizeof(full));
	assert_int_equal(b.len, sizeof(full));
}

TEST(after_fini_it_is_empty_and_may_be_used_again_with_the_same_ceiling)
{
	auto_buf struct buf b = BUF_INIT(3);

	assert_int_equal(buf_add(&b, "abc", 3), 0);
	buf_fini(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_add(&b, "xyzz", 4), -ENOBUFS);
	assert_int_equal(buf_add(&b, "xyz", 3), 0);
	buf_fini(&b);
	buf_fini(&b);
}
