/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_log.c - a runtime's log, as whatever the bundle's log.json may hold.
 */

#include "process/runtime/log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char words[64] = "untouched";
	int found = log_find_error((const char *)data, n, words, sizeof(words));

	if (found != 0 && found != 1)
		abort();
	if (found == 0 && strcmp(words, "untouched") != 0)
		abort();
	if (memchr(words, '\0', sizeof(words)) == NULL)
		abort();
	return 0;
}
