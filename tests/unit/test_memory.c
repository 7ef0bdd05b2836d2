/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/memory.h"
#include "tests/lib/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_KIB 96

static long anonymous_kib(void)
{
	auto_buf struct buf text = BUF_INIT(4096);
	const char *at;

	assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/smaps_rollup", &text), 0);
	at = strstr(buf_text(&text), "\nAnonymous:");
	assert_non_null(at);
	return strtol(at + strlen("\nAnonymous:"), NULL, 10);
}

__attribute__((noinline)) static long dig(void)
{
	volatile char deep[DEPTH_KIB * 1024];

	for (size_t i = 0; i < sizeof(deep); i++)
		deep[i] = 1;
	return anonymous_kib() + deep[0] - 1;
}

TEST(what_a_deep_call_dirtied_is_given_back)
{
	long deep = dig();

	memory_give_back();
	assert_true(anonymous_kib() <= deep - DEPTH_KIB + 16);
}

TEST(what_is_in_use_stays)
{
	char here[3 * 4096];
	char *there = malloc(3 * 4096);

	assert_non_null(there);
	memset(here, 7, sizeof(here));
	memset(there, 7, sizeof(here));
	memory_give_back();
	assert_memory_equal(here, there, sizeof(here));
	free(there);
}
