/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_USERNS_H
#define PROCESS_ROOTFS_USERNS_H

/*
 * userns.h - a descriptor of a user namespace with given maps, as mount_setattr(2) wants it.
 *
 * There is no system call that makes one: a process has to be born in it, and
 * its maps are files below /proc/PID, a number. Whoever reaps that process in
 * the middle frees the number; then we would write the maps of a
 * stranger and mount by his ids. So the folder /proc/PID is opened once, and
 * only then the pidfd is asked whether the process is still unreaped: if it is,
 * the number was its own while we opened, and the folder is pinned to it for
 * ever (what we open through it later fails with ESRCH, whoever has the number
 * by then). It is asked again when the namespace is open, before the descriptor
 * is handed out. A process that is gone is -ESRCH, and the whole is tried again.
 */

#include "base/attr.h"
#include "reaper/zombie.h"

#include <stddef.h>
#include <stdint.h>

/* Maps in the kernel's form, as idmap_parse() writes them. Borrowed. */
struct userns_maps {
	const char *uids, *gids;
};

/* Somebody reaped the process: how often another one is tried. */
#define USERNS_TRIES 3

/* 0 or -errno; -EINVAL when the kernel refuses the maps, -ESRCH after the last try. */
int userns_open(const struct userns_maps *maps, int *ret_fd) NODISCARD;

/* The three stages of userns_open(), for somebody who wants many at a time. */
struct userns_birth {
	struct zombie zombie;
};

int userns_begin(struct userns_birth *b) NODISCARD;
int userns_settle(struct userns_birth *b, const struct userns_maps *maps, int *ret_fd) NODISCARD;
void userns_end(struct userns_birth *b);

/*
 * The moments between two system calls of userns_open(). The product's hook
 * does nothing; a test defines its own, and reaps the process there.
 */
enum userns_point {
	USERNS_STARTED,
	USERNS_FOLDER_OPENED,
	USERNS_IDENTIFIED,
	USERNS_UID_MAP_OPENED,
	USERNS_UID_MAP_WRITTEN,
	USERNS_GID_MAP_OPENED,
	USERNS_GID_MAP_WRITTEN,
	USERNS_OPENED,
	USERNS_PROVEN, /* from here on the descriptor is good whatever happens */
	N_USERNS_POINTS
};

void userns_hook(enum userns_point at, struct zombie *zombie);

/* How many pairs of maps one shim remembers. A descriptor each; the least used one goes first. */
#define USERNS_CACHE_MAX 8

struct userns_entry {
	char *uids, *gids; /* owned; NULL: free */
	int fd;            /* owned */
	uint64_t used;
};

/* All zero is an empty one. Embed it; the fields are private. */
struct userns_cache {
	struct userns_entry entries[USERNS_CACHE_MAX];
	uint64_t clock;
};

/*
 * As userns_open(), from the cache if it knows these very maps. The descriptor
 * is the caller's: what the cache drops later does not touch it.
 */
int userns_cache_open(
	struct userns_cache *c, const struct userns_maps *maps, int *ret_fd) NODISCARD;
void userns_cache_fini(struct userns_cache *c);

#endif
