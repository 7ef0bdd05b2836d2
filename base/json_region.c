/* SPDX-License-Identifier: Apache-2.0 */

/*
 * json_region.c - memory for documents, which come whole and go whole.
 */

#include "base/json.h"

#include <stdalign.h>
#include <stdint.h>
#include <sys/mman.h>

/* What is asked of the kernel at a time. Most of a config.json, or two of these. */
#define CHUNK_BYTES (256u * 1024)

struct chunk {
	struct chunk *next;
	size_t room, used; /* in bytes, this head included */
};

/* As process-wide as jansson's allocator. */
static struct chunk *chunks;
static size_t n_values; /* what was handed out and not given back */

static struct chunk *add_chunk(size_t n)
{
	size_t room = n > CHUNK_BYTES ? n : CHUNK_BYTES;
	struct chunk *c =
		mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (c == MAP_FAILED)
		return NULL;
	*c = (struct chunk){ .next = chunks, .room = room, .used = sizeof(*c) };
	chunks = c;
	return c;
}

static void *take(size_t n)
{
	size_t align = alignof(max_align_t);
	size_t need = (n + align - 1) / align * align;
	struct chunk *c = chunks;
	void *at;

	if (n > SIZE_MAX - CHUNK_BYTES)
		return NULL;
	if (!c || c->room - c->used < need)
		c = add_chunk(need + sizeof(*c));
	if (!c)
		return NULL;
	at = (char *)c + c->used;
	c->used += need;
	n_values++;
	return at;
}

/* The last one takes all with it. */
static void give(void *p)
{
	if (!p || --n_values > 0)
		return;
	while (chunks) {
		struct chunk *next = chunks->next;

		(void)munmap(chunks, chunks->room); /* of ours, so it cannot fail */
		chunks = next;
	}
}

void json_use_region(void)
{
	json_set_alloc_funcs(take, give);
}
