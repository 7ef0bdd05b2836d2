/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What we write to control groups: ourselves into one, and the controllers of those above another.
 */

#include "process/cgroup/cgroup.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_group(const struct tmpdir *dir, const char *name, const char *file)
{
	char path[128];

	assert_int_equal(mkdirat(dir->fd, name, 0755), 0);
	if (!file)
		return;
	snprintf(path, sizeof(path), "%s/%s", name, file);
	tmpdir_write(dir, path, "");
}

static void expect_file(const struct tmpdir *dir, const char *name, const char *wanted)
{
	char *text = tmpdir_read(dir, name);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void expect_us_in(const struct tmpdir *dir, const char *name)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	expect_file(dir, name, pid);
}

TEST(in_version_2_there_is_one_group_to_join)
{
	struct tmpdir dir;

	tmpdir_open(&dir);
	make_group(&dir, "shims", "cgroup.procs");
	assert_int_equal(cgroup_join_at(dir.path, true, "/shims"), 0);
	expect_us_in(&dir, "shims/cgroup.procs");
	assert_int_equal(cgroup_join_at(dir.path, true, "/elsewhere"), -ENOENT);
	tmpdir_close(&dir);
}

TEST(what_is_no_clean_path_is_refused)
{
	static const char *const bad[] = { "", "/", "shims", "/shims/", "//shims",
		"/shims/../shims", "/./shims", "/sys/fs/cgroup/shims" };
	struct tmpdir dir;

	tmpdir_open(&dir);
	make_group(&dir, "shims", "cgroup.procs");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (cgroup_join_at(dir.path, true, bad[i]) != -EINVAL)
			fail_msg("'%s' was not refused", bad[i]);
	assert_int_equal(cgroup_join_at(dir.path, false, "/../shims"), -EINVAL);
	expect_file(&dir, "shims/cgroup.procs", "");
	tmpdir_close(&dir);
}

TEST(in_version_1_every_hierarchy_that_has_it_is_joined)
{
	struct tmpdir dir;

	tmpdir_open(&dir);
	make_group(&dir, "memory", "cgroup.procs");
	make_group(&dir, "memory/shims", "cgroup.procs");
	make_group(&dir, "pids", "cgroup.procs");
	make_group(&dir, "pids/shims", "cgroup.procs");
	make_group(&dir, "devices", "cgroup.procs");
	make_group(&dir, "unified", NULL);
	make_group(&dir, "unified/shims", "cgroup.procs");
	assert_int_equal(symlinkat("memory", dir.fd, "mem"), 0);
	assert_int_equal(cgroup_join_at(dir.path, false, "shims"), 0);
	expect_us_in(&dir, "memory/shims/cgroup.procs");
	expect_us_in(&dir, "pids/shims/cgroup.procs");
	expect_file(&dir, "devices/cgroup.procs", "");
	expect_file(&dir, "unified/shims/cgroup.procs", "");
	assert_int_equal(cgroup_join_at(dir.path, false, "/elsewhere"), -ENOENT);
	tmpdir_close(&dir);
}

#define ALL "+cpu +memory +pids"

TEST(controllers_are_enabled_down_to_the_group_but_not_in_it)
{
	struct cgroup cg = { .is_v2 = true };
	char where[] = "/pods/p1/c1";
	struct tmpdir dir;

	tmpdir_open(&dir);
	tmpdir_write(&dir, "cgroup.controllers", "cpu memory pids\n");
	tmpdir_write(&dir, "cgroup.subtree_control", "");
	make_group(&dir, "pods", "cgroup.subtree_control");
	make_group(&dir, "pods/p1", "cgroup.subtree_control");
	make_group(&dir, "pods/p1/c1", "cgroup.subtree_control");
	cg.root = dir.path;
	cg.where = where;
	assert_int_equal(cgroup_enable_controllers(&cg), 0);
	expect_file(&dir, "cgroup.subtree_control", ALL);
	expect_file(&dir, "pods/cgroup.subtree_control", ALL);
	expect_file(&dir, "pods/p1/cgroup.subtree_control", ALL);
	expect_file(&dir, "pods/p1/c1/cgroup.subtree_control", "");
	tmpdir_close(&dir);
}

TEST(a_group_that_takes_no_controllers_does_not_keep_them_from_the_next)
{
	struct cgroup cg = { .is_v2 = true };
	char where[] = "/pods/c1";
	struct tmpdir dir;

	tmpdir_open(&dir);
	cg.root = dir.path;
	cg.where = where;
	assert_int_equal(cgroup_enable_controllers(&cg), -ENOENT); /* not even a list */
	tmpdir_write(&dir, "cgroup.controllers", "cpu memory pids\n");
	make_group(&dir, "pods", "cgroup.subtree_control");
	assert_int_equal(cgroup_enable_controllers(&cg), -ENOENT); /* the root has no such file */
	expect_file(&dir, "pods/cgroup.subtree_control", ALL);
	cg.is_v2 = false;
	assert_int_equal(cgroup_enable_controllers(&cg), 0);
	tmpdir_close(&dir);
}
