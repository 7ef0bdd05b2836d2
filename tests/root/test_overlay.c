/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Overlays of more layers than fit into a page of options, by each way.
 */

#include "base/auto.h"
#include "process/rootfs/options.h"
#include "tests/lib/kernel.h"
#include "tests/root/mount_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYERS    200
#define TEXT_ROOM (64 * 1024)

/* As long as those of containerd. */
#define PARENT "disk/io.containerd.snapshotter.v1.overlayfs"

/* Layer I has a file "I", and "same" with its number in it. */
struct stack {
	char *lower, upper[2 * SCENE_PATH_MAX], work[2 * SCENE_PATH_MAX];
	const char *options[5];
	struct rootfs_mount m;
};

static void make_layer(const struct scene *s, const char *parent, int i)
{
	char name[2 * SCENE_PATH_MAX];

	snprintf(name, sizeof(name), "%s/%d", parent, i);
	scene_folder(s, name, 0);
	snprintf(name, sizeof(name), "%s/%d/fs", parent, i);
	scene_folder(s, name, 0);
	snprintf(name, sizeof(name), "%s/%d/fs/same", parent, i);
	scene_file(s, name, 1000);
	snprintf(name, sizeof(name), "%s/%d/fs/%d", parent, i, i);
	scene_file(s, name, 1000);
}

/* Adds them with the last one topmost. */
static void add_layers(const struct scene *s, struct stack *o, const char *parent, int n)
{
	size_t at = strlen(o->lower);

	for (int i = n - 1; i >= 0; i--)
		at += (size_t)snprintf(o->lower + at, TEXT_ROOM - at, "%s%s/%s/%d/fs",
			o->lower[at - 1] == '=' ? "" : ":", s->dir.path, parent, i);
	assert_true(at < TEXT_ROOM);
}

static void stack_set(struct scene *s, struct stack *o, enum disk disk)
{
	scene_set(s, disk);
	scene_folder(s, PARENT, 0);
	for (int i = 0; i < LAYERS; i++)
		make_layer(s, PARENT, i);
	scene_folder(s, "disk/upper", 0);
	scene_folder(s, "disk/work", 0);
	o->lower = calloc(1, TEXT_ROOM);
	assert_non_null(o->lower);
	snprintf(o->lower, TEXT_ROOM, "lowerdir=");
	add_layers(s, o, PARENT, LAYERS);
	assert_true(strlen(o->lower) > OPTIONS_DATA_MAX);
	snprintf(o->upper, sizeof(o->upper), "upperdir=%s/upper", s->disk);
	snprintf(o->work, sizeof(o->work), "workdir=%s/work", s->disk);
	o->options[0] = "index=off";
	o->options[1] = o->lower;
	o->options[2] = o->upper;
	o->options[3] = o->work;
	o->options[4] = "nodev";
	o->m = (struct rootfs_mount){ "overlay", "overlay", "", o->options, 5 };
}

static void stack_strike(struct scene *s, struct stack *o)
{
	free(o->lower);
	scene_strike(s);
}

static void expect_all_layers(const struct scene *s, uid_t owner)
{
	char name[64], top[2 * SCENE_PATH_MAX];
	char *same = tmpdir_read(&s->dir, "rootfs/same");

	snprintf(top, sizeof(top), PARENT "/%d/fs/same", LAYERS - 1);
	assert_string_equal(same, top);
	free(same);
	for (int i = 0; i < LAYERS; i++) {
		snprintf(name, sizeof(name), "rootfs/%d", i);
		scene_expect_owner(s, name, owner);
	}
}

static void expect_it_works(const struct scene *s, const struct stack *o)
{
	scene_mount(s, &o->m, 1);
	expect_all_layers(s, 1000);
	scene_expect_mountinfo(s, "rootfs", "nodev", true);
	scene_expect_mountinfo(s, "rootfs", " overlay overlay ", true);
	if (kernel_lacks(KERNEL_LOWERDIR_APPEND))
		scene_expect_mountinfo(s, "rootfs", "lowerdir=199/fs:198/fs", true);
	assert_int_equal(scene_try_write(s, "rootfs/new"), 0);
	scene_expect_owner(s, "disk/upper/new", 0);
	assert_int_equal(scene_count(s), 1);
	scene_unmount(s);
}

static void each_disk(void)
{
	for (enum disk disk = DISK_TMPFS; disk < N_DISKS; disk++) {
		struct stack o;
		struct scene s;

		stack_set(&s, &o, disk);
		expect_it_works(&s, &o);
		stack_strike(&s, &o);
	}
}

TEST(two_hundred_layers_with_long_paths_are_mounted)
{
	each_disk();
}

/* That it was not the fallback that did it. */
TEST(layers_are_given_one_by_one_where_the_kernel_takes_them)
{
	bool one_by_one;
	struct stack o;
	struct scene s;
	char *line;

	stack_set(&s, &o, DISK_TMPFS);
	scene_mount(&s, &o.m, 1);
	line = scene_mountinfo(&s, "rootfs");
	one_by_one = strstr(line, "lowerdir+=");
	free(line);
	stack_strike(&s, &o);
	if (!one_by_one)
		test_skip("this kernel takes no layers of an overlay one by one");
}

TEST(two_hundred_layers_are_mounted_on_a_kernel_that_wants_one_page)
{
	char before[4096], after[4096];

	scene_lacks(KERNEL_LOWERDIR_APPEND);
	each_disk();
	/* It went to the common parent of the layers, and came back. */
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir("/"), 0);
	assert_non_null(getcwd(after, sizeof(after)));
	assert_string_equal(before, after);
}

static void expect_it_works_idmapped(const struct scene *s, struct stack *o)
{
	static const char *maps[] = { "uidmap=0:100000:65536", "gidmap=0:100000:65536" };

	o->options[0] = maps[0];
	o->options[4] = maps[1];
	scene_mount(s, &o->m, 1);
	expect_all_layers(s, 101000);
	if (kernel_lacks(KERNEL_LAYER_TREES))
		scene_expect_mountinfo(s, "rootfs", "lowerdir=0:1:2:", true);
	assert_int_equal(scene_count(s), 1);
	scene_unmount(s);
}

TEST(two_hundred_idmapped_layers_are_mounted)
{
	struct stack o;
	struct scene s;

	stack_set(&s, &o, DISK_EXT4);
	expect_it_works_idmapped(&s, &o);
	scene_lacks(KERNEL_LAYER_TREES);
	expect_it_works_idmapped(&s, &o);
	stack_strike(&s, &o);
}

/* Colons, commas and backslashes in names mean nothing by themselves when a backslash is in front.
 */
static void expect_odd_names(const struct scene *s, struct stack *o)
{
	size_t at = strlen(o->lower);

	snprintf(o->lower + at, TEXT_ROOM - at, ":%s/" PARENT "/a\\:b\\,c\\\\d", s->dir.path);
	snprintf(o->upper, sizeof(o->upper), "upperdir=%s/up\\:per\\,x", s->disk);
	scene_mount(s, &o->m, 1);
	scene_expect_owner(s, "rootfs/odd", 3);
	assert_int_equal(scene_try_write(s, "rootfs/new"), 0);
	scene_expect_owner(s, "disk/up:per,x/new", 0);
	scene_unmount(s);
	o->lower[at] = '\0';
}

TEST(names_with_colons_and_commas_survive_each_way)
{
	struct stack o;
	struct scene s;

	stack_set(&s, &o, DISK_TMPFS);
	scene_folder(&s, PARENT "/a:b,c\\d", 0);
	scene_file(&s, PARENT "/a:b,c\\d/odd", 3);
	scene_folder(&s, "disk/up:per,x", 0);
	expect_odd_names(&s, &o);
	scene_lacks(KERNEL_LOWERDIR_APPEND);
	assert_int_equal(unlinkat(s.dir.fd, "disk/up:per,x/new", 0), 0);
	expect_odd_names(&s, &o);
	stack_strike(&s, &o);
}

TEST(layers_that_agree_on_no_parent_do_not_fit_a_kernel_that_wants_one_page)
{
	struct stack o;
	struct scene s;

	stack_set(&s, &o, DISK_TMPFS);
	snprintf(o.lower + strlen(o.lower), 8, ":/usr");
	o.options[0] = "nosuchword"; /* what a newer kernel has found is told as well */
	scene_mount_fails(&s, &o.m, ": mount options is too long, and the layers have no common");
	if (kernel_is_at_least(6, 8))
		scene_mount_fails(&s, &o.m, "err: nosuchword: invalid argument: ");
	o.options[0] = "index=off";
	scene_lacks(KERNEL_LOWERDIR_APPEND);
	scene_mount_fails(
		&s, &o.m, "mount options is too long, and the layers have no common parent");
	stack_strike(&s, &o);
}

static void expect_failures(const struct scene *s, struct stack *o, const char *unknown)
{
	size_t at = strlen(o->lower);

	snprintf(o->lower + at, TEXT_ROOM - at, ":%s/" PARENT "/none", s->dir.path);
	scene_mount_fails(s, &o->m, "no such file or directory");
	o->lower[at] = '\0';
	o->options[0] = "nosuchword";
	scene_mount_fails(s, &o->m, unknown);
	o->options[0] = "index=off";
	expect_it_works(s, o);
}

TEST(a_long_overlay_that_fails_leaves_nothing_and_says_why)
{
	struct stack o;
	struct scene s;

	stack_set(&s, &o, DISK_TMPFS);
	expect_failures(&s, &o, "data: \"nosuchword,lowerdir=");
	scene_lacks(KERNEL_LOWERDIR_APPEND);
	expect_failures(&s, &o, "data: \"nosuchword,lowerdir=");
	stack_strike(&s, &o);
}

TEST(the_reason_is_told_behind_any_length_of_options)
{
	struct stack o;
	struct scene s;

	stack_set(&s, &o, DISK_TMPFS);
	o.options[0] = "nosuchword";
	scene_mount_fails(&s, &o.m, "...\", err: ");
	scene_mount_fails(&s, &o.m, "invalid argument");
	stack_strike(&s, &o);
}

/* 4095 bytes go to mount(2) as they are, one more does not fit there. */
static void mount_of_length(struct scene *s, struct stack *o, size_t wanted)
{
	size_t rest = strlen(o->upper) + strlen(o->work) + 2;
	size_t fill = wanted - rest - strlen("lowerdir=") - strlen(s->disk) - strlen("/lower");
	size_t at;

	/* "/./././lower" is the same folder. */
	at = (size_t)snprintf(o->lower, TEXT_ROOM, "lowerdir=%s", s->disk);
	for (; fill >= 2; fill -= 2)
		at += (size_t)snprintf(o->lower + at, TEXT_ROOM - at, "/.");
	snprintf(o->lower + at, TEXT_ROOM - at, "%s/lower", fill ? "/" : "");
	o->options[0] = o->lower;
	o->options[1] = o->upper;
	o->options[2] = o->work;
	o->m.n_options = 3;
	assert_int_equal(strlen(o->lower) + rest, wanted);
}

TEST(the_last_length_that_fits_and_the_first_that_does_not_are_both_mounted)
{
	struct stack o;
	struct scene s;

	stack_set(&s, &o, DISK_TMPFS);
	scene_folder(&s, "disk/lower", 0);
	scene_file(&s, "disk/lower/file", 9);
	mount_of_length(&s, &o, OPTIONS_DATA_MAX);
	scene_mount(&s, &o.m, 1);
	scene_expect_owner(&s, "rootfs/file", 9);
	scene_unmount(&s);
	mount_of_length(&s, &o, OPTIONS_DATA_MAX + 1);
	scene_mount(&s, &o.m, 1);
	scene_expect_owner(&s, "rootfs/file", 9);
	stack_strike(&s, &o);
}
