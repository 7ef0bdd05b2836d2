/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/frame.h"

static void put_u32(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 24);
	at[1] = (uint8_t)(v >> 16);
	at[2] = (uint8_t)(v >> 8);
	at[3] = (uint8_t)v;
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void frame_encode(const struct frame *f, uint8_t ret_header[FRAME_HEADER_LEN])
{
	put_u32(ret_header, f->len);
	put_u32(ret_header + 4, f->stream);
	ret_header[8] = f->type;
	ret_header[9] = f->flags;
}

void frame_decode(const uint8_t header[FRAME_HEADER_LEN], struct frame *ret_frame)
{
	*ret_frame = (struct frame){
		.len = get_u32(header),
		.stream = get_u32(header + 4),
		.type = header[8],
		.flags = header[9],
	};
}
