/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_SPEC_H
#define SHIM_CTL_SPEC_H

/*
 * spec.h - the config.json of `belayctl run` (OCI runtime-spec 1.0.2).
 */

#include "base/err.h"

#include <stdbool.h>

struct spec {
	const char *id;
	char *const *command; /* up to NULL */
	bool terminal;
};

/* Writes config.json into the folder @dir. */
int spec_write(int dir, const struct spec *s, struct err *e);

#endif
