/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_HELPER_H
#define PROCESS_ROOTFS_HELPER_H

/*
 * helper.h - mounts that a program makes and takes off: FUSE. Blocks.
 *
 * mount.fuse3 SOURCE TARGET [-o OPTION]... -t NAME, as the reference calls it.
 * The filesystem's daemon stays behind as an orphan, which the shim's reaper
 * collects when it ends, and it ends when it is unmounted. What the helper says
 * goes to memory, not through a pipe, which the daemon might keep open.
 */

#include "base/attr.h"
#include "base/err.h"
#include "process/rootfs/rootfs.h"

#include <stdbool.h>

/* How much of what a helper said is told, from its end. */
#define HELPER_WORDS_MAX 600

/* @target is a descriptor of the mount point. 0, or -1 and *e with the helper's own words. */
int helper_mount(const struct rootfs_mount *m, int target, struct err *e) NODISCARD;

/* fusermount3 -u, then fusermount -u. False: neither is there, or neither could. */
bool helper_unmount(const char *path);

#endif
