/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_OPTIONS_H
#define PROCESS_ROOTFS_OPTIONS_H

/*
 * options.h - the options of a mount entry -> flags and data of mount(2).
 *
 * Each element is compared whole, as the reference does it; what is no flag is
 * for the filesystem. Options this build cannot honour yet (loop, uidmap=,
 * gidmap=) and those meant for containerd itself (X-containerd.*) are errors
 * that name them: an option is applied or refused, never dropped.
 */

#include "base/buf.h"
#include "base/err.h"
#include "process/rootfs/rootfs.h"

/* mount(2) takes one page of data, its NUL included. */
#define OPTIONS_DATA_MAX 4095

struct mount_plan {
	unsigned long flags;
	struct buf data; /* comma-separated; owned: buf_fini() */
};

int options_plan(struct mount_plan *ret, const struct rootfs_mount *m, struct err *e);

#endif
