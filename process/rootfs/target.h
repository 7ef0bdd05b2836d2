/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_TARGET_H
#define PROCESS_ROOTFS_TARGET_H

/*
 * target.h - the mount point, as something that cannot be exchanged under us.
 *
 * A sub-path is resolved inside the rootfs, so a link in an image cannot lead
 * out of it. What we resolved is what we mount on, whatever becomes of its name:
 * mount(2) is given /proc/self/fd/N.
 */

#include "base/attr.h"
#include "base/err.h"

#define TARGET_PLACE_MAX 32

/* A descriptor of what is on top there now; open it again to see a mount made since. Or -1. */
int target_open(const char *rootfs, const char *target, struct err *e) NODISCARD;

void target_place(int fd, char ret_place[TARGET_PLACE_MAX]);

#endif
