/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/root/mount_rig.h"

#include "base/auto.h"
#include "process/rootfs/mountinfo.h"
#include "tests/lib/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_BYTES (64L * 1024 * 1024)

static unsigned lacking;

bool kernel_lacks(enum kernel_feature feature)
{
	return lacking & 1U << feature;
}

void scene_lacks(enum kernel_feature feature)
{
	lacking |= 1U << feature;
}

static size_t count_below(const char *path)
{
	struct mount_points points;
	size_t n;

	assert_int_equal(mountinfo_below("/proc/self/mountinfo", path, &points), 0);
	n = points.n;
	mount_points_fini(&points);
	return n;
}

size_t scene_count(const struct scene *s)
{
	return count_below(s->dir.path) - s->mounts;
}

void scene_make_image(struct scene *s)
{
	struct command c = command_run("command -v mkfs.ext4");
	bool there = c.code == 0;

	command_fini(&c);
	if (!there)
		test_skip("there is no mkfs.ext4 (e2fsprogs)");
	if (access("/dev/loop-control", R_OK) < 0)
		test_skip("there are no loop devices");
	snprintf(s->image, sizeof(s->image), "%s/image", s->dir.path);
	c = command_run(
		"truncate -s %ld %s && mkfs.ext4 -q -F %s", IMAGE_BYTES, s->image, s->image);
	if (c.code != 0)
		fail_msg("%s", c.output);
	command_fini(&c);
}

static void mount_disk(struct scene *s, enum disk disk)
{
	static const char *const loop[] = { "loop" };
	struct rootfs_mount m = { .type = "tmpfs", .source = "tmpfs", .target = "" };
	struct err e = ERR_INIT;

	if (disk == DISK_EXT4) {
		scene_make_image(s);
		m = (struct rootfs_mount){ "ext4", s->image, "", loop, 1 };
	}
	if (rootfs_mount_all(s->disk, &m, 1, &e) < 0)
		fail_msg("%s", e.msg);
}

void scene_set(struct scene *s, enum disk disk)
{
	if (geteuid() != 0)
		test_skip("mount needs root");
	*s = (struct scene){ .mounts = 0 };
	umask(0022);
	tmpdir_open(&s->dir);
	snprintf(s->disk, sizeof(s->disk), "%s/disk", s->dir.path);
	snprintf(s->rootfs, sizeof(s->rootfs), "%s/rootfs", s->dir.path);
	scene_folder(s, "disk", 0);
	scene_folder(s, "rootfs", 0);
	mount_disk(s, disk);
	s->mounts = 1;
}

void scene_unmount(const struct scene *s)
{
	struct err e = ERR_INIT;

	if (rootfs_unmount_all(s->rootfs, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(scene_count(s), 0);
}

void scene_strike(struct scene *s)
{
	struct err e = ERR_INIT;

	scene_unmount(s);
	if (rootfs_unmount_all(s->disk, &e) < 0)
		fail_msg("%s", e.msg);
	s->mounts = 0;
	assert_int_equal(scene_count(s), 0);
	tmpdir_close(&s->dir);
}

void scene_folder(const struct scene *s, const char *name, uid_t owner)
{
	assert_int_equal(mkdirat(s->dir.fd, name, 0755), 0);
	assert_int_equal(fchownat(s->dir.fd, name, owner, owner, 0), 0);
}

void scene_file(const struct scene *s, const char *name, uid_t owner)
{
	tmpdir_write(&s->dir, name, name);
	assert_int_equal(fchownat(s->dir.fd, name, owner, owner, 0), 0);
}

void scene_mount(const struct scene *s, const struct rootfs_mount *m, size_t n)
{
	struct err e = ERR_INIT;

	if (rootfs_mount_all(s->rootfs, m, n, &e) < 0)
		fail_msg("%s", e.msg);
}

void scene_mount_fails(const struct scene *s, const struct rootfs_mount *m, const char *words)
{
	struct err e = ERR_INIT;

	assert_int_equal(rootfs_mount_all(s->rootfs, m, 1, &e), -1);
	if (!strstr(e.msg, words))
		fail_msg("no '%s' in '%s'", words, e.msg);
	assert_int_equal(scene_count(s), 0);
}

void scene_expect_owner(const struct scene *s, const char *name, uid_t owner)
{
	struct stat st;

	if (fstatat(s->dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", name, strerror(errno));
	if (st.st_uid != owner || st.st_gid != owner)
		fail_msg("%s is %u:%u's, not %u's", name, st.st_uid, st.st_gid, owner);
}

int scene_try_write(const struct scene *s, const char *name)
{
	auto_fd int fd = openat(s->dir.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : 0;
}

int scene_try_give(const struct scene *s, const char *name, uid_t owner)
{
	return fchownat(s->dir.fd, name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

char *scene_mountinfo(const struct scene *s, const char *name)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char path[SCENE_PATH_MAX + 64];
	char *line = NULL, *found = NULL;
	size_t room = 0;

	assert_non_null(f);
	snprintf(path, sizeof(path), " %s/%s ", s->dir.path, name);
	while (getline(&line, &room, f) > 0) {
		if (!strstr(line, path))
			continue;
		free(found);
		found = strdup(line);
	}
	free(line);
	fclose(f);
	if (!found)
		fail_msg("nothing is mounted at %s", name);
	return found;
}

void scene_expect_mountinfo(const struct scene *s, const char *name, const char *words, bool has)
{
	char *line = scene_mountinfo(s, name);

	if (!strstr(line, words) != !has)
		fail_msg("%s'%s' in %s", has ? "no " : "", words, line);
	free(line);
}
