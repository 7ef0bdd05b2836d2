/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

/*
 * message.h - protobuf messages that clean up after themselves and cannot grow
 * beyond reason.
 *
 *	auto_message Pb__KillRequest *req =
 *		message_unpack(&pb__kill_request__descriptor, bytes, n);
 *	if (!req)
 *		...
 *
 * A decoded message is owned by whoever decoded it and holds no pointer into
 * the bytes. auto_message and message_free() are for decoded messages only: one
 * that was filled in by hand, on the stack, owns nothing.
 *
 * The ceiling. protobuf-c keeps every field it does not know and books each
 * field while it scans: two bytes of a hostile message cost about a hundred of
 * ours. So decoding n bytes may allocate MESSAGE_BUDGET_MIN + n times
 * MESSAGE_BUDGET_FACTOR bytes in all, and never more than MESSAGE_BUDGET_MAX.
 * The longest honest message, one big bytes field, needs its own size once.
 */

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>

#define MESSAGE_BUDGET_MIN    (64u << 10)
#define MESSAGE_BUDGET_FACTOR 16u
#define MESSAGE_BUDGET_MAX    (32u << 20)

struct buf;

#define auto_message __attribute__((cleanup(auto_message_)))

/* NULL when @bytes are no such message, or one that takes more memory than it may. */
void *message_unpack(
	const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t n) NODISCARD;

/* Appends the encoded message. 0, -ENOBUFS beyond the ceiling of @out, -ENOMEM. */
int message_pack(const ProtobufCMessage *m, struct buf *out) NODISCARD;

/* Accepts NULL. */
void message_free(ProtobufCMessage *m);

/* The variable is a pointer to any message type: read it as what they all start with. */
static inline void auto_message_(void *variable)
{
	ProtobufCMessage *m;

	memcpy(&m, variable, sizeof(m));
	message_free(m);
}

#endif
