/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ROOT_IDMAP_RIG_H
#define TESTS_ROOT_IDMAP_RIG_H

/*
 * idmap_rig.h - files of several owners, and an overlay of them with maps.
 */

#include "tests/lib/kernel.h"
#include "tests/root/mount_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>

#define IDMAP_WORD_MAX (4 * SCENE_PATH_MAX)

/* Ids on disk 0..65535 are seen from 100000 on, 70000 as itself: two ranges. */
#define UIDS     "uidmap=0:100000:65536,70000:70000:1"
#define GIDS     "gidmap=0:100000:65536,70000:70000:1"
#define OVERFLOW 65534

/* Any failure but that of the kernel's version is for the test to find. */
static inline void need_idmaps(void)
{
	if (mount_setattr(-1, "", AT_EMPTY_PATH, NULL, 0) < 0 && errno == ENOSYS)
		test_skip("idmapped mounts need Linux 5.12");
}

static inline void need_idmapped_tmpfs(void)
{
	if (!kernel_is_at_least(6, 3))
		test_skip("tmpfs can be idmapped since Linux 6.3");
}

/* disk/source with files of several owners, and a folder. */
static inline void idmap_scene_set(struct scene *s, enum disk disk)
{
	scene_set(s, disk);
	need_idmaps();
	scene_folder(s, "disk/source", 0);
	scene_folder(s, "disk/source/sub", 5);
	scene_file(s, "disk/source/root", 0);
	scene_file(s, "disk/source/user", 1000);
	scene_file(s, "disk/source/last", 65535);
	scene_file(s, "disk/source/second", 70000);
	scene_file(s, "disk/source/outside", 80000);
}

/* lowerdir=lower2:lower1 with upper and work, plus the maps. */
struct overlay {
	char lower[IDMAP_WORD_MAX], upper[IDMAP_WORD_MAX], work[IDMAP_WORD_MAX];
	const char *options[6];
	struct rootfs_mount m;
};

static inline const struct rootfs_mount *overlay_of(
	const struct scene *s, struct overlay *o, size_t n)
{
	snprintf(o->lower, sizeof(o->lower), "lowerdir=%s/source:%s/lower", s->disk, s->disk);
	snprintf(o->upper, sizeof(o->upper), "upperdir=%s/upper", s->disk);
	snprintf(o->work, sizeof(o->work), "workdir=%s/work", s->disk);
	o->options[0] = "index=off";
	o->options[1] = o->lower;
	o->options[2] = UIDS;
	o->options[3] = GIDS;
	o->options[4] = o->upper;
	o->options[5] = o->work;
	o->m = (struct rootfs_mount){ "overlay", "overlay", "", o->options, n };
	return &o->m;
}

/* As the snapshotter prepares them: upper belongs to the mapped root. */
static inline void make_layers(const struct scene *s)
{
	scene_folder(s, "disk/lower", 0);
	scene_file(s, "disk/lower/below", 7);
	scene_folder(s, "disk/upper", 100000);
	scene_folder(s, "disk/work", 100000);
}

#endif
