/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_options.c - the options of a mount, one a line of the input.
 */

#include "process/rootfs/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Cuts @text at its newlines; returns how many pieces there are. */
static size_t split(char *text, const char *pieces[ROOTFS_OPTIONS_MAX])
{
	size_t n = 0;

	for (char *at = text; at && n < ROOTFS_OPTIONS_MAX;) {
		char *newline = strchr(at, '\n');

		if (newline)
			*newline = '\0';
		pieces[n++] = at;
		at = newline ? newline + 1 : NULL;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *options[ROOTFS_OPTIONS_MAX];
	struct rootfs_mount m = { .type = "bind", .source = "/", .target = "", .options = options };
	struct mount_plan plan;
	struct err e = ERR_INIT;
	char *text = malloc(n + 1);

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	m.n_options = split(text, options);
	if (options_plan(&plan, &m, &e) == 0) {
		if (plan.data.len > OPTIONS_DATA_MAX)
			abort();
		buf_fini(&plan.data);
	} else if (!err_is_set(&e)) {
		abort();
	}
	free(text);
	return 0;
}
