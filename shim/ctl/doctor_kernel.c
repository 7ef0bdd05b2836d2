/* SPDX-License-Identifier: Apache-2.0 */

/*
 * doctor_kernel.c - what the kernel can do, by trying: versions lie, for
 * distributions bring features back and sandboxes take them away.
 */

#include "base/auto.h"
#include "process/rootfs/tree.h"
#include "process/rootfs/userns.h"
#include "shim/ctl/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SECTION "kernel"
#define CGROUPS "control groups"

/* linux/magic.h */
#define MAGIC_CGROUP2 0x63677270
#define MAGIC_TMPFS   0x01021994

/* 0, or -errno. */
struct probe {
	const char *name, *since;
	int (*try)(void);
	enum verdict without;
	const char *loss; /* what does not work without it */
};

static int result(long rc)
{
	return rc < 0 ? -errno : 0;
}

/* For a call that is asked for the impossible: it is there if it says why not. */
static int is_known(long rc)
{
	return rc < 0 && (errno == ENOSYS || errno == EPERM) ? -errno : 0;
}

static int try_pidfd_open(void)
{
	auto_fd int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return fd < 0 ? -errno : 0;
}

static int try_pidfd_signal(void)
{
	auto_fd int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return fd < 0 ? -errno : result(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

/* Ours never is readable while we live. */
static int try_pidfd_poll(void)
{
	auto_fd int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return -errno;
	if (poll(&p, 1, 0) < 0)
		return -errno;
	return p.revents == 0 ? 0 : -EOPNOTSUPP;
}

static int try_clone3(void)
{
	return is_known(syscall(SYS_clone3, NULL, 0));
}

static int try_close_range(void)
{
	return result(syscall(SYS_close_range, ~0U, ~0U, 0));
}

static int try_openat2(void)
{
	return is_known(syscall(SYS_openat2, AT_FDCWD, "", NULL, 0));
}

static int try_mount_setattr(void)
{
	return is_known(syscall(SYS_mount_setattr, -1, "", 0, NULL, 0));
}

static int open_user_namespace(void)
{
	const struct userns_maps maps = { "0 100000 65536", "0 100000 65536" };
	int fd;
	int rc = userns_open(&maps, &fd);

	return rc < 0 ? rc : fd;
}

/* @tree: a mount that is nowhere yet. */
static int map_ids(int tree)
{
	auto_fd int userns = open_user_namespace();

	return userns < 0 ? userns : tree_idmap(tree, userns, 0);
}

static int try_idmap_root(void)
{
	auto_fd int tree = tree_clone("/", false);

	return tree < 0 ? tree : map_ids(tree);
}

static int try_idmap_tmpfs(void)
{
	auto_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	auto_fd int tree = -1;

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	tree = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return tree < 0 ? -errno : map_ids(tree);
}

static int try_mount_api(void)
{
	auto_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

	return fs < 0 ? -errno : 0;
}

static int try_lowerdir_plus(void)
{
	auto_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	if (fs < 0)
		return -errno;
	return result(fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", "/", 0));
}

static const struct probe probes[] = {
	{ "pidfd_open", "5.3", try_pidfd_open, VERDICT_BAD, "no process can be followed" },
	{ "pidfd_send_signal", "5.1", try_pidfd_signal, VERDICT_BAD, "no signal can be sent" },
	{ "poll of a pidfd", "5.3", try_pidfd_poll, VERDICT_BAD, "no exit is noticed" },
	{ "clone3", "5.3", try_clone3, VERDICT_BAD, "no process can be started" },
	{ "close_range", "5.9", try_close_range, VERDICT_BAD,
		"a runtime would inherit descriptors" },
	{ "openat2", "5.6", try_openat2, VERDICT_BAD, "no path can be kept inside a rootfs" },
	{ "fsopen", "5.2", try_mount_api, VERDICT_NOTE,
		"rootfs mounts beyond a page of options are refused" },
	{ "mount_setattr", "5.12", try_mount_setattr, VERDICT_NOTE,
		"id-mapped rootfs mounts are refused" },
	{ "id-mapped mount of /", "5.12", try_idmap_root, VERDICT_NOTE,
		"id-mapped mounts of what is on its filesystem are refused" },
	{ "id-mapped tmpfs", "6.3", try_idmap_tmpfs, VERDICT_NOTE,
		"an id-mapped tmpfs is refused" },
	{ "overlay lowerdir+", "6.7", try_lowerdir_plus, VERDICT_NOTE,
		"an overlay with more than a page of options is refused" },
};

void doctor_kernel(struct doctor *d)
{
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		const struct probe *p = &probes[i];
		int rc = p->try();

		if (rc == 0)
			doctor_tell(d, VERDICT_OK, SECTION, p->name, "works (Linux %s and later)",
				p->since);
		else if (rc == -EPERM)
			doctor_tell(d, VERDICT_NOTE, SECTION, p->name,
				"not allowed here, so not known; try as root");
		else
			doctor_tell(d, p->without, SECTION, p->name, "%s: %s (Linux %s has it)",
				strerror(-rc), p->loss, p->since);
	}
}

static bool is_of(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

/* It is in every group but the root, where there is one. */
static bool some_group_has(const char *name)
{
	DIR *root = opendir("/sys/fs/cgroup");
	struct dirent *entry;
	char path[PATH_MAX];
	bool found = false;

	while (root && !found && (entry = readdir(root))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", entry->d_name, name);
		found = faccessat(dirfd(root), path, F_OK, 0) == 0;
	}
	if (root)
		closedir(root);
	return found;
}

static void tell_kill(struct doctor *d)
{
	if (some_group_has("cgroup.kill"))
		doctor_tell(d, VERDICT_OK, CGROUPS, "cgroup.kill", "works (Linux 5.14 and later)");
	else if (some_group_has("cgroup.procs"))
		doctor_tell(d, VERDICT_NOTE, CGROUPS, "cgroup.kill",
			"not there: processes of a group are killed one by one (Linux 5.14 has "
			"it)");
	else
		doctor_tell(d, VERDICT_NOTE, CGROUPS, "cgroup.kill",
			"not known: there is no group but the root to look at");
}

void doctor_cgroup(struct doctor *d)
{
	if (is_of("/sys/fs/cgroup", MAGIC_CGROUP2)) {
		doctor_tell(d, VERDICT_OK, CGROUPS, "version", "2");
		tell_kill(d);
	} else if (is_of("/sys/fs/cgroup", MAGIC_TMPFS)) {
		bool hybrid = is_of("/sys/fs/cgroup/unified", MAGIC_CGROUP2);

		doctor_tell(d, hybrid ? VERDICT_NOTE : VERDICT_OK, CGROUPS, "version",
			hybrid ? "1, and an unused 2 beside it (hybrid), which crun 1.8 "
				 "refuses"
			       : "1");
	} else {
		doctor_tell(d, VERDICT_BAD, CGROUPS, "version",
			"none at /sys/fs/cgroup: no runtime can start a container");
	}
}
