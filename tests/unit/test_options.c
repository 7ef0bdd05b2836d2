/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/options.h"

#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

struct row {
	const char *option;
	unsigned long sets, clears;
};

/* Every word the reference knows. */
static const struct row rows[] = {
	{ "async", 0, MS_SYNCHRONOUS },
	{ "atime", 0, MS_NOATIME },
	{ "bind", MS_BIND, 0 },
	{ "defaults", 0, 0 },
	{ "dev", 0, MS_NODEV },
	{ "diratime", 0, MS_NODIRATIME },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "mand", MS_MANDLOCK, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "nodev", MS_NODEV, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "noexec", MS_NOEXEC, 0 },
	{ "nomand", 0, MS_MANDLOCK },
	{ "norelatime", 0, MS_RELATIME },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "nosuid", MS_NOSUID, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "remount", MS_REMOUNT, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "sync", MS_SYNCHRONOUS, 0 },
};

static int plan(struct mount_plan *ret, const char *const *options, size_t n, struct err *e)
{
	const struct rootfs_mount m = { .options = options, .n_options = n };

	return options_plan(ret, &m, e);
}

static void expect_plan(const char *const *options, size_t n, unsigned long flags, const char *data)
{
	struct err e = ERR_INIT;
	struct mount_plan p;

	assert_int_equal(plan(&p, options, n, &e), 0);
	assert_int_equal(p.flags, flags);
	assert_int_equal(p.data.len, strlen(data));
	assert_string_equal(buf_text(&p.data), data);
	buf_fini(&p.data);
}

TEST(every_known_option_sets_its_flags_and_no_others)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_plan(&rows[i].option, 1, rows[i].sets, "");
}

/* Against everything the others set. */
TEST(every_known_option_clears_its_flags_and_no_others)
{
	const char *options[ARRAY_LEN(rows) + 1];
	unsigned long all = 0;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		all |= rows[i].sets;
		if (rows[i].clears == 0)
			options[n++] = rows[i].option;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		options[n] = rows[i].option;
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
	static const char *const options[] = { "RO", "rob", "r", "", "bind=1" };

	expect_plan(options, ARRAY_LEN(options), 0, "RO,rob,r,,bind=1");
}

static void expect_refused(const char *option, enum status status, const char *words)
{
	const char *const options[] = { "ro", option };
	struct err e = ERR_INIT;
	struct mount_plan p;

	assert_int_equal(plan(&p, options, 2, &e), -1);
	assert_string_equal(e.msg, words);
	assert_int_equal(e.status, status);
}

TEST(what_cannot_be_honoured_is_refused_by_name)
{
	expect_refused("loop", STATUS_UNIMPLEMENTED, "mount option \"loop\" is not supported");
	expect_refused("uidmap=0:1000:5", STATUS_UNIMPLEMENTED,
		"mount option \"uidmap=0:1000:5\" is not supported");
	expect_refused("gidmap=0:1000:5", STATUS_UNIMPLEMENTED,
		"mount option \"gidmap=0:1000:5\" is not supported");
	expect_refused("X-containerd.custom", STATUS_UNKNOWN,
		"internal mount option \"X-containerd.custom\" was not consumed by the mount "
		"manager");
}

TEST(data_is_limited_to_what_the_kernel_takes)
{
	char *longest = malloc(OPTIONS_DATA_MAX + 2);
	const char *one[] = { longest }, *two[] = { "a", longest };
	struct err e = ERR_INIT;
	struct mount_plan p;

	memset(longest, 'x', OPTIONS_DATA_MAX + 1);
	longest[OPTIONS_DATA_MAX] = '\0';
	expect_plan(one, 1, 0, longest);
	assert_int_equal(plan(&p, two, 2, &e), -1);
	assert_string_equal(e.msg, "mount options is too long");
	assert_int_equal(e.status, STATUS_UNKNOWN);
	longest[OPTIONS_DATA_MAX] = 'x';
	longest[OPTIONS_DATA_MAX + 1] = '\0';
	assert_int_equal(plan(&p, one, 1, &e), -1);
	free(longest);
}
