/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/mountinfo.h"

#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_unescaped(const char *escaped, const char *wanted)
{
	char s[64];

	snprintf(s, sizeof(s), "%s", escaped);
	mountinfo_unescape(s);
	assert_string_equal(s, wanted);
}

TEST(the_kernels_escapes_become_bytes_again)
{
	expect_unescaped("", "");
	expect_unescaped("/plain", "/plain");
	expect_unescaped("/a\\040b\\011c\\012d\\134e", "/a b\tc\nd\\e");
	expect_unescaped("\\377", "\377");
}

TEST(what_is_no_escape_stays)
{
	expect_unescaped("a\\", "a\\");
	expect_unescaped("a\\0", "a\\0");
	expect_unescaped("a\\04", "a\\04");
	expect_unescaped("a\\048", "a\\048");
	expect_unescaped("\\400", "\\400");
	expect_unescaped("\\x41", "\\x41");
	expect_unescaped("\\\\040", "\\ "); /* the kernel writes \134 for a backslash */
}

#define LINE(point) "22 1 0:21 / " point " rw,nosuid shared:7 - tmpfs tmpfs rw\n"

static void expect_below(const char *table, const char *path, const char *wanted)
{
	char file[TMPDIR_PATH_MAX + 16], found[256] = "";
	struct mount_points points;
	struct tmpdir dir;

	tmpdir_open(&dir);
	tmpdir_write(&dir, "table", table);
	snprintf(file, sizeof(file), "%s/table", dir.path);
	assert_int_equal(mountinfo_below(file, path, &points), 0);
	for (size_t i = 0; i < points.n; i++)
		snprintf(found + strlen(found), sizeof(found) - strlen(found), "[%s]",
			points.at[i].path);
	assert_string_equal(found, wanted);
	mount_points_fini(&points);
	mount_points_fini(&points);
	tmpdir_close(&dir);
}

TEST(what_is_at_or_below_a_path_is_listed_in_its_order)
{
	static const char table[] = LINE("/") LINE("/b") LINE("/b/rootfs") LINE("/b/rootfs/proc")
		LINE("/b/rootfs") LINE("/b/rootfs2") LINE("/b/root") LINE("/c/b/rootfs");

	expect_below(table, "/b/rootfs", "[/b/rootfs][/b/rootfs/proc][/b/rootfs]");
	expect_below(table, "/nowhere", "");
	expect_below("", "/b/rootfs", "");
}

TEST(names_are_compared_unescaped)
{
	expect_below(LINE("/a\\040b/rootfs") LINE("/a"), "/a b", "[/a b/rootfs]");
}

TEST(a_line_that_is_cut_off_is_passed_over)
{
	expect_below("22 1 0:21\n\n" LINE("/b") "23 1 0:22 / /b", "/b", "[/b]");
}

TEST(a_table_that_cannot_be_read_is_an_error)
{
	struct mount_points points;

	assert_int_equal(mountinfo_below("/nowhere", "/", &points), -ENOENT);
	assert_int_equal(mountinfo_below("/proc/self/fd", "/", &points), -EIO);
}

TEST(our_own_table_has_a_root)
{
	struct mount_points points;

	assert_int_equal(mountinfo_below("/proc/self/mountinfo", "/proc", &points), 0);
	assert_true(points.n >= 1);
	mount_points_fini(&points);
}

TEST(fuse_is_known_by_its_type_and_not_by_its_name)
{
	static const char *const types[] = { "fuse", "fuse.sshfs", "fuseblk", "fusectl", "ext4",
		"fused" };
	static const bool is[] = { true, true, true, false, false, false };
	struct mount_points points;
	char text[1024] = "", file[TMPDIR_PATH_MAX + 16];
	struct tmpdir dir;

	tmpdir_open(&dir);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"1 2 0:3 / /m rw shared:1 - %s fuse rw\n", types[i]);
	tmpdir_write(&dir, "table", text);
	snprintf(file, sizeof(file), "%s/table", dir.path);
	assert_int_equal(mountinfo_below(file, "/m", &points), 0);
	assert_int_equal(points.n, ARRAY_LEN(types));
	for (size_t i = 0; i < points.n; i++)
		assert_int_equal(points.at[i].is_fuse, is[i]);
	mount_points_fini(&points);
	tmpdir_close(&dir);
}
