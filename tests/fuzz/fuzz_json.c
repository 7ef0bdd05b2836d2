/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_json.c - a process somebody sends, with one member set by cutting the
 * text: whatever parsed before must parse afterwards, and say what we said.
 */

#include "base/buf.h"
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A name given twice, or spelled with \u0074, is beyond what cutting can do. */
static bool is_plain(const char *text, size_t n)
{
	json_t *root = json_loadb(text, n, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, NULL);

	json_decref(root);
	return root && !memchr(text, '\\', n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_buf struct buf copy = BUF_INIT(n + 100);
	auto_json json_t *before = NULL, *after = NULL;
	const char *text = (const char *)data;
	struct err e = ERR_INIT;

	if (json_parse(text, n, "input", &before, &e) < 0)
		return 0;
	if (json_copy_with_bool(text, n, "terminal", true, &copy) < 0 ||
		json_parse((const char *)copy.data, copy.len, "copy", &after, &e) < 0)
		abort();
	if (is_plain(text, n) && !json_is_true(json_get(after, "terminal", NULL)))
		abort();
	return 0;
}
