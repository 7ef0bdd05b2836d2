/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Idmapped rootfs: the right owners, on each filesystem and by each way.
 */

#include "tests/lib/command.h"
#include "tests/root/idmap_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_mapped(const struct scene *s)
{
	scene_expect_owner(s, "rootfs/root", 100000);
	scene_expect_owner(s, "rootfs/user", 101000);
	scene_expect_owner(s, "rootfs/sub", 100005);
	scene_expect_owner(s, "rootfs/last", 165535);
	scene_expect_owner(s, "rootfs/second", 70000);
	scene_expect_owner(s, "rootfs/outside", OVERFLOW);
	scene_expect_owner(s, "disk/source/user", 1000); /* the source is not touched */
	scene_expect_mountinfo(s, "rootfs", "idmapped", true);
	assert_int_equal(scene_count(s), 1);
}

static void mount_bind(const struct scene *s, const char *word)
{
	const char *const options[] = { "rbind", UIDS, word, GIDS };
	char source[SCENE_PATH_MAX + 16];
	const struct rootfs_mount m = { "bind", source, "", options, 4 };

	snprintf(source, sizeof(source), "%s/source", s->disk);
	scene_mount(s, &m, 1);
}

static void on_disk(enum disk disk, void (*test)(struct scene *s))
{
	struct scene s;

	idmap_scene_set(&s, disk);
	test(&s);
	scene_strike(&s);
}

static void each_disk(void (*test)(struct scene *s))
{
	on_disk(DISK_EXT4, test);
	need_idmapped_tmpfs();
	on_disk(DISK_TMPFS, test);
}

static void check_bind(struct scene *s)
{
	mount_bind(s, "rw");
	expect_mapped(s);
	assert_int_equal(scene_try_give(s, "rootfs/user", 100007), 0);
	scene_expect_owner(s, "disk/source/user", 7);
	assert_int_equal(scene_try_give(s, "rootfs/user", 101000), 0);
	scene_unmount(s);
}

TEST(an_idmapped_bind_mount_shows_shifted_owners_and_writes_them_back)
{
	each_disk(check_bind);
}

/* The reference returns after the read-only step, and forgets the maps. */
static void check_read_only_bind(struct scene *s)
{
	mount_bind(s, "ro");
	expect_mapped(s);
	assert_int_equal(scene_try_give(s, "rootfs/user", 100007), -EROFS);
	assert_int_equal(scene_try_write(s, "rootfs/new"), -EROFS);
	scene_unmount(s);
}

TEST(an_idmapped_bind_mount_may_be_read_only)
{
	each_disk(check_read_only_bind);
}

TEST(an_idmapped_bind_mount_has_its_other_flags_and_its_propagation)
{
	struct scene s;

	idmap_scene_set(&s, DISK_EXT4);
	mount_bind(&s, "nosuid");
	scene_expect_mountinfo(&s, "rootfs", "nosuid", true);
	scene_unmount(&s);
	mount_bind(&s, "noatime");
	scene_expect_mountinfo(&s, "rootfs", "noatime", true);
	scene_unmount(&s);
	mount_bind(&s, "rshared");
	scene_expect_mountinfo(&s, "rootfs", " shared:", true);
	expect_mapped(&s);
	scene_strike(&s);
}

TEST(what_is_mounted_below_an_idmapped_rbind_is_idmapped_too)
{
	char sub[SCENE_PATH_MAX + 16];
	struct scene s;

	need_idmapped_tmpfs();
	idmap_scene_set(&s, DISK_EXT4);
	snprintf(sub, sizeof(sub), "%s/source/sub", s.disk);
	assert_int_equal(mount("tmpfs", sub, "tmpfs", 0, NULL), 0);
	scene_file(&s, "disk/source/sub/deep", 3);
	s.mounts++;
	mount_bind(&s, "rw");
	scene_expect_owner(&s, "rootfs/sub/deep", 100003);
	scene_unmount(&s);
	assert_int_equal(umount2(sub, 0), 0);
	s.mounts--;
	scene_strike(&s);
}

TEST(a_filesystem_in_a_file_can_be_idmapped)
{
	static const char *const plain[] = { "loop" };
	static const char *const options[] = { "loop", UIDS, GIDS, "nodev" };
	struct rootfs_mount m = { "ext4", NULL, "", plain, 1 };
	struct command c;
	struct scene s;

	idmap_scene_set(&s, DISK_TMPFS);
	scene_make_image(&s);
	m.source = s.image;
	scene_mount(&s, &m, 1);
	scene_file(&s, "rootfs/user", 1000);
	scene_unmount(&s);
	m.options = options;
	m.n_options = 4;
	scene_mount(&s, &m, 1);
	scene_expect_owner(&s, "rootfs/user", 101000);
	scene_expect_mountinfo(&s, "rootfs", "nodev", true);
	scene_expect_mountinfo(&s, "rootfs", "idmapped", true);
	assert_int_equal(scene_count(&s), 1);
	scene_unmount(&s);
	c = command_run("losetup -n -O BACK-FILE | grep %s", s.dir.path);
	assert_string_equal(c.output, "");
	command_fini(&c);
	scene_strike(&s);
}

TEST(a_fresh_tmpfs_can_be_idmapped_at_a_sub_path)
{
	static const char *const options[] = { UIDS, GIDS, "mode=751" };
	struct rootfs_mount m = { "tmpfs", "tmpfs", "sub", options, 3 };
	struct stat st;
	struct scene s;

	need_idmapped_tmpfs();
	idmap_scene_set(&s, DISK_EXT4);
	scene_folder(&s, "rootfs/sub", 0);
	scene_mount(&s, &m, 1);
	scene_expect_owner(&s, "rootfs/sub", 100000);
	assert_int_equal(fstatat(s.dir.fd, "rootfs/sub", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0751);
	scene_expect_owner(&s, "rootfs", 0);
	scene_strike(&s);
}

static void check_overlay(struct scene *s)
{
	struct overlay o;

	make_layers(s);
	scene_mount(s, overlay_of(s, &o, 6), 1);
	scene_expect_owner(s, "rootfs", 100000);
	scene_expect_owner(s, "rootfs/root", 100000);
	scene_expect_owner(s, "rootfs/user", 101000);
	scene_expect_owner(s, "rootfs/below", 100007);
	scene_expect_owner(s, "rootfs/second", 70000);
	assert_int_equal(scene_count(s), 1);
	/* Copied up with the owner it has here, and written plainly. */
	assert_int_equal(scene_try_give(s, "rootfs/user", 101001), 0);
	scene_expect_owner(s, "disk/upper/user", 101001);
	scene_expect_owner(s, "disk/source/user", 1000);
	assert_int_equal(scene_try_write(s, "rootfs/new"), 0);
	scene_expect_owner(s, "disk/upper/new", 0);
	scene_unmount(s);
	/* And the same again, upon what was written. */
	scene_mount(s, &o.m, 1);
	scene_expect_owner(s, "rootfs/user", 101001);
	scene_expect_owner(s, "rootfs/root", 100000);
	scene_unmount(s);
}

TEST(the_lower_layers_of_an_overlay_are_idmapped_and_the_upper_is_plain)
{
	each_disk(check_overlay);
}

TEST(so_they_are_on_a_kernel_that_takes_no_detached_layers)
{
	scene_lacks(KERNEL_LAYER_TREES);
	each_disk(check_overlay);
}

static void check_read_only_overlay(struct scene *s)
{
	struct overlay o;

	make_layers(s);
	scene_mount(s, overlay_of(s, &o, 4), 1);
	scene_expect_owner(s, "rootfs/user", 101000);
	assert_int_equal(scene_try_write(s, "rootfs/new"), -EROFS);
	scene_unmount(s);
}

TEST(an_overlay_without_an_upper_layer_is_idmapped_too)
{
	each_disk(check_read_only_overlay);
}

TEST(without_an_upper_layer_too_on_a_kernel_that_takes_no_detached_layers)
{
	scene_lacks(KERNEL_LAYER_TREES);
	each_disk(check_read_only_overlay);
}

/* A view of one layer: containerd makes that a bind, others an overlay of one and an upper. */
static void check_one_layer(struct scene *s)
{
	struct overlay o;

	make_layers(s);
	(void)overlay_of(s, &o, 6);
	snprintf(o.lower, sizeof(o.lower), "lowerdir=%s/source", s->disk);
	scene_mount(s, &o.m, 1);
	scene_expect_owner(s, "rootfs/user", 101000);
	scene_unmount(s);
}

TEST(one_layer_is_enough)
{
	struct scene s;

	idmap_scene_set(&s, DISK_EXT4);
	check_one_layer(&s);
	scene_lacks(KERNEL_LAYER_TREES);
	assert_int_equal(unlinkat(s.dir.fd, "disk/lower/below", 0), 0);
	assert_int_equal(unlinkat(s.dir.fd, "disk/lower", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(s.dir.fd, "disk/upper", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(s.dir.fd, "disk/work/work", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(s.dir.fd, "disk/work", AT_REMOVEDIR), 0);
	check_one_layer(&s);
	scene_strike(&s);
}

static void expect_failures(const struct scene *s)
{
	struct overlay o;

	(void)overlay_of(s, &o, 6);
	snprintf(o.lower, sizeof(o.lower), "lowerdir=%s/source:%s/missing", s->disk, s->disk);
	scene_mount_fails(s, &o.m, "/missing: no such file or directory");
	(void)overlay_of(s, &o, 6);
	o.options[0] = "nosuchword=1";
	scene_mount_fails(s, &o.m, "fstype: overlay, flags: 0, data: \"nosuchword=1,");
	(void)overlay_of(s, &o, 6);
	snprintf(o.upper, sizeof(o.upper), "upperdir=%s/missing", s->disk);
	scene_mount_fails(s, &o.m, "no such file or directory");
	(void)overlay_of(s, &o, 6);
	snprintf(o.lower, sizeof(o.lower), "lowerdir=%s/source::%s/lower", s->disk, s->disk);
	scene_mount_fails(s, &o.m, "\"lowerdir\" has a layer without a name");
	(void)overlay_of(s, &o, 6);
	o.options[1] = "index=off";
	scene_mount_fails(s, &o.m, "\"lowerdir\" is missing");
	(void)overlay_of(s, &o, 6);
	o.options[2] = "uidmap=0:0:10,5:50:10";
	scene_mount_fails(s, &o.m, "user namespace for uidmap and gidmap: invalid argument");
}

TEST(an_idmapped_overlay_that_fails_leaves_nothing_and_says_why)
{
	struct scene s;

	idmap_scene_set(&s, DISK_EXT4);
	make_layers(&s);
	expect_failures(&s);
	scene_lacks(KERNEL_LAYER_TREES);
	expect_failures(&s);
	scene_strike(&s);
}

TEST(a_filesystem_that_cannot_be_idmapped_is_an_error)
{
	static const char *const options[] = { "bind", UIDS, GIDS };
	static const char *const fresh[] = { UIDS, GIDS };
	struct rootfs_mount m = { "bind", "/proc", "", options, 3 };
	struct scene s;

	idmap_scene_set(&s, DISK_EXT4);
	scene_mount_fails(&s, &m, "err: idmap (can this filesystem do it?): ");
	m = (struct rootfs_mount){ "sysfs", "sysfs", "", fresh, 2 };
	scene_mount_fails(&s, &m, "err: idmap (can this filesystem do it?): ");
	m = (struct rootfs_mount){ "tmpfs", "tmpfs", "", fresh, 2 };
	m.type = "nosuchfs";
	scene_mount_fails(&s, &m, "fstype: nosuchfs, flags: 0, data: \"\", err: no such device");
	scene_strike(&s);
}

TEST(a_kernel_without_idmapped_mounts_is_named)
{
	static const char *const bind[] = { "bind", UIDS, GIDS };
	static const char *const fresh[] = { UIDS, GIDS };
	struct rootfs_mount m = { "bind", "/tmp", "", bind, 3 };
	struct overlay o;
	struct scene s;

	idmap_scene_set(&s, DISK_EXT4);
	make_layers(&s);
	scene_lacks(KERNEL_MOUNT_SETATTR);
	scene_mount_fails(&s, &m, "idmapped mounts need Linux 5.12");
	m = (struct rootfs_mount){ "tmpfs", "tmpfs", "", fresh, 2 };
	scene_mount_fails(&s, &m, "idmapped mounts need Linux 5.12");
	scene_mount_fails(&s, overlay_of(&s, &o, 6), "idmapped mounts need Linux 5.12");
	scene_strike(&s);
}
