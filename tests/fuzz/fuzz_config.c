/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_config.c - containerd's config.toml as `belayctl doctor` reads it.
 */

#include "base/json.h"
#include "shim/toml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_json json_t *doc = NULL;
	struct err e = ERR_INIT;
	int rc = toml_parse((const char *)data, n, &doc, &e);

	if ((rc < 0) != err_is_set(&e) || (rc == 0) != (doc != NULL) ||
		strnlen(e.msg, sizeof(e.msg)) == sizeof(e.msg))
		abort();
	return 0;
}
