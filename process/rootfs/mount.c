/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mount.c - one entry of the list onto the rootfs. Blocks.
 */

#include "base/auto.h"
#include "process/rootfs/options.h"
#include "process/rootfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/*
 * The mount point as /proc/self/fd/N: what we resolved is what we mount on,
 * whatever becomes of its name. A sub-path is resolved inside the rootfs, so a
 * link in an image cannot lead out of it.
 */
static int open_target(const char *rootfs, const char *target, struct err *e)
{
	auto_fd int root = open(rootfs, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	if (root < 0)
		return err_sys(e, "open %s", rootfs);
	if (!target || !target[0])
		return take_fd(&root);
	fd = syscall(SYS_openat2, root, target, &how, sizeof(how));
	return fd < 0 ? err_sys(e, "open %s in %s", target, rootfs) : (int)fd;
}

static int failed(const struct rootfs_mount *m, const char *rootfs, const struct mount_plan *plan,
	struct err *e)
{
	return err_sys(e,
		"mount source: \"%s\", target: \"%s%s%s\", fstype: %s, flags: %lu, data: \"%.*s\", "
		"err",
		m->source, rootfs, m->target && m->target[0] ? "/" : "", m->target ? m->target : "",
		m->type, plan->flags, (int)plan->data.len,
		plan->data.data ? (const char *)plan->data.data : "");
}

static int mount_planned(
	const struct rootfs_mount *m, const char *rootfs, struct mount_plan *plan, struct err *e)
{
	auto_fd int target = open_target(rootfs, m->target, e);
	const char *data = buf_text(&plan->data);
	char place[32];

	if (target < 0)
		return -1;
	if (!data)
		return err_oom(e);
	snprintf(place, sizeof(place), "/proc/self/fd/%d", target);
	if (mount(m->source, place, m->type, plan->flags, data) < 0)
		return failed(m, rootfs, plan, e);
	if ((plan->flags & (MS_BIND | MS_RDONLY)) != (MS_BIND | MS_RDONLY))
		return 0;
	/*
	 * A bind mount ignores "ro" until it is mounted again. The descriptor
	 * still names what is below the new mount, so go by its name once more.
	 */
	fd_drop(&target);
	target = open_target(rootfs, m->target, e);
	if (target < 0)
		return -1;
	snprintf(place, sizeof(place), "/proc/self/fd/%d", target);
	if (mount("", place, "", plan->flags | MS_REMOUNT, NULL) < 0)
		return failed(m, rootfs, plan, e);
	return 0;
}

static int mount_one(const char *rootfs, const struct rootfs_mount *m, struct err *e)
{
	struct mount_plan plan;
	int rc;

	if (options_plan(&plan, m, e) < 0)
		return -1;
	rc = mount_planned(m, rootfs, &plan, e);
	buf_fini(&plan.data);
	return rc;
}

int rootfs_mount_all(const char *rootfs, const struct rootfs_mount *mounts, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct err ignored = ERR_INIT;

		if (mount_one(rootfs, &mounts[i], e) == 0)
			continue;
		(void)rootfs_unmount_all(rootfs, &ignored); /* the first error is the one to tell */
		return err_wrap(e, "failed to mount rootfs component");
	}
	return 0;
}
