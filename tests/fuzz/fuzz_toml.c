/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_toml.c - the options of a runtime as CRI sends them under any name but the stock one.
 */

#include "shim/runtime_options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct runtime_options o;
	struct err e = ERR_INIT;

	if (runtime_options_parse(&o, (const char *)data, n, &e) < 0) {
		if (!err_is_set(&e) || strnlen(e.msg, sizeof(e.msg)) == sizeof(e.msg))
			abort();
		return 0;
	}
	for (size_t i = 0; i < RUNTIME_OPTIONS_STRINGS; i++)
		if (o.strings[i] && strlen(o.strings[i]) > RUNTIME_OPTIONS_STRING_MAX)
			abort();
	runtime_options_fini(&o);
	return 0;
}
