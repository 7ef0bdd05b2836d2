/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_ROOTFS_H
#define PROCESS_ROOTFS_ROOTFS_H

/*
 * rootfs.h - a list of mounts onto BUNDLE/rootfs, and off again.
 *
 * mount(2) and umount2(2) may hang for as long as a disk, a server or a dirty
 * overlay likes; so they run in a child of ours (rootfs_job), and the loop
 * waits for its pidfd like for anything else. What the child has to say comes
 * back through a page of shared memory.
 *
 * The functions without a job block. They are what runs in the child, and what
 * tests call.
 */

#include "base/err.h"
#include "reaper/child.h"

#include <stdbool.h>
#include <stddef.h>

struct reaper;
struct userns_cache;

/* One mount, as containerd sends it (containerd.types.Mount). */
struct rootfs_mount {
	const char *type;
	const char *source;
	const char *target; /* below the rootfs; "" is the rootfs itself */
	const char *const *options;
	size_t n_options;
};

/* How many entries one request may have, and how many options one entry. */
#define ROOTFS_MOUNTS_MAX  64
#define ROOTFS_OPTIONS_MAX 1024

/*
 * Mounts all of it in order onto @rootfs, an absolute path. When one fails,
 * those before it are taken off again. -1: *e names the mount and the option.
 */
int rootfs_mount_all(
	const char *rootfs, const struct rootfs_mount *mounts, size_t n, struct err *e);

/*
 * Takes off everything mounted at or below @rootfs, deepest first. A busy
 * mount is tried again for a while. Nothing mounted, or nothing there: 0.
 */
int rootfs_unmount_all(const char *rootfs, struct err *e);

struct rootfs_job {
	struct child child;
	struct userns_cache *userns; /* borrowed, set by the owner; NULL: nothing is remembered */
	struct rootfs_page *page;    /* shared with the child; owned */
	void (*on_done)(struct rootfs_job *job);
};

#define ROOTFS_JOB_NONE ((struct rootfs_job){ .child = { .pidfd = -1 } })

/*
 * Begins one of the above in a child; what it is given is borrowed until this
 * returns (the child has a copy). 0: @on_done follows, once, from the loop.
 *
 * User namespaces for uidmap= and gidmap= are made before the child is, in the
 * shim: only there can the next container of a pod find them again, at a
 * hundredth of the price. It waits for a process that does nothing (zombie.h),
 * some 50 us, less than the fork of the child that follows; and it does not
 * wait for disks, servers or programs.
 */
int rootfs_mount_begin(struct rootfs_job *job, struct reaper *r, const char *rootfs,
	const struct rootfs_mount *mounts, size_t n);
int rootfs_unmount_begin(struct rootfs_job *job, struct reaper *r, const char *rootfs);

/* After on_done: 0, or -1 and *e. A child that was killed is a failure. */
int rootfs_job_verdict(const struct rootfs_job *job, struct err *e);

/* SIGKILL. True when it still ran, so that on_done is yet to come. */
bool rootfs_job_kill(struct rootfs_job *job);

/* Accepts one that never began. */
void rootfs_job_fini(struct rootfs_job *job);

#endif
