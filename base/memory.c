/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include "base/log.h"

#include <errno.h>
#include <ev.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
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

/* As process-wide as libev's allocator. A mapping of its own: untouched, it costs no page. */
static void *reserve = MAP_FAILED;

static void make_reserve(void)
{
	if (reserve == MAP_FAILED)
		reserve = mmap(NULL, MEMORY_LOOP_RESERVE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void give_reserve(void)
{
	if (reserve != MAP_FAILED)
		(void)munmap(reserve, MEMORY_LOOP_RESERVE); /* of ours, so it cannot fail */
	reserve = MAP_FAILED;
}

static void *loop_alloc(void *old, long size)
{
	void *p;

	if (size == 0) {
		free(old);
		return NULL;
	}
	p = realloc(old, (size_t)size);
	if (!p) {
		give_reserve();
		p = realloc(old, (size_t)size);
	} else {
		make_reserve();
	}
	return p;
}

/* The loop tries again when this returns. What is no want of anything will not pass. */
static void on_refusal(const char *what)
{
	bool may_pass = errno == EMFILE || errno == ENFILE || errno == ENOMEM;

	log_error("loop", "error=\"%s: %s\", %s", what, strerror(errno),
		may_pass ? "trying again" : "giving up");
	if (!may_pass)
		abort();
	(void)poll(NULL, 0, MEMORY_LOOP_PAUSE_MS);
}

void memory_keep_for_loop(void)
{
	make_reserve();
	ev_set_allocator(loop_alloc);
	ev_set_syserr_cb(on_refusal);
}
