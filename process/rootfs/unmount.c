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

/*
 * One pass over what is mounted now, in the reverse of the order of mounting,
 * once for each entry of the table: mounts may be stacked on one path, and
 * others may lie inside one that is below in such a stack. Returns how many
 * came off, or -errno if none did.
 */
static int unmount_pass(const struct mount_points *points, const char **ret_path)
{
	int off = 0;
	int rc = 0;

	for (size_t i = points->n; i-- > 0;) {
		if (umount2(points->path[i], UMOUNT_NOFOLLOW) == 0) {
			off++;
		} else {
			rc = -errno;
			*ret_path = points->path[i];
		}
	}
	return off > 0 ? off : rc;
}

static int unmount_below(const char *real, struct err *e)
{
	const struct timespec pause = { .tv_nsec = BUSY_WAIT_MS * 1000000L };

	for (int tries = 0;;) {
		struct mount_points points = { 0 };
		const char *path = "";
		int rc = mountinfo_below("/proc/self/mountinfo", real, &points);

		if (rc < 0)
			return err_rc(e, rc, "failed rootfs umount: list mounts");
		if (points.n == 0)
			return 0;
		rc = unmount_pass(&points, &path);
		if (rc < 0 && (rc != -EBUSY || ++tries == BUSY_TRIES))
			err_rc(e, rc, "failed rootfs umount: unmount %s", path);
		mount_points_fini(&points);
		if (err_is_set(e))
			return -1;
		if (rc < 0)
			nanosleep(&pause, NULL);
	}
}

int rootfs_unmount_all(const char *rootfs, struct err *e)
{
	auto_free char *real = realpath(rootfs, NULL);

	if (!real)
		return errno == ENOENT ? 0 : err_sys(e, "failed rootfs umount: resolve %s", rootfs);
	return unmount_below(real, e);
}
