/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/options.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

struct row {
	const char *option;
	unsigned long sets, clears;
};

/* Every word the reference knows, and the flags of mount(8) it does not. */
static const struct row rows[] = {
	{ "async", 0, MS_SYNCHRONOUS },
	{ "atime", 0, MS_NOATIME },
	{ "bind", MS_BIND, 0 },
	{ "defaults", 0, 0 },
	{ "dev", 0, MS_NODEV },
	{ "diratime", 0, MS_NODIRATIME },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "iversion", MS_I_VERSION, 0 },
	{ "lazytime", MS_LAZYTIME, 0 },
	{ "loud", 0, MS_SILENT },
	{ "mand", MS_MANDLOCK, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "nodev", MS_NODEV, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "noexec", MS_NOEXEC, 0 },
	{ "noiversion", 0, MS_I_VERSION },
	{ "nolazytime", 0, MS_LAZYTIME },
	{ "nomand", 0, MS_MANDLOCK },
	{ "norelatime", 0, MS_RELATIME },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "nosuid", MS_NOSUID, 0 },
	{ "nosymfollow", MS_NOSYMFOLLOW, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "remount", MS_REMOUNT, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "silent", MS_SILENT, 0 },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "symfollow", 0, MS_NOSYMFOLLOW },
	{ "sync", MS_SYNCHRONOUS, 0 },
};

/* Of no type that means anything by itself. */
static int plan(struct mount_plan *ret, const char *const *options, size_t n, struct err *e)
{
	const struct rootfs_mount m = { "ext4", "/dev/x", "", options, n };

	return options_plan(ret, &m, e);
}

static void expect_text(const struct mount_plan *p, const char *data)
{
	auto_buf struct buf text = BUF_INIT(OPTIONS_DATA_MAX);

	assert_int_equal(mount_plan_text(p, &text), 0);
	assert_int_equal(text.len, strlen(data));
	assert_string_equal(buf_text(&text), data);
}

static void expect_plan(const char *const *options, size_t n, unsigned long flags, const char *data)
{
	struct err e = ERR_INIT;
	struct mount_plan p;

	if (plan(&p, options, n, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(p.flags, flags);
	expect_text(&p, data);
	mount_plan_fini(&p);
}

TEST(every_known_option_sets_its_flags_and_no_others)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_plan(&rows[i].option, 1, rows[i].sets, "");
}

/* Against everything the others set, but that it is a bind mount, which refuses some. */
TEST(every_known_option_clears_its_flags_and_no_others)
{
	const char *options[ARRAY_LEN(rows) + 1];
	unsigned long all = 0;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].sets & MS_BIND)
			continue;
		all |= rows[i].sets;
		if (rows[i].clears == 0)
			options[n++] = rows[i].option;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		options[n] = rows[i].option;
		if (rows[i].clears != 0)
			expect_plan(options, n + 1, all & ~rows[i].clears, "");
	}
}

TEST(the_last_of_two_opposites_counts)
{
	static const char *const rw[] = { "ro", "rw" };
	static const char *const ro[] = { "rw", "ro" };

	expect_plan(rw, 2, 0, "");
	expect_plan(ro, 2, MS_RDONLY, "");
}

TEST(what_is_no_flag_is_for_the_filesystem_in_its_order)
{
	static const char *const options[] = { "lowerdir=/a:/b", "ro", "upperdir=/c,d",
		"index=off" };

	expect_plan(
		options, ARRAY_LEN(options), MS_RDONLY, "lowerdir=/a:/b,upperdir=/c,d,index=off");
	expect_plan(NULL, 0, 0, "");
}

TEST(words_are_compared_whole)
{
	static const char *const options[] = { "RO", "rob", "r", "", "bind=1", "loops" };

	expect_plan(options, ARRAY_LEN(options), 0, "RO,rob,r,,bind=1,loops");
}

static void refused(const struct rootfs_mount *m, enum status status, const char *words)
{
	struct err e = ERR_INIT;
	struct mount_plan p;

	assert_int_equal(options_plan(&p, m, &e), -1);
	assert_string_equal(e.msg, words);
	assert_int_equal(e.status, status);
}

static void expect_refused(
	const char *type, const char *with, const char *option, const char *words)
{
	const char *const options[] = { with, option };
	const struct rootfs_mount m = { type, "/src", "", options, 2 };

	refused(&m, STATUS_UNIMPLEMENTED, words);
}

TEST(what_is_meant_for_containerd_itself_is_refused_in_the_references_words)
{
	const char *const options[] = { "ro", "X-containerd.custom" };
	const struct rootfs_mount m = { "fuse3.x", "/src", "", options, 2 };

	refused(&m, STATUS_UNKNOWN,
		"internal mount option \"X-containerd.custom\" was not consumed by the mount "
		"manager");
}

TEST(a_type_with_a_transform_is_refused_by_name)
{
	struct rootfs_mount m = { .type = "format/overlay", .source = "overlay" };

	refused(&m, STATUS_UNIMPLEMENTED,
		"mount type \"format/overlay\" of \"overlay\": the transform \"format/\" is for "
		"containerd's mount manager");
	m.type = "mkfs/ext4";
	refused(&m, STATUS_UNIMPLEMENTED,
		"mount type \"mkfs/ext4\" of \"overlay\": the transform \"mkfs/\" is for "
		"containerd's mount manager");
	m.type = "format/mkdir/bind";
	refused(&m, STATUS_UNIMPLEMENTED,
		"mount type \"format/mkdir/bind\" of \"overlay\": the transform \"format/\" is for "
		"containerd's mount manager");
}

TEST(what_a_bind_mount_would_ignore_is_refused_by_name)
{
	expect_refused("bind", "rbind", "foo",
		"mount option \"foo\" of \"/src\" (type bind): no such option, and a bind mount "
		"takes no data");
	expect_refused("bind", "bind", "",
		"mount option \"\" of \"/src\" (type bind): no such option, and a bind mount takes "
		"no "
		"data");
	expect_refused("bind", "bind", "lazytime",
		"mount option \"lazytime\" of \"/src\" (type bind): a bind mount cannot change its "
		"filesystem");
	expect_refused("bind", "bind", "loop",
		"mount option \"loop\" of \"/src\" (type bind): a bind mount has no device");
	expect_refused("bind", "bind", "direct-io",
		"mount option \"direct-io\" of \"/src\" (type bind): no such option, and a bind "
		"mount "
		"takes no data");
}

TEST(what_makes_no_sense_together_is_refused_by_name)
{
	expect_refused("ext4", "remount", "loop",
		"mount option \"loop\" of \"/src\" (type ext4): not with remount");
	expect_refused("fuse3.x", "ro", "loop",
		"mount option \"loop\" of \"/src\" (type fuse3.x): not with a mount helper");
	expect_refused("fuse.x", "ro", "bind",
		"mount option \"bind\" of \"/src\" (type fuse.x): not with a mount helper");
	expect_refused("fuse.x", "uidmap=0:1:2", "gidmap=0:1:2",
		"mount option \"uidmap=\" of \"/src\" (type fuse.x): not with a mount helper");
	expect_refused("ext4", "ro", "uidmap=0:1:2",
		"mount option \"uidmap=\" of \"/src\" (type ext4): there is no gidmap=");
	expect_refused("ext4", "ro", "gidmap=0:1:2",
		"mount option \"gidmap=\" of \"/src\" (type ext4): there is no uidmap=");
}

TEST(a_map_that_is_wrong_is_refused_before_anything_is_done)
{
	const char *const options[] = { "uidmap=0:1:2", "gidmap=0:x:1" };
	const struct rootfs_mount m = { "ext4", "/src", "", options, 2 };

	refused(&m, STATUS_INVALID_ARGUMENT,
		"mount option \"gidmap=0:x:1\": range 1 is not container:host:size, three decimal "
		"numbers");
}

TEST(maps_and_loop_are_no_data_and_the_last_map_counts)
{
	static const char *const options[] = { "uidmap=9:9:9", "loop", "gidmap=0:5:1", "acl",
		"uidmap=0:7:1", "direct-io", "data=ordered" };
	struct err e = ERR_INIT;
	struct mount_plan p;

	assert_int_equal(plan(&p, options, ARRAY_LEN(options), &e), 0);
	assert_string_equal(p.uidmap, "0:7:1");
	assert_string_equal(p.gidmap, "0:5:1");
	assert_true(p.loop);
	assert_true(p.direct_io);
	expect_text(&p, "acl,data=ordered");
	mount_plan_fini(&p);
}

TEST(direct_io_without_a_loop_device_is_for_the_filesystem)
{
	static const char *const options[] = { "direct-io" };

	expect_plan(options, 1, 0, "direct-io");
}

struct word {
	const char *option;
	unsigned long propagation;
};

TEST(words_of_propagation_are_neither_flags_nor_data_and_the_last_counts)
{
	static const struct word words[] = {
		{ "shared", MS_SHARED },
		{ "rshared", MS_SHARED | MS_REC },
		{ "private", MS_PRIVATE },
		{ "rprivate", MS_PRIVATE | MS_REC },
		{ "slave", MS_SLAVE },
		{ "rslave", MS_SLAVE | MS_REC },
		{ "unbindable", MS_UNBINDABLE },
		{ "runbindable", MS_UNBINDABLE | MS_REC },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *options[] = { "rshared", "ro", words[i].option };
		struct err e = ERR_INIT;
		struct mount_plan p;

		assert_int_equal(plan(&p, options, 3, &e), 0);
		assert_int_equal(p.flags, MS_RDONLY);
		assert_int_equal(p.propagation, words[i].propagation);
		expect_text(&p, "");
		assert_false(option_is_for_helper(words[i].option));
		mount_plan_fini(&p);
	}
}

TEST(a_helper_is_known_by_the_prefix_of_the_type)
{
	const char *program = "";

	assert_string_equal(mount_helper("fuse.sshfs", &program), "sshfs");
	assert_string_equal(program, "mount.fuse");
	assert_string_equal(mount_helper("fuse3.fuse-overlayfs", &program), "fuse-overlayfs");
	assert_string_equal(program, "mount.fuse3");
	assert_null(mount_helper("fuse", &program));
	assert_null(mount_helper("fuseblk", &program));
	assert_null(mount_helper("overlay", &program));
	assert_true(option_is_for_helper("ro"));
	assert_true(option_is_for_helper("lowerdir=/a"));
	assert_false(option_is_for_helper("defaults"));
}

TEST(data_is_limited_to_what_the_kernel_takes)
{
	auto_buf struct buf text = BUF_INIT(OPTIONS_DATA_MAX);
	char *longest = malloc(OPTIONS_DATA_MAX + 2);
	const char *one[] = { longest }, *two[] = { "a", longest };
	struct err e = ERR_INIT;
	struct mount_plan p;

	memset(longest, 'x', OPTIONS_DATA_MAX + 1);
	longest[OPTIONS_DATA_MAX] = '\0';
	expect_plan(one, 1, 0, longest);
	assert_int_equal(plan(&p, two, 2, &e), 0);
	assert_int_equal(mount_plan_text(&p, &text), -ENOBUFS);
	mount_plan_fini(&p);
	free(longest);
}

TEST(one_option_too_many_is_refused)
{
	const char *options[ROOTFS_OPTIONS_MAX + 1];
	struct err e = ERR_INIT;
	struct mount_plan p;

	for (size_t i = 0; i <= ROOTFS_OPTIONS_MAX; i++)
		options[i] = "ro";
	assert_int_equal(plan(&p, options, ROOTFS_OPTIONS_MAX, &e), 0);
	mount_plan_fini(&p);
	assert_int_equal(plan(&p, options, ROOTFS_OPTIONS_MAX + 1, &e), -1);
	assert_string_equal(e.msg, "1025 options for one mount, at most 1024");
}
