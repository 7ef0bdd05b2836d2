/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_MOUNT_H
#define PROCESS_ROOTFS_MOUNT_H

/*
 * mount.h - one entry of the list onto the rootfs. Blocks: for the child of a job.
 *
 * What has to be prepared (an idmapped mount, an overlay longer than a page) is
 * prepared as a mount that is attached nowhere (tree.h), or in a mount namespace
 * of our own. So a failure, or SIGKILL at any moment, leaves at most the entry
 * itself on the rootfs, which rootfs_unmount_all() takes off.
 */

#include "base/attr.h"
#include "base/err.h"
#include "process/rootfs/rootfs.h"

/* @userns: of mount_userns(); borrowed. -1: *e names the mount, and the option if it is to blame.
 */
int mount_entry(
	const char *rootfs, const struct rootfs_mount *m, int userns, struct err *e) NODISCARD;

struct userns_cache;

/*
 * The user namespace @m is to be idmapped by: a descriptor, which is the
 * caller's, or -errno. Also when it needs none, or its maps are wrong:
 * mount_entry() knows better, and has the words. @cache may be NULL.
 */
int mount_userns(const struct rootfs_mount *m, struct userns_cache *cache) NODISCARD;

/* rootfs_mount_all(), with @userns[i] for the i-th entry; NULL: they are made as they are needed.
 */
int mount_list(const char *rootfs, const struct rootfs_mount *mounts, const int *userns, size_t n,
	struct err *e) NODISCARD;

#endif
