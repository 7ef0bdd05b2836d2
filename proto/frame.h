/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

/*
 * frame.h - the ten bytes in front of everything ttrpc sends.
 *
 *	u32 length of what follows | u32 stream | u8 type | u8 flags
 *
 * Big endian. Bytes to struct and back, no I/O, no judgement: what a stream id
 * or a type means is the business of server.h and client.h.
 */

#include <stdbool.h>
#include <stdint.h>

#define FRAME_HEADER_LEN 10

/* The longest payload, itself allowed. The wire's number: both ends know it. */
#define FRAME_DATA_MAX (4u << 20)

enum frame_type {
	FRAME_REQUEST = 1,
	FRAME_RESPONSE = 2,
	FRAME_DATA = 3, /* of a streaming call; we serve none */
};

enum frame_flag {
	FRAME_REMOTE_CLOSED = 0x01,
	FRAME_REMOTE_OPEN = 0x02,
	FRAME_NO_DATA = 0x04,
};

struct frame {
	uint32_t len;    /* of the payload, in bytes */
	uint32_t stream; /* one call; a client's are odd and rise */
	uint8_t type;    /* enum frame_type, or a stranger's */
	uint8_t flags;
};

void frame_encode(const struct frame *f, uint8_t ret_header[FRAME_HEADER_LEN]);
void frame_decode(const uint8_t header[FRAME_HEADER_LEN], struct frame *ret_frame);

static inline bool frame_is_oversize(const struct frame *f)
{
	return f->len > FRAME_DATA_MAX;
}

#endif
