/* SPDX-License-Identifier: Apache-2.0 */

/*
 * unmount.c - everything at or below a path, deepest first. Blocks.
 */

#include "base/auto.h"
#include "process/rootfs/helper.h"
#include "process/rootfs/mountinfo.h"
#include "process/rootfs/rootfs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

/* A busy mount: how often it is tried, and how long between tries. The reference's figures. */
#define BUSY_TRIES   50
#define BUSY_WAIT_MS 50

/* FUSE by its own program first, which also tidies up what it keeps of its mounts. */
static int unmount_one(const struct mount_point *point)
{
	if (point->is_fuse && helper_unmount(point->path))
		return 0;
	return umount2(point->path, UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

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
		int one = unmount_one(&points->at[i]);

		if (one == 0) {
			off++;
		} else {
			rc = one;
			*ret_path = points->at[i].path;
		}
	}
	return off > 0 ? off : rc;
}

/* Somebody works in it; or somebody else has taken it off since it was listed. */
static bool may_pass(int rc)
{
	return rc == -EBUSY || rc == -EINVAL || rc == -ENOENT;
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
		if (rc < 0 && (!may_pass(rc) || ++tries == BUSY_TRIES))
			err_rc(e, rc, "failed rootfs umount: unmount %s", path);
		mount_points_fini(&points);
		if (err_is_set(e))
			return -1;
		if (rc < 0)
			nanosleep(&pause, NULL);
	}
}

/*
 * The name as the kernel lists it. The last part is not looked at: it is no link
 * (nothing is mounted by us on one), and if it is a filesystem whose server
 * hangs, looking would hang too, and unmounting would not.
 */
static char *resolve(const char *rootfs)
{
	auto_free char *parent = strdup(rootfs);
	auto_free char *real = NULL;
	char *slash = parent ? strrchr(parent, '/') : NULL;
	char *name = NULL;

	if (!slash || slash == parent || !slash[1])
		return realpath(rootfs, NULL);
	*slash = '\0';
	real = realpath(parent, NULL);
	if (!real || asprintf(&name, "%s/%s", strcmp(real, "/") == 0 ? "" : real, slash + 1) < 0)
		return NULL;
	return name;
}

int rootfs_unmount_all(const char *rootfs, struct err *e)
{
	auto_free char *real = resolve(rootfs);

	if (!real)
		return errno == ENOENT ? 0 : err_sys(e, "failed rootfs umount: resolve %s", rootfs);
	return unmount_below(real, e);
}
