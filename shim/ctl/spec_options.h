/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_SPEC_OPTIONS_H
#define SHIM_CTL_SPEC_OPTIONS_H

/*
 * spec_options.h - what the command line of `belayctl run` changes in the config.json it writes.
 */

#include "base/err.h"
#include "shim/ctl/options.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The words as they were typed; NULL and empty for what was not. */
struct spec_options {
	struct option_list env, mounts;
	const char *user, *cwd, *memory, *cpus;
	bool read_only;
};

/* True if there is nothing to change. */
bool spec_options_are_empty(const struct spec_options *o);

/*
 * Changes @config, which has process, root, mounts and linux; users are those of @rootfs. -1 and
 * *e, which names the option.
 */
int spec_options_apply(
	const struct spec_options *o, const char *rootfs, json_t *config, struct err *e);

/* "512", "64k", "1.5G": bytes, in units of 1024. -1 if it is none, or less than 1. */
int64_t spec_bytes(const char *word);

#endif
