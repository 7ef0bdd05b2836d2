/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_TREE_H
#define PROCESS_ROOTFS_TREE_H

/*
 * tree.h - mounts that are attached nowhere: a descriptor is all there is of them.
 *
 * What has to be prepared before it is shown (an idmapped mount must not be
 * attached while it is made one) is prepared here. Nobody sees it, no path leads
 * to it, and closing the descriptor, or SIGKILL, takes it away.
 */

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Newer than our lowest kernel, with a fallback or an error in words. The
 * product's hook says false; a test defines its own, so that the fallbacks are
 * tried on a kernel that has it all.
 */
enum kernel_feature {
	KERNEL_MOUNT_SETATTR,   /* Linux 5.12: idmapped mounts. No fallback */
	KERNEL_LOWERDIR_APPEND, /* about 6.7: layers of an overlay one by one */
	KERNEL_LAYER_TREES,     /* about 6.15: layers that are attached nowhere */
};

bool kernel_lacks(enum kernel_feature feature);

/* A copy of the mount at @path, with those below it or without. A descriptor or -errno. */
int tree_clone(const char *path, bool recursive) NODISCARD;

/*
 * Idmaps @tree by the user namespace @userns, and all below it. @attr are
 * MOUNT_ATTR_* to set besides. -ENOSYS before Linux 5.12, -EINVAL when the
 * filesystem cannot, -EPERM when it is idmapped already.
 */
int tree_idmap(int tree, int userns, uint64_t attr) NODISCARD;

/* Changes @tree alone. @flags and @cleared are MS_*; those that are no mount's are left out. */
int tree_set_flags(int tree, unsigned long flags, unsigned long cleared) NODISCARD;

/* MS_* of mount(2) -> MOUNT_ATTR_* of a new mount. */
uint64_t tree_attr(unsigned long flags);

/* Attaches @tree on top of the mount point @target, both descriptors. */
int tree_attach(int tree, int target) NODISCARD;

/*
 * A private copy of our mount namespace, for what must have a path for a moment:
 * mounts made in it are seen by nobody else and are gone with us. Unmounts
 * outside do reach it, so that it does not keep busy what others take off.
 */
struct workshop {
	int home, root; /* where we came from */
};

/* For a process of its own, not the shim's. 0 or -errno. */
int workshop_enter(struct workshop *w) NODISCARD;

/* Back, with whatever trees were made. After a failure this process is of no more use. */
int workshop_leave(struct workshop *w) NODISCARD;

#endif
