/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_MOUNTINFO_H
#define PROCESS_ROOTFS_MOUNTINFO_H

/*
 * mountinfo.h - which mounts there are at or below a path (proc(5), mountinfo).
 */

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

struct mount_point {
	char *path; /* owned */
	bool is_fuse;
};

struct mount_points {
	struct mount_point *at; /* owned */
	size_t n;
};

/* In the order of mounting. @table is a file such as /proc/self/mountinfo. 0 or -errno. */
int mountinfo_below(const char *table, const char *path, struct mount_points *ret) NODISCARD;
void mount_points_fini(struct mount_points *points);

/* Turns the \040 of the kernel back into bytes, in place. */
void mountinfo_unescape(char *s);

#endif
