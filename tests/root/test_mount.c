/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Plain filesystems, binds with their flags, propagation, and FUSE helpers: real mounts.
 */

#include "base/auto.h"
#include "tests/lib/command.h"
#include "tests/root/mount_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 8

/* A bind mount of disk/source with up to seven options, NULL behind the last. */
struct bind {
	const char *options[WORDS_MAX];
	char source[SCENE_PATH_MAX + 16];
	struct rootfs_mount m;
};

static const struct rootfs_mount *bind_of(
	const struct scene *s, struct bind *b, const char *const *options)
{
	size_t n = 0;

	for (; options[n]; n++)
		b->options[n] = options[n];
	snprintf(b->source, sizeof(b->source), "%s/source", s->disk);
	b->m = (struct rootfs_mount){ "bind", b->source, "", b->options, n };
	return &b->m;
}

#define WORDS(...) ((const char *const[WORDS_MAX]){ __VA_ARGS__, NULL })

static void set(struct scene *s, enum disk disk)
{
	scene_set(s, disk);
	scene_folder(s, "disk/source", 0);
	scene_folder(s, "disk/source/sub", 0);
	scene_file(s, "disk/source/file", 0);
}

TEST(every_flag_of_a_bind_mount_takes)
{
	static const char *const flags[][2] = {
		{ "ro", "ro," },
		{ "nosuid", "nosuid" },
		{ "nodev", "nodev" },
		{ "noexec", "noexec" },
		{ "noatime", "noatime" },
		{ "nodiratime", "nodiratime" },
		{ "nosymfollow", "nosymfollow" },
	};
	struct scene s;
	struct bind b;

	set(&s, DISK_TMPFS);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		scene_mount(&s, bind_of(&s, &b, WORDS("rbind", flags[i][0])), 1);
		scene_expect_mountinfo(&s, "rootfs", flags[i][1], true);
		scene_expect_mountinfo(&s, "disk", flags[i][1], false); /* and of it alone */
		scene_unmount(&s);
	}
	scene_mount(&s, bind_of(&s, &b, WORDS("bind", "strictatime")), 1);
	scene_expect_mountinfo(&s, "rootfs", "relatime", false);
	scene_strike(&s);
}

/* Some of them would be locked in a user namespace, and their loss refused. */
TEST(a_bind_mount_keeps_what_its_source_has_unless_it_is_told_otherwise)
{
	struct scene s;
	struct bind b;

	set(&s, DISK_TMPFS);
	assert_int_equal(mount("", s.disk, "",
				 MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOATIME, NULL),
		0);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind", "ro")), 1);
	scene_expect_mountinfo(&s, "rootfs", "ro,nosuid,nodev,noatime", true);
	scene_unmount(&s);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind", "rw", "suid", "dev", "atime")), 1);
	scene_expect_mountinfo(&s, "rootfs", " rw,relatime", true);
	scene_unmount(&s);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind", "rw")), 1);
	scene_expect_mountinfo(&s, "rootfs", "rw,nosuid,nodev,noatime", true);
	scene_strike(&s);
}

/* In a user namespace all that came with the mounts of its parent is locked. */
static int mount_in_a_user_namespace(const struct scene *s, const struct rootfs_mount *m)
{
	struct err e = ERR_INIT;
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return TEST_SKIPPED;
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0 0 1\n", 6) != 6)
		return TEST_SKIPPED;
	close(fd);
	if (rootfs_mount_all(s->rootfs, m, 1, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	scene_expect_mountinfo(s, "rootfs", "ro,nosuid,nodev", true);
	/* By path: the scene's descriptor is of the namespace we left. */
	return open(s->rootfs, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) < 0 && errno == EROFS ? 0
											     : 2;
}

TEST(in_a_user_namespace_locked_flags_are_kept)
{
	struct scene s;
	struct bind b;
	siginfo_t si;
	pid_t pid;

	set(&s, DISK_TMPFS);
	assert_int_equal(
		mount("", s.disk, "", MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL), 0);
	assert_int_equal(chmod(s.dir.path, 0755), 0);
	pid = fork();
	if (pid == 0)
		_exit(mount_in_a_user_namespace(&s, bind_of(&s, &b, WORDS("rbind", "ro"))));
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	if (si.si_status != TEST_SKIPPED)
		assert_int_equal(si.si_status, 0);
	scene_strike(&s);
	if (si.si_status == TEST_SKIPPED)
		test_skip("user namespaces are not allowed here");
}

/* mountinfo: shared:N, master:N, unbindable, or nothing of these. */
TEST(words_of_propagation_are_applied)
{
	struct scene s;
	struct bind b;

	set(&s, DISK_TMPFS);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind", "shared")), 1);
	scene_expect_mountinfo(&s, "rootfs", " shared:", true);
	scene_unmount(&s);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind", "ro", "unbindable")), 1);
	scene_expect_mountinfo(&s, "rootfs", " unbindable ", true);
	scene_expect_mountinfo(&s, "rootfs", " ro,", true);
	scene_unmount(&s);
	assert_int_equal(mount(NULL, s.disk, NULL, MS_SHARED, NULL), 0);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind")), 1);
	scene_expect_mountinfo(&s, "rootfs", " shared:", true); /* as its source */
	scene_unmount(&s);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind", "slave")), 1);
	scene_expect_mountinfo(&s, "rootfs", " master:", true);
	scene_expect_mountinfo(&s, "rootfs", " shared:", false);
	scene_unmount(&s);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind", "private")), 1);
	scene_expect_mountinfo(&s, "rootfs", " shared:", false);
	scene_expect_mountinfo(&s, "rootfs", " master:", false);
	scene_strike(&s);
}

TEST(recursive_words_of_propagation_reach_what_is_below)
{
	char sub[SCENE_PATH_MAX + 16];
	struct scene s;
	struct bind b;

	set(&s, DISK_TMPFS);
	snprintf(sub, sizeof(sub), "%s/source/sub", s.disk);
	assert_int_equal(mount("tmpfs", sub, "tmpfs", 0, NULL), 0);
	s.mounts++;
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind", "shared")), 1);
	scene_expect_mountinfo(&s, "rootfs/sub", " shared:", false);
	scene_unmount(&s);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind", "rshared")), 1);
	scene_expect_mountinfo(&s, "rootfs/sub", " shared:", true);
	scene_unmount(&s);
	assert_int_equal(umount2(sub, 0), 0);
	s.mounts--;
	scene_strike(&s);
}

TEST(a_filesystem_gets_flags_data_and_propagation_each_where_it_belongs)
{
	static const char *const options[] = { "defaults", "silent", "lazytime", "mode=700",
		"nosuid", "size=1m", "rshared" };
	const struct rootfs_mount m = { "tmpfs", "tmpfs", "", options, ARRAY_LEN(options) };
	struct scene s;

	set(&s, DISK_TMPFS);
	scene_mount(&s, &m, 1);
	scene_expect_mountinfo(&s, "rootfs", "nosuid", true);
	scene_expect_mountinfo(&s, "rootfs", " shared:", true);
	scene_expect_mountinfo(&s, "rootfs", "lazytime", true);
	scene_expect_mountinfo(&s, "rootfs", "size=1024k,mode=700", true);
	scene_strike(&s);
}

TEST(a_word_no_filesystem_knows_is_an_error_that_shows_it)
{
	static const char *const options[] = { "nosuchword" };
	const struct rootfs_mount m = { "tmpfs", "tmpfs", "", options, 1 };
	struct scene s;

	set(&s, DISK_TMPFS);
	scene_mount_fails(
		&s, &m, "fstype: tmpfs, flags: 0, data: \"nosuchword\", err: invalid argument");
	scene_strike(&s);
}

static struct rootfs_mount remount_of(const char *type, const char *const *options, size_t n)
{
	return (struct rootfs_mount){ type, "none", "", options, n };
}

TEST(a_remount_changes_what_is_there_and_without_anything_to_change_is_nothing)
{
	static const char *const size[] = { "size=1m" };
	static const char *const data[] = { "remount", "size=2m" };
	static const char *const nothing[] = { "remount", "defaults" };
	static const char *const ro[] = { "remount", "ro" };
	struct rootfs_mount m = { "tmpfs", "tmpfs", "", size, 1 };
	struct scene s;

	set(&s, DISK_TMPFS);
	scene_mount(&s, &m, 1);
	m = remount_of("tmpfs", data, 2);
	scene_mount(&s, &m, 1);
	scene_expect_mountinfo(&s, "rootfs", "size=2048k", true);
	m = remount_of("tmpfs", nothing, 2);
	scene_mount(&s, &m, 1);
	scene_expect_mountinfo(&s, "rootfs", "size=2048k", true);
	assert_int_equal(scene_count(&s), 1);
	m = remount_of("tmpfs", ro, 2);
	scene_mount(&s, &m, 1);
	assert_int_equal(scene_try_write(&s, "rootfs/new"), -EROFS);
	assert_int_equal(scene_count(&s), 1);
	scene_strike(&s);
}

TEST(a_bind_mount_can_be_remounted)
{
	struct scene s;
	struct bind b;

	set(&s, DISK_TMPFS);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind")), 1);
	scene_mount(&s, bind_of(&s, &b, WORDS("bind", "remount", "ro")), 1);
	assert_int_equal(scene_count(&s), 1);
	assert_int_equal(scene_try_write(&s, "rootfs/new"), -EROFS);
	scene_mount(&s, bind_of(&s, &b, WORDS("bind", "remount", "rw")), 1);
	assert_int_equal(scene_try_write(&s, "rootfs/new"), 0);
	scene_strike(&s);
}

static void need_fuse(void)
{
	struct command c = command_run("command -v mount.fuse3 && command -v fuse-overlayfs");
	bool there = c.code == 0 && access("/dev/fuse", R_OK | W_OK) == 0;

	command_fini(&c);
	if (!there)
		test_skip("there is no fuse-overlayfs, mount.fuse3 or /dev/fuse");
	/* The daemon becomes ours when its starters have gone. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static void await_daemon(void)
{
	siginfo_t si;

	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED), 0);
	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED), -1);
}

TEST(a_fuse_filesystem_is_mounted_by_its_helper_and_its_daemon_goes_with_it)
{
	char lower[SCENE_PATH_MAX * 2], upper[SCENE_PATH_MAX * 2], work[SCENE_PATH_MAX * 2];
	const char *const options[] = { "defaults", lower, upper, work, "rslave", "nosuid" };
	const struct rootfs_mount m = { "fuse3.fuse-overlayfs", "overlay", "", options, 6 };
	struct scene s;

	set(&s, DISK_TMPFS);
	need_fuse();
	scene_folder(&s, "disk/upper", 0);
	scene_folder(&s, "disk/work", 0);
	snprintf(lower, sizeof(lower), "lowerdir=%s/source", s.disk);
	snprintf(upper, sizeof(upper), "upperdir=%s/upper", s.disk);
	snprintf(work, sizeof(work), "workdir=%s/work", s.disk);
	scene_mount(&s, &m, 1);
	scene_expect_mountinfo(&s, "rootfs", " fuse.fuse-overlayfs ", true);
	scene_expect_owner(&s, "rootfs/file", 0);
	assert_int_equal(scene_try_write(&s, "rootfs/new"), 0);
	scene_expect_owner(&s, "disk/upper/new", 0);
	scene_unmount(&s);
	await_daemon();
	scene_strike(&s);
}

TEST(a_fuse_filesystem_comes_off_without_its_own_program_too)
{
	char lower[SCENE_PATH_MAX * 2];
	const char *const options[] = { lower };
	const struct rootfs_mount m = { "fuse3.fuse-overlayfs", "overlay", "", options, 1 };
	struct scene s;

	set(&s, DISK_TMPFS);
	need_fuse();
	snprintf(lower, sizeof(lower), "lowerdir=%s/source", s.disk);
	scene_mount(&s, &m, 1);
	assert_int_equal(setenv("PATH", s.disk, 1), 0);
	scene_unmount(&s);
	await_daemon();
	scene_strike(&s);
}

TEST(what_a_helper_says_when_it_fails_is_told)
{
	static const char *const options[] = { "lowerdir=/nowhere/at/all" };
	struct rootfs_mount m = { "fuse3.fuse-overlayfs", "overlay", "", options, 1 };
	struct scene s;

	set(&s, DISK_TMPFS);
	need_fuse();
	scene_mount_fails(&s, &m, "mount.fuse3 ended with status ");
	scene_mount_fails(&s, &m, "cannot resolve path /nowhere/at/all");
	m.type = "fuse3.no-such-filesystem";
	scene_mount_fails(&s, &m, "no-such-filesystem");
	scene_strike(&s);
}

TEST(a_helper_that_is_not_there_is_named)
{
	const struct rootfs_mount m = { "fuse.anything", "src", "", NULL, 0 };
	struct scene s;

	set(&s, DISK_TMPFS);
	assert_int_equal(setenv("PATH", s.disk, 1), 0);
	scene_mount_fails(&s, &m, "run mount.fuse: no such file or directory");
	scene_strike(&s);
}

/* A script in its place shows what it is called with. */
TEST(a_helper_gets_the_words_the_reference_gives_it)
{
	static const char *const options[] = { "ro", "defaults", "shared", "a=b,c" };
	const struct rootfs_mount m = { "fuse.thing", "the source", "sub", options, 4 };
	char path[2 * SCENE_PATH_MAX], words[2 * SCENE_PATH_MAX];
	struct scene s;
	struct bind b;

	set(&s, DISK_TMPFS);
	tmpdir_write(&s.dir, "disk/mount.fuse",
		"#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done\nexit 3\n");
	assert_int_equal(fchmodat(s.dir.fd, "disk/mount.fuse", 0755, 0), 0);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", s.disk);
	assert_int_equal(setenv("PATH", path, 1), 0);
	scene_mount(&s, bind_of(&s, &b, WORDS("rbind")), 1);
	snprintf(words, sizeof(words),
		"mount.fuse ended with status 3, output: \"<the "
		"source><%s/sub><-o><ro><-o><a=b,c><-t><thing>\"",
		s.rootfs);
	scene_mount_fails(&s, &m, words);
	scene_strike(&s);
}

/* Between our look at the table of mounts and the unmount, once in a while. */
TEST(what_somebody_else_takes_off_meanwhile_is_off)
{
	struct scene s;

	scene_set(&s, DISK_TMPFS);
	for (int i = 0; i < 300; i++) {
		siginfo_t si;
		pid_t other;

		assert_int_equal(mount("tmpfs", s.rootfs, "tmpfs", 0, NULL), 0);
		other = fork();
		if (other == 0)
			_exit(umount2(s.rootfs, MNT_DETACH) < 0 && errno != EINVAL);
		scene_unmount(&s);
		assert_int_equal(waitid(P_PID, (id_t)other, &si, WEXITED), 0);
		assert_int_equal(si.si_status, 0);
	}
	scene_strike(&s);
}
