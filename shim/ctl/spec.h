/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_SPEC_H
#define SHIM_CTL_SPEC_H

/*
 * spec.h - the config.json of `belayctl run` (OCI runtime-spec 1.0.2).
 */

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>

struct spec {
	const char *id;
	char *const *command; /* up to NULL */
	bool terminal;
};

/* Writes config.json into the folder @dir. */
int spec_write(int dir, const struct spec *s, struct err *e);

/*
 * The config.json of the bundle @from goes into the folder @dir, byte for byte.
 * Its root is told: a rootfs to be mounted on the folder's, or "" for an
 * absolute path, which the runtime finds by itself. It must want a terminal
 * just when @terminal says so.
 */
int spec_copy(int dir, const char *from, bool terminal, char ret_rootfs[PATH_MAX], struct err *e);

#endif
