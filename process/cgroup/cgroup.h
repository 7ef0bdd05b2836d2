/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_CGROUP_CGROUP_H
#define PROCESS_CGROUP_CGROUP_H

/*
 * cgroup.h - the control group of a container: who is in it, and signals for all of them.
 *
 * Held as a directory descriptor, opened right after create, so that nothing
 * here depends on a name that could come to mean another group. Version 2 if
 * /sys/fs/cgroup is it; else (hybrid included) version 1, where one hierarchy
 * stands for all: the runtimes put a container into the same place in each.
 */

#include "base/attr.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Where the kernel shows cgroups and processes. Tests have trees of their own. */
#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_PROC "/proc"

struct cgroup {
	int dir; /* owned; -1: not known */
	bool is_v2;
	const char *root;         /* borrowed */
	struct cgroup_dirs *dirs; /* owned; version 1: see cgroup_dir() */
	char *where; /* owned; version 1: what /proc/PID/cgroup said, a line for each hierarchy;
			version 2: the path below the root */
};

#define CGROUP_NONE ((struct cgroup){ .dir = -1 })

/* The largest file of a group that is read, in bytes. */
#define CGROUP_FILE_MAX (256 * 1024)

/* How many processes one list may have, and how deep groups may be nested. */
#define CGROUP_PIDS_MAX  65536
#define CGROUP_DEPTH_MAX 32

/* Descriptors that signals for all of a group take at a time. */
#define CGROUP_SIGNAL_BATCH 256

/* Version 2 and nothing else is at @root. */
bool cgroup_is_unified(const char *root);

/*
 * The group @pid is in. @pid must be one that cannot be recycled: a child of
 * ours that has not been reaped. -ENOENT when there is none of its own: the
 * root, the one this process is in itself, and those above that, are never a
 * container's.
 */
int cgroup_open(struct cgroup *cg, pid_t pid) NODISCARD;
int cgroup_open_at(struct cgroup *cg, const char *root, const char *proc, pid_t pid) NODISCARD;
void cgroup_close(struct cgroup *cg);

/*
 * Moves this process into the group @path, which must be there: in version 2,
 * where the path is absolute, clean, and below the root without naming it; in
 * version 1 in every hierarchy that has it. 0, or -errno: -EINVAL for a path
 * that is none of those, -ENOENT when there is no such group.
 */
int cgroup_join(const char *path) NODISCARD;
int cgroup_join_at(const char *root, bool is_v2, const char *path) NODISCARD;

/*
 * Version 2 only: every controller of the root is enabled for the groups above
 * this one and for it, as containerd's shim does, so that Stats has figures
 * whatever limits the runtime was asked for. 0, or the last -errno.
 */
int cgroup_enable_controllers(const struct cgroup *cg);

/* All processes in it and in the groups below. The caller frees *ret. 0 or -errno. */
int cgroup_pids(const struct cgroup *cg, pid_t **ret, size_t *ret_n) NODISCARD;

/*
 * Sends @signo to all that are there now, CGROUP_SIGNAL_BATCH at a time, for each
 * takes a descriptor meanwhile. Each is signalled through a pidfd that was seen
 * to belong to a member; or all at once by the kernel, which has that for
 * SIGKILL in version 2 since Linux 5.14 (cgroup.kill). The count of those
 * reached, or -errno.
 */
int cgroup_signal(const struct cgroup *cg, int signo) NODISCARD;

/*
 * The directory of @controller's group: a descriptor, borrowed, or -errno. In
 * version 1 it is opened when it is first asked for and then kept: to find it by
 * its path takes as long as to read two of its files, and its name might come to
 * mean another group.
 */
int cgroup_dir(const struct cgroup *cg, const char *controller);

/*
 * Appends a file of the group to @ret. In version 1 it is the one of
 * @controller, in version 2 there is but one. 0 or -errno; -ENOENT where the
 * kernel has no such file, or the group is gone.
 */
int cgroup_read(const struct cgroup *cg, const char *controller, const char *file,
	struct buf *ret) NODISCARD;

#endif
