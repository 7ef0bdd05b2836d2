/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_OPTIONS_H
#define PROCESS_ROOTFS_OPTIONS_H

/*
 * options.h - a mount entry, as containerd sends it -> what is to be done.
 *
 * Each option is compared whole, as the reference does it. It is a flag, or a
 * word of ours (loop, direct-io, uidmap=, gidmap=, a propagation), or else it is
 * data for the filesystem. An option is applied or refused, never dropped: what
 * the kernel would ignore in silence (data of a bind mount, flags of a
 * filesystem on a bind mount) is an error that names it, and so is what is meant
 * for containerd itself (X-containerd.*, types like format/overlay).
 */

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "process/rootfs/rootfs.h"

#include <stdbool.h>

/* mount(2) takes one page of data, its NUL included. */
#define OPTIONS_DATA_MAX 4095

struct mount_plan {
	unsigned long flags;         /* MS_*, without propagation */
	unsigned long cleared;       /* MS_* that a word such as "suid" took back */
	unsigned long propagation;   /* MS_SHARED..., perhaps with MS_REC; 0: as it comes */
	const char *uidmap, *gidmap; /* the text behind the '='; both or neither. Borrowed */
	bool loop, direct_io;
	const char **data; /* for the filesystem, in their order; owned, the words are borrowed */
	size_t n_data;
};

/* Everything that can be known without touching the system is checked here. */
int options_plan(struct mount_plan *ret, const struct rootfs_mount *m, struct err *e) NODISCARD;
void mount_plan_fini(struct mount_plan *plan);

/* The data as mount(2) takes it, comma-separated. -ENOBUFS if @ret may not hold it. */
int mount_plan_text(const struct mount_plan *plan, struct buf *ret) NODISCARD;

/* "fuse.X" and "fuse3.X" are mounted by a program. Returns what X is, and its name; or NULL. */
const char *mount_helper(const char *type, const char **ret_program);

/* False for a word that is applied by us even if a helper does the mount. */
bool option_is_for_helper(const char *option);

/* uidmap= and gidmap= as they count, or NULL: for whoever has to know before there is a plan. */
void options_find_idmap(
	const struct rootfs_mount *m, const char **ret_uidmap, const char **ret_gidmap);

#endif
