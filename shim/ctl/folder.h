/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_FOLDER_H
#define SHIM_CTL_FOLDER_H

/*
 * folder.h - the bundle of `belayctl run`: what containerd would have made.
 */

#include "base/err.h"

#include <limits.h>

struct folder {
	char path[PATH_MAX]; /* STATE/ID */
	int fd;              /* owned; -1 until it exists */
};

#define FOLDER_NONE ((struct folder){ .fd = -1 })

/* Makes STATE/ID with FIFOs for the log and the streams. An id in use is an error. */
int folder_make(struct folder *f, const char *state, const char *id, struct err *e);

/*
 * Removes it. Only files in it and empty folders: a rootfs that is still
 * mounted is somebody's data, and stays. 0, or -1 and *e.
 */
int folder_remove(struct folder *f, struct err *e);

#endif
