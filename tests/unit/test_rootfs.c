/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Real mounts, and off again. Root only; each test has a mount namespace of its own.
 */

#include "process/rootfs/mountinfo.h"
#include "process/rootfs/rootfs.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_ROOM (TMPDIR_PATH_MAX + 64)

struct scene {
	struct tmpdir dir;
	char rootfs[PATH_ROOM], source[PATH_ROOM];
};

static void make_folder(const struct scene *s, const char *name)
{
	assert_int_equal(mkdirat(s->dir.fd, name, 0755), 0);
}

/* rootfs/ is the target; source/ has a file and a folder. */
static void scene_set(struct scene *s)
{
	if (geteuid() != 0)
		test_skip("mount needs root");
	tmpdir_open(&s->dir);
	make_folder(s, "rootfs");
	make_folder(s, "source");
	make_folder(s, "source/sub");
	tmpdir_write(&s->dir, "source/file", "hello");
	snprintf(s->rootfs, sizeof(s->rootfs), "%s/rootfs", s->dir.path);
	snprintf(s->source, sizeof(s->source), "%s/source", s->dir.path);
}

static size_t count_mounts(const struct scene *s)
{
	struct mount_points points;
	size_t n;

	assert_int_equal(mountinfo_below("/proc/self/mountinfo", s->dir.path, &points), 0);
	n = points.n;
	mount_points_fini(&points);
	return n;
}

static void unmount(const struct scene *s)
{
	struct err e = ERR_INIT;

	if (rootfs_unmount_all(s->rootfs, &e) < 0)
		fail_msg("%s", e.msg);
}

static void scene_strike(struct scene *s)
{
	unmount(s);
	assert_int_equal(count_mounts(s), 0);
	tmpdir_close(&s->dir);
}

static struct rootfs_mount bind_mount(const struct scene *s, const char *target, const char *option)
{
	static const char *options[2];

	options[0] = "rbind";
	options[1] = option;
	return (struct rootfs_mount){ "bind", s->source, target, options, option ? 2 : 1 };
}

static void mount_one(const struct scene *s, const struct rootfs_mount *m)
{
	struct err e = ERR_INIT;

	if (rootfs_mount_all(s->rootfs, m, 1, &e) < 0)
		fail_msg("%s", e.msg);
}

static void expect_failure(
	const struct scene *s, const struct rootfs_mount *m, size_t n, const char *words)
{
	struct err e = ERR_INIT;

	assert_int_equal(rootfs_mount_all(s->rootfs, m, n, &e), -1);
	if (!strstr(e.msg, words))
		fail_msg("no '%s' in '%s'", words, e.msg);
	assert_memory_equal(e.msg, "failed to mount rootfs component: ", 34);
	assert_int_equal(count_mounts(s), 0);
}

static void expect_file(const struct scene *s, const char *name, const char *text)
{
	char *is = tmpdir_read(&s->dir, name);

	assert_non_null(is);
	assert_string_equal(is, text);
	free(is);
}

static int try_write(const struct scene *s, const char *name)
{
	int fd = openat(s->dir.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

TEST(a_bind_mount_shows_what_is_at_its_source)
{
	struct rootfs_mount m;
	struct scene s;

	scene_set(&s);
	m = bind_mount(&s, "", NULL);
	mount_one(&s, &m);
	expect_file(&s, "rootfs/file", "hello");
	assert_int_equal(try_write(&s, "rootfs/new"), 0);
	unmount(&s);
	assert_null(tmpdir_read(&s.dir, "rootfs/file"));
	expect_file(&s, "source/new", "");
	scene_strike(&s);
}

TEST(rbind_brings_what_is_mounted_below_and_bind_does_not)
{
	static const char *const plain[] = { "bind" };
	struct rootfs_mount m;
	struct scene s;

	scene_set(&s);
	assert_int_equal(mount("tmpfs", strcat(s.source, "/sub"), "tmpfs", 0, NULL), 0);
	s.source[strlen(s.source) - 4] = '\0';
	assert_int_equal(try_write(&s, "source/sub/deep"), 0);
	m = bind_mount(&s, "", NULL);
	mount_one(&s, &m);
	expect_file(&s, "rootfs/sub/deep", "");
	unmount(&s);
	m.options = plain;
	m.n_options = 1;
	mount_one(&s, &m);
	assert_null(tmpdir_read(&s.dir, "rootfs/sub/deep"));
	unmount(&s);
	assert_int_equal(umount2(strcat(s.source, "/sub"), 0), 0);
	scene_strike(&s);
}

TEST(a_read_only_bind_mount_is_read_only)
{
	struct rootfs_mount m;
	struct scene s;

	scene_set(&s);
	m = bind_mount(&s, "", "ro");
	mount_one(&s, &m);
	expect_file(&s, "rootfs/file", "hello");
	assert_int_equal(try_write(&s, "rootfs/new"), -EROFS);
	assert_int_equal(try_write(&s, "source/new"), 0); /* the source is not touched */
	scene_strike(&s);
}

TEST(an_overlay_is_mounted)
{
	char options[4 * PATH_ROOM];
	const char *const list[] = { options };
	struct rootfs_mount m = { "overlay", "overlay", "", list, 1 };
	struct scene s;

	scene_set(&s);
	make_folder(&s, "upper");
	make_folder(&s, "work");
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s/upper,workdir=%s/work",
		s.source, s.dir.path, s.dir.path);
	mount_one(&s, &m);
	expect_file(&s, "rootfs/file", "hello");
	assert_int_equal(try_write(&s, "rootfs/new"), 0);
	expect_file(&s, "upper/new", "");
	scene_strike(&s);
}

TEST(a_sub_path_is_mounted_inside_the_rootfs)
{
	struct rootfs_mount m[2];
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	m[0] = m[1] = bind_mount(&s, "", "ro");
	m[1].target = "/sub"; /* with or without the slash it is below the rootfs */
	assert_int_equal(rootfs_mount_all(s.rootfs, m, 2, &e), 0);
	expect_file(&s, "rootfs/sub/file", "hello");
	assert_int_equal(try_write(&s, "rootfs/sub/new"), -EROFS);
	assert_int_equal(count_mounts(&s), 2);
	scene_strike(&s);
}

TEST(a_link_in_an_image_cannot_lead_out_of_it)
{
	char outside[PATH_ROOM];
	struct rootfs_mount m[2];
	struct scene s;

	scene_set(&s);
	make_folder(&s, "outside");
	snprintf(outside, sizeof(outside), "%s/outside", s.dir.path);
	assert_int_equal(symlinkat(outside, s.dir.fd, "source/absolute"), 0);
	assert_int_equal(symlinkat("../../outside", s.dir.fd, "source/upward"), 0);
	assert_int_equal(symlinkat("/proc/self/root", s.dir.fd, "source/magic"), 0);
	m[0] = m[1] = bind_mount(&s, "", NULL);
	m[1].target = "absolute";
	expect_failure(&s, m, 2, "open absolute in ");
	m[1].target = "upward";
	expect_failure(&s, m, 2, "open upward in ");
	m[1].target = "magic";
	expect_failure(&s, m, 2, "open magic in ");
	m[1].target = "../outside";
	expect_failure(&s, m, 2, "open ../outside in ");
	assert_null(tmpdir_read(&s.dir, "outside/file"));
	scene_strike(&s);
}

TEST(a_link_that_stays_inside_is_followed)
{
	struct rootfs_mount m[2];
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	assert_int_equal(symlinkat("/sub", s.dir.fd, "source/link"), 0);
	m[0] = m[1] = bind_mount(&s, "", NULL);
	m[1].target = "link";
	assert_int_equal(rootfs_mount_all(s.rootfs, m, 2, &e), 0);
	expect_file(&s, "rootfs/sub/file", "hello");
	scene_strike(&s);
}

TEST(a_rootfs_that_is_a_link_is_refused)
{
	struct rootfs_mount m;
	struct scene s;

	scene_set(&s);
	assert_int_equal(unlinkat(s.dir.fd, "rootfs", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("source/sub", s.dir.fd, "rootfs"), 0);
	m = bind_mount(&s, "", NULL);
	expect_failure(&s, &m, 1, "not a directory");
	scene_strike(&s);
}

/* Names a folder and a link after each other, over and over; not while something is mounted there.
 */
static pid_t swap_names(const struct scene *s)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		(void)renameat2(s->dir.fd, "rootfs", s->dir.fd, "link", RENAME_EXCHANGE);
}

static int take_off(const struct scene *s, const char *name)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", s->dir.path, name);
	return umount2(path, UMOUNT_NOFOLLOW);
}

TEST(a_rootfs_that_is_swapped_for_a_link_meanwhile_leads_nowhere)
{
	int mounted = 0;
	struct rootfs_mount m;
	siginfo_t si;
	struct scene s;
	pid_t swapper;

	scene_set(&s);
	make_folder(&s, "outside");
	assert_int_equal(symlinkat("outside", s.dir.fd, "link"), 0);
	m = bind_mount(&s, "", "ro");
	swapper = swap_names(&s);
	for (int i = 0; i < 2000; i++) {
		struct err e = ERR_INIT;

		mounted += rootfs_mount_all(s.rootfs, &m, 1, &e) == 0;
		assert_null(tmpdir_read(&s.dir, "outside/file"));
		while (take_off(&s, "rootfs") == 0 || take_off(&s, "link") == 0)
			;
	}
	assert_int_equal(kill(swapper, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)swapper, &si, WEXITED), 0);
	assert_in_range(mounted, 1, 1999);
	scene_strike(&s);
}

TEST(a_mount_that_fails_takes_those_before_it_off_again)
{
	struct rootfs_mount m[3];
	struct scene s;

	scene_set(&s);
	m[0] = m[1] = m[2] = bind_mount(&s, "", NULL);
	m[1].target = "sub";
	m[2].source = "/nowhere/at/all";
	expect_failure(&s, m, 3, "mount source: \"/nowhere/at/all\", target: \"");
	expect_failure(&s, m + 2, 1, "no such file or directory");
	m[2] = m[1];
	m[2].type = "nosuchfs";
	m[2].n_options = 0;
	expect_failure(&s, m, 3, "fstype: nosuchfs, flags: 0, data: \"\", err: no such device");
	scene_strike(&s);
}

TEST(an_option_that_is_refused_mounts_nothing)
{
	static const char *const options[] = { "rbind", "async", "lazytime" };
	struct rootfs_mount m[2];
	struct scene s;

	scene_set(&s);
	m[0] = m[1] = bind_mount(&s, "", NULL);
	m[1].options = options;
	m[1].n_options = 3;
	expect_failure(&s, m, 2, "mount option \"lazytime\" of \"");
	scene_strike(&s);
}

TEST(stacked_mounts_come_off_to_the_last)
{
	struct rootfs_mount m[3];
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	m[0] = m[1] = m[2] = bind_mount(&s, "", NULL);
	assert_int_equal(rootfs_mount_all(s.rootfs, m, 3, &e), 0);
	assert_int_equal(count_mounts(&s), 3);
	unmount(&s);
	assert_int_equal(count_mounts(&s), 0);
	scene_strike(&s);
}

TEST(nested_mounts_come_off_deepest_first)
{
	struct rootfs_mount m[3];
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	m[0] = m[1] = m[2] = bind_mount(&s, "", NULL);
	m[1].target = "sub";
	m[2].target = "sub/sub";
	assert_int_equal(rootfs_mount_all(s.rootfs, m, 3, &e), 0);
	assert_int_equal(count_mounts(&s), 3);
	unmount(&s);
	assert_int_equal(count_mounts(&s), 0);
	scene_strike(&s);
}

/* Each path once for each of its mounts: the first is busy while the second is on it. */
TEST(a_mount_over_nested_ones_comes_off_without_an_error)
{
	struct rootfs_mount m[3];
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	m[0] = m[1] = m[2] = bind_mount(&s, "", NULL);
	m[1].target = "sub";
	assert_int_equal(rootfs_mount_all(s.rootfs, m, 3, &e), 0);
	assert_int_equal(count_mounts(&s), 3);
	unmount(&s);
	assert_int_equal(count_mounts(&s), 0);
	scene_strike(&s);
}

TEST(a_name_with_a_space_comes_off_too)
{
	struct rootfs_mount m[2];
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	make_folder(&s, "source/a b\\c");
	m[0] = m[1] = bind_mount(&s, "", NULL);
	m[1].target = "a b\\c";
	assert_int_equal(rootfs_mount_all(s.rootfs, m, 2, &e), 0);
	scene_strike(&s);
}

TEST(where_nothing_is_mounted_there_is_nothing_to_do)
{
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	unmount(&s);
	assert_int_equal(rootfs_unmount_all("/nowhere/rootfs", &e), 0);
	assert_int_equal(rootfs_mount_all(s.rootfs, NULL, 0, &e), 0);
	scene_strike(&s);
}

TEST(a_mount_beside_it_with_a_longer_name_stays)
{
	char beside[PATH_ROOM];
	struct rootfs_mount m;
	struct scene s;

	scene_set(&s);
	make_folder(&s, "rootfs2");
	snprintf(beside, sizeof(beside), "%s/rootfs2", s.dir.path);
	assert_int_equal(mount(s.source, beside, NULL, MS_BIND, NULL), 0);
	m = bind_mount(&s, "", NULL);
	mount_one(&s, &m);
	unmount(&s);
	assert_int_equal(count_mounts(&s), 1);
	assert_int_equal(umount2(beside, 0), 0);
	scene_strike(&s);
}

TEST(a_mount_somebody_uses_is_an_error_that_names_it)
{
	struct rootfs_mount m;
	struct err e = ERR_INIT;
	struct scene s;
	int user;

	scene_set(&s);
	m = bind_mount(&s, "", NULL);
	mount_one(&s, &m);
	user = openat(s.dir.fd, "rootfs/file", O_RDONLY | O_CLOEXEC);
	assert_true(user >= 0);
	assert_int_equal(rootfs_unmount_all(s.rootfs, &e), -1);
	assert_non_null(strstr(e.msg, "failed rootfs umount: unmount "));
	assert_non_null(strstr(e.msg, "/rootfs: device or resource busy"));
	close(user);
	unmount(&s);
	scene_strike(&s);
}
