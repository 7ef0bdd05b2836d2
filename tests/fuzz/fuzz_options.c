/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_options.c - the type of a mount and its options, one a line of the input.
 */

#include "process/rootfs/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

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

/* What the plan says must be so whatever came in. */
static void check(const struct mount_plan *plan)
{
	auto_buf struct buf text = BUF_INIT(OPTIONS_DATA_MAX);

	if (!plan->uidmap != !plan->gidmap || (plan->direct_io && !plan->loop))
		abort();
	if (plan->flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		abort();
	if ((plan->flags & MS_BIND) && (plan->n_data > 0 || plan->loop))
		abort();
	if (mount_plan_text(plan, &text) == 0 && text.len > OPTIONS_DATA_MAX)
		abort();
}

/* The first line is the type, the others are options. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *pieces[ROOTFS_OPTIONS_MAX];
	struct rootfs_mount m = { .source = "/", .target = "", .options = pieces + 1 };
	struct mount_plan plan;
	struct err e = ERR_INIT;
	char *text = malloc(n + 1);

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	m.n_options = split(text, pieces) - 1;
	m.type = pieces[0];
	if (options_plan(&plan, &m, &e) == 0) {
		check(&plan);
		mount_plan_fini(&plan);
	} else if (!err_is_set(&e)) {
		abort();
	}
	free(text);
	return 0;
}
