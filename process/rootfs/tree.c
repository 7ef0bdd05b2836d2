/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/tree.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>

#define ATIME_FLAGS (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)

struct attr_of_flag {
	unsigned long flag;
	uint64_t attr;
};

static const struct attr_of_flag attrs[] = {
	{ MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ MS_NODEV, MOUNT_ATTR_NODEV },
	{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
};

__attribute__((weak)) bool kernel_lacks(enum kernel_feature feature)
{
	(void)feature;
	return false;
}

/* Without the times of access, which are no bit but a choice of three. */
static uint64_t plain_attr(unsigned long flags)
{
	uint64_t attr = 0;

	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		if (flags & attrs[i].flag)
			attr |= attrs[i].attr;
	return attr;
}

static uint64_t atime_attr(unsigned long flags)
{
	if (flags & MS_NOATIME)
		return MOUNT_ATTR_NOATIME;
	return flags & MS_STRICTATIME ? MOUNT_ATTR_STRICTATIME : MOUNT_ATTR_RELATIME;
}

uint64_t tree_attr(unsigned long flags)
{
	return plain_attr(flags) | atime_attr(flags);
}

int tree_clone(const char *path, bool recursive)
{
	int fd = open_tree(AT_FDCWD, path,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0U));

	return fd < 0 ? -errno : fd;
}

static int set(int tree, struct mount_attr *attr, unsigned flags)
{
	if (kernel_lacks(KERNEL_MOUNT_SETATTR))
		return -ENOSYS;
	return mount_setattr(tree, "", AT_EMPTY_PATH | flags, attr, sizeof(*attr)) < 0 ? -errno : 0;
}

int tree_idmap(int tree, int userns, uint64_t attr)
{
	struct mount_attr a = {
		.attr_set = MOUNT_ATTR_IDMAP | attr,
		.userns_fd = (__u64)userns,
	};

	return set(tree, &a, AT_RECURSIVE);
}

int tree_set_flags(int tree, unsigned long flags, unsigned long cleared)
{
	struct mount_attr a = { .attr_set = plain_attr(flags), .attr_clr = plain_attr(cleared) };

	if ((flags | cleared) & ATIME_FLAGS) {
		a.attr_clr |= MOUNT_ATTR__ATIME;
		a.attr_set |= atime_attr(flags);
	}
	return a.attr_set || a.attr_clr ? set(tree, &a, 0) : 0;
}

int tree_attach(int tree, int target)
{
	return move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
			       0
		       ? -errno
		       : 0;
}

int workshop_enter(struct workshop *w)
{
	auto_fd int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (home < 0 || root < 0)
		return -errno;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	w->home = take_fd(&home);
	w->root = take_fd(&root);
	return 0;
}

int workshop_leave(struct workshop *w)
{
	/* setns() goes to the root of the namespace, which need not be ours. */
	int rc = setns(w->home, CLONE_NEWNS) < 0 || fchdir(w->root) < 0 || chroot(".") < 0 ? -errno
											   : 0;

	fd_drop(&w->home);
	fd_drop(&w->root);
	return rc;
}
