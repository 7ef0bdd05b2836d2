/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Filesystems in files, through loop devices that go with the mount.
 */

#include "tests/lib/command.h"
#include "tests/root/mount_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *loop_devices(const struct scene *s)
{
	struct command c =
		command_run("losetup -n -O NAME,RO,DIO,AUTOCLEAR,BACK-FILE | grep %s", s->dir.path);

	return c.output;
}

static void expect_no_loop_device(const struct scene *s)
{
	char *devices = loop_devices(s);

	if (devices[0])
		fail_msg("%s", devices);
	free(devices);
}

TEST(a_file_is_mounted_through_a_loop_device_that_goes_with_the_mount)
{
	static const char *const options[] = { "loop", "data=ordered" };
	struct rootfs_mount m = { "ext4", NULL, "", options, 2 };
	char *devices;
	struct scene s;

	scene_set(&s, DISK_TMPFS);
	scene_make_image(&s);
	m.source = s.image;
	scene_mount(&s, &m, 1);
	assert_int_equal(scene_try_write(&s, "rootfs/new"), 0);
	scene_expect_mountinfo(&s, "rootfs", " ext4 /dev/loop", true);
	devices = loop_devices(&s);
	assert_non_null(strstr(devices, " 0 ")); /* not read-only */
	free(devices);
	scene_unmount(&s);
	expect_no_loop_device(&s);
	scene_strike(&s);
}

TEST(a_loop_device_is_read_only_when_the_mount_is)
{
	static const char *const options[] = { "ro", "loop" };
	struct rootfs_mount m = { "ext4", NULL, "", options, 2 };
	struct scene s;

	scene_set(&s, DISK_TMPFS);
	scene_make_image(&s);
	assert_int_equal(chmod(s.image, 0444), 0);
	m.source = s.image;
	scene_mount(&s, &m, 1);
	assert_int_equal(scene_try_write(&s, "rootfs/new"), -EROFS);
	scene_unmount(&s);
	expect_no_loop_device(&s);
	scene_strike(&s);
}

TEST(direct_io_is_done_or_refused)
{
	static const char *const options[] = { "loop", "direct-io" };
	struct rootfs_mount m = { "ext4", NULL, "", options, 2 };
	struct err e = ERR_INIT;
	char *devices;
	struct scene s;

	scene_set(&s, DISK_TMPFS);
	scene_make_image(&s);
	m.source = s.image;
	if (rootfs_mount_all(s.rootfs, &m, 1, &e) == 0) {
		devices = loop_devices(&s);
		assert_non_null(strstr(devices, " 1 ")); /* AUTOCLEAR and DIO both */
		free(devices);
	} else {
		assert_non_null(strstr(e.msg, "options \"loop\" and \"direct-io\""));
	}
	scene_unmount(&s);
	expect_no_loop_device(&s);
	scene_strike(&s);
}

TEST(a_loop_mount_that_fails_leaves_no_device)
{
	static const char *const options[] = { "loop" };
	struct rootfs_mount m = { "ext4", "/nowhere/image", "", options, 1 };
	struct scene s;

	scene_set(&s, DISK_TMPFS);
	scene_mount_fails(&s, &m, "option \"loop\": no such file or directory");
	scene_file(&s, "garbage", 0);
	snprintf(s.image, sizeof(s.image), "%s/garbage", s.dir.path);
	m.source = s.image;
	scene_mount_fails(&s, &m, "fstype: ext4, flags: 0, data: \"\", err: ");
	expect_no_loop_device(&s);
	scene_strike(&s);
}

#define LOOPS_AT_A_TIME 8

/* They race for the same free numbers. */
TEST(loop_devices_are_had_at_the_same_time)
{
	static const char *const options[] = { "ro", "loop" };
	struct rootfs_mount m = { "ext4", NULL, "", options, 2 };
	pid_t pids[LOOPS_AT_A_TIME];
	siginfo_t si;
	struct scene s;

	scene_set(&s, DISK_TMPFS);
	scene_make_image(&s);
	m.source = s.image;
	for (int i = 0; i < LOOPS_AT_A_TIME; i++) {
		char path[SCENE_PATH_MAX + 16];
		struct err e = ERR_INIT;

		snprintf(path, sizeof(path), "%s/m%d", s.disk, i);
		assert_int_equal(mkdir(path, 0755), 0);
		pids[i] = fork();
		if (pids[i] == 0) {
			if (rootfs_mount_all(path, &m, 1, &e) == 0)
				_exit(rootfs_unmount_all(path, &e) < 0);
			fprintf(stderr, "%s\n", e.msg);
			_exit(1);
		}
	}
	for (int i = 0; i < LOOPS_AT_A_TIME; i++) {
		assert_int_equal(waitid(P_PID, (id_t)pids[i], &si, WEXITED), 0);
		assert_int_equal(si.si_status, 0);
	}
	expect_no_loop_device(&s);
	scene_strike(&s);
}
