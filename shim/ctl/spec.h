/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_SPEC_H
#define SHIM_CTL_SPEC_H

/*
 * spec.h - the config.json of `belayctl run` (OCI runtime-spec 1.0.2).
 */

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct spec_options;

struct spec {
	const char *id;
	char *const *command; /* up to NULL */
	bool terminal;
	const struct spec_options *options;
	const char *rootfs; /* whose names of users are meant */
};

struct spec_needs {
	char rootfs[PATH_MAX]; /* to be mounted on the folder's; "": none, the runtime finds it */

	/* Whose the streams are, as the host numbers them: in a user namespace its process may
	 * open /dev/stdout again only if the pipe behind it is its own. As containerd's CRI does.
	 */
	uint32_t io_uid, io_gid;
};

/* Writes config.json into the folder @dir. */
int spec_write(int dir, const struct spec *s, struct err *e);

/*
 * The config.json of the bundle @from goes into the folder @dir, byte for byte.
 * It must want a terminal just when @terminal says so. What a shim has to be
 * asked for besides is told.
 */
int spec_copy(int dir, const char *from, bool terminal, struct spec_needs *ret, struct err *e);

#endif
