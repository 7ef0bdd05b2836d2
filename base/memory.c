/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <ev.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* How deep it may ever have been: what the kernel maps of a stack from the beginning. */
#define STACK_DEPTH_BYTES (128 * 1024)

void memory_give_back(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *here = __builtin_frame_address(0);
	/* A page stays below this frame, for the frame of madvise() itself. */
	char *end = here - (uintptr_t)here % page - page;

	malloc_trim(0);
	/* ENOMEM for a stack that never was so deep: the part that is there has been given back. */
	(void)madvise(end - STACK_DEPTH_BYTES, STACK_DEPTH_BYTES, MADV_DONTNEED);
}

/* As process-wide as libev's allocator. */
static void *reserve;

static void *loop_alloc(void *old, long size)
{
	void *p;

	if (size == 0) {
		free(old);
		return NULL;
	}
	p = realloc(old, (size_t)size);
	if (!p) {
		free(reserve);
		reserve = NULL;
		p = realloc(old, (size_t)size);
	} else if (!reserve) {
		reserve = malloc(MEMORY_LOOP_RESERVE);
	}
	return p;
}

void memory_keep_for_loop(void)
{
	if (!reserve)
		reserve = malloc(MEMORY_LOOP_RESERVE);
	ev_set_allocator(loop_alloc);
}
