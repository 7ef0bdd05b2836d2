/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_uri.c - where a client wants the output of a container to go.
 */

#include "base/auto.h"
#include "process/io/uri.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_free char *text = strndup((const char *)data, n);
	struct err e = ERR_INIT;
	struct uri uri;

	if (!text)
		return 0;
	if (uri_parse(&uri, text, &e) < 0) {
		if (!err_is_set(&e))
			abort();
		return 0;
	}
	if (!uri.path || uri.n_words > URI_WORDS_MAX || uri.word[uri.n_words])
		abort();
	for (size_t i = 0; i < uri.n_words; i++)
		if (!uri.word[i])
			abort();
	uri_fini(&uri);
	return 0;
}
