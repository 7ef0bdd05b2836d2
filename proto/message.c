/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message.h"

#include "base/buf.h"

#include <stdlib.h>

/* What malloc() keeps per block, so that many tiny ones are not counted as nothing. */
#define BLOCK_COST 16u

/*
 * Memory given back is not added again: the budget bounds the work as well. It
 * also means that a block carries no size, and plain free() releases it.
 */
struct budget {
	size_t left;
};

static void *spend(void *data, size_t size)
{
	struct budget *b = data;

	if (size > b->left || b->left - size < BLOCK_COST)
		return NULL;
	b->left -= size + BLOCK_COST;
	return malloc(size);
}

static void give_back(void *data, void *block)
{
	(void)data;
	free(block);
}

static size_t budget_for(size_t n)
{
	if (n >= (MESSAGE_BUDGET_MAX - MESSAGE_BUDGET_MIN) / MESSAGE_BUDGET_FACTOR)
		return MESSAGE_BUDGET_MAX;
	return MESSAGE_BUDGET_MIN + n * MESSAGE_BUDGET_FACTOR;
}

void *message_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t n)
{
	struct budget budget = { .left = budget_for(n) };
	ProtobufCAllocator within = {
		.alloc = spend,
		.free = give_back,
		.allocator_data = &budget,
	};

	return protobuf_c_message_unpack(type, &within, n, bytes);
}

int message_pack(const ProtobufCMessage *m, struct buf *out)
{
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *at;
	int rc = buf_reserve(out, n, &at);

	if (rc < 0)
		return rc;
	buf_grew(out, protobuf_c_message_pack(m, at));
	return 0;
}

void message_free(ProtobufCMessage *m)
{
	/* Its own default allocator is malloc() and free(), and so was the budget's. */
	protobuf_c_message_free_unpacked(m, NULL);
}
