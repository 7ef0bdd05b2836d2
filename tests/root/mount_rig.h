/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ROOT_MOUNT_RIG_H
#define TESTS_ROOT_MOUNT_RIG_H

/*
 * mount_rig.h - a disk to take layers from, a rootfs to mount on, and questions about both.
 *
 * All of it in the test's own mount namespace, below a tmpdir: DIR/disk is the
 * filesystem under test, DIR/rootfs the mount point. scene_strike() unmounts
 * both and fails the test if anything else is still mounted.
 */

#include "process/rootfs/rootfs.h"
#include "process/rootfs/tree.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <stdbool.h>
#include <sys/types.h>

#define SCENE_PATH_MAX (TMPDIR_PATH_MAX + 64)

enum disk {
	DISK_TMPFS,
	DISK_EXT4, /* in a file, through a loop device of ours */
	N_DISKS
};

struct scene {
	struct tmpdir dir;
	char disk[SCENE_PATH_MAX], rootfs[SCENE_PATH_MAX], image[SCENE_PATH_MAX];
	size_t mounts; /* of the scene itself */
};

/* Skips the test without root, or without mkfs.ext4 if that is needed. */
void scene_set(struct scene *s, enum disk disk);
void scene_strike(struct scene *s);

/* A freshly made ext4 in DIR/image. */
void scene_make_image(struct scene *s);

/* Names are below the tmpdir, such as "disk/lower/file". */
void scene_folder(const struct scene *s, const char *name, uid_t owner);
void scene_file(const struct scene *s, const char *name, uid_t owner);

/* Of a mount that has to succeed, or fail with these words and leave nothing. */
void scene_mount(const struct scene *s, const struct rootfs_mount *m, size_t n);
void scene_mount_fails(const struct scene *s, const struct rootfs_mount *m, const char *words);
void scene_unmount(const struct scene *s);

/* Mounts at or below the rootfs; everything below the tmpdir but the scene's own. */
size_t scene_count(const struct scene *s);

/* Owner and group. */
void scene_expect_owner(const struct scene *s, const char *name, uid_t owner);

/* 0, or -errno of making a file; of setting its owner to @owner too. */
int scene_try_write(const struct scene *s, const char *name);
int scene_try_give(const struct scene *s, const char *name, uid_t owner);

/* The line of mountinfo of the topmost mount at DIR/NAME. The caller's. */
char *scene_mountinfo(const struct scene *s, const char *name);
void scene_expect_mountinfo(const struct scene *s, const char *name, const char *words, bool has);

/* From now on the kernel is one without it. */
void scene_lacks(enum kernel_feature feature);

#endif
