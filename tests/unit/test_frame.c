/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/frame.h"

#include "tests/lib/test.h"

TEST(a_header_is_ten_bytes_big_endian)
{
	const uint8_t expected[FRAME_HEADER_LEN] = { 0x00, 0x40, 0x00, 0x01, 0x80, 0x02, 0x03, 0x04,
		0x02, 0x05 };
	struct frame f = { .len = 0x400001,
		.stream = 0x80020304,
		.type = FRAME_RESPONSE,
		.flags = FRAME_REMOTE_CLOSED | FRAME_NO_DATA };
	uint8_t header[FRAME_HEADER_LEN];

	frame_encode(&f, header);
	assert_memory_equal(header, expected, sizeof(expected));
}

TEST(decoding_undoes_encoding)
{
	struct frame f = { .len = UINT32_MAX, .stream = 0x01020304, .type = 0xff, .flags = 0x80 };
	uint8_t header[FRAME_HEADER_LEN];
	struct frame again;

	frame_encode(&f, header);
	frame_decode(header, &again);
	assert_int_equal(again.len, f.len);
	assert_int_equal(again.stream, f.stream);
	assert_int_equal(again.type, f.type);
	assert_int_equal(again.flags, f.flags);
}

TEST(four_mebibytes_are_not_too_long_and_one_byte_more_is)
{
	struct frame f = { .len = 4 * 1024 * 1024 };

	assert_false(frame_is_oversize(&f));
	f.len++;
	assert_true(frame_is_oversize(&f));
}
