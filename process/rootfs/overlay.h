/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_OVERLAY_H
#define PROCESS_ROOTFS_OVERLAY_H

/*
 * overlay.h - overlays that one mount(2) cannot make: idmapped ones, and those
 * whose options are longer than the page it takes.
 *
 * Of an idmapped one only the lower layers are idmapped, each as a clone of its
 * own that is attached nowhere: the layers may lie on different mounts, and one
 * clone of their common parent would show what those cover. upperdir and workdir
 * stay as they are (the snapshotter has given them to the mapped owner, and an
 * overlay cannot create files in an idmapped one: EOVERFLOW).
 *
 * There are three ways, and no probe: whether the kernel can do the first is
 * known when it has done it. EINVAL or ENOSYS leads to the next; its words, if it
 * fails too, are the ones told.
 *   1. fsconfig(2), layer by layer, as descriptors or as strings.
 *   2. Too long: chdir to the common parent, layers relative to it, mount(2).
 *      For the layers of containerd that is about a fifth of the text.
 *   3. Idmapped: a private mount namespace, the clones attached to numbered
 *      folders of a tmpfs in it, mount(2), and a clone of the result brought home.
 */

#include "base/attr.h"
#include "base/err.h"
#include "process/rootfs/layers.h"
#include "process/rootfs/options.h"

/* fsconfig(2) takes strings of at most 256 bytes, NUL included. */
#define FSCONFIG_STRING_MAX 255

struct overlay {
	const struct mount_plan *plan; /* borrowed, like all of these */
	const char *source;
	const char *scratch;  /* a folder we may cover in a mount namespace of our own */
	int userns;           /* -1: not idmapped */
	struct layers layers; /* owned: overlay_fini() */
};

/* The value of the last option of that name ("upperdir="), or NULL. Borrowed. */
const char *overlay_option(const struct mount_plan *plan, const char *name);

/* Fills in the layers. -1: *e says what is wrong with lowerdir. */
int overlay_init(struct overlay *o, struct err *e) NODISCARD;
void overlay_fini(struct overlay *o);

/* All but lowerdir, and lowerdir as @layers has it without @skip bytes each, for mount(2). */
int overlay_text(const struct overlay *o, const struct layers *layers, size_t skip,
	struct buf *ret) NODISCARD;

/* 1: the overlay as a tree (tree.h). -1 and *e; e->sys decides whether it is worth another way. */
int overlay_by_fsconfig(const struct overlay *o, int *ret_tree, struct err *e) NODISCARD;

/* 2: mounted on @place. Leaves the current directory at "/". */
int overlay_by_chdir(const struct overlay *o, const char *place, struct err *e) NODISCARD;

/* 3: the overlay as a tree. */
int overlay_by_workshop(const struct overlay *o, int *ret_tree, struct err *e) NODISCARD;

/* An idmapped copy of one layer, as a tree. -1 and *e. */
int overlay_layer_tree(const struct overlay *o, size_t i, struct err *e) NODISCARD;

#endif
