/* SPDX-License-Identifier: Apache-2.0 */

/*
 * unmount.c - everything at or below a path, deepest first. Blocks.
 */

#include "base/auto.h"
#include "process/rootfs/mountinfo.h"
#include "process/rootfs/rootfs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

/* A busy mount: how often it is tried, and how long between tries. The reference's figures. */
#define BUSY_TRIES   50
#define BUSY_WAIT_MS 50

static int unmount_once(const char *path)
{
	const struct timespec pause = { .tv_nsec = BUSY_WAIT_MS * 1000000L };

	for (int i = 0; i < BUSY_TRIES; i++) {
		if (umount2(path, UMOUNT_NOFOLLOW) == 0)
			return 0;
		if (errno != EBUSY)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

/* Mounts may be stacked on one path: until the kernel says that it is no mount point. */
static int unmount_path(const char *path)
{
	for (;;) {
		int rc = unmount_once(path);

		if (rc == -EINVAL || rc == -ENOENT)
			return 0;
		if (rc < 0)
			return rc;
	}
}

int rootfs_unmount_all(const char *rootfs, struct err *e)
{
	auto_free char *real = realpath(rootfs, NULL);
	struct mount_points points = { 0 };
	int rc;

	if (!real)
		return errno == ENOENT ? 0 : err_sys(e, "failed rootfs umount: resolve %s", rootfs);
	rc = mountinfo_below("/proc/self/mountinfo", real, &points);
	if (rc < 0)
		return err_rc(e, rc, "failed rootfs umount: list mounts");
	/* The table is in the order of mounting; what was mounted last may lie on what came before.
	 */
	for (size_t i = points.n; i-- > 0;) {
		int one = unmount_path(points.path[i]);

		if (one < 0)
			rc = err_rc(e, one, "failed rootfs umount: unmount %s", points.path[i]);
	}
	mount_points_fini(&points);
	return rc;
}
