/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/layers.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

static void expect_layers(const char *text, const char *const *wanted, size_t n)
{
	struct layers l;

	assert_int_equal(layers_split(text, &l), 0);
	assert_int_equal(l.n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(l.path[i], wanted[i]);
	layers_fini(&l);
}

TEST(layers_are_parted_by_colons)
{
	expect_layers("/a", (const char *const[]){ "/a" }, 1);
	expect_layers("/a:/b/c:d", (const char *const[]){ "/a", "/b/c", "d" }, 3);
}

TEST(a_backslash_takes_the_meaning_away)
{
	expect_layers("/a\\:b:/c\\\\:/d\\,e", (const char *const[]){ "/a:b", "/c\\", "/d,e" }, 3);
	expect_layers("/a\\", (const char *const[]){ "/a\\" }, 1);
}

TEST(a_layer_has_a_name)
{
	static const char *const bad[] = { "", ":", "/a:", ":/a", "/a::/b" };
	struct layers l;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(layers_split(bad[i], &l), -EINVAL);
}

static size_t common(const char *text)
{
	struct layers l;
	size_t n;

	assert_int_equal(layers_split(text, &l), 0);
	n = layers_common(&l);
	layers_fini(&l);
	return n;
}

TEST(the_common_parent_is_a_whole_folder_and_no_layer_itself)
{
	assert_int_equal(common("/a/1/fs:/a/2/fs"), 3);
	assert_int_equal(common("/a/12:/a/13"), 3);
	assert_int_equal(common("/a/b"), 3);
	assert_int_equal(common("/a/b:/a/b/c"), 3);
	assert_int_equal(common("/a:/b"), 0);
	assert_int_equal(common("/a/b:/a"), 0);
	assert_int_equal(common("/ab/x:/a/y"), 0);
	assert_int_equal(common("a/1:a/2"), 0);
	assert_int_equal(common("/a/1:a/2"), 0);
	assert_int_equal(common("/a/b:/a/"), 0);
}

static void expect_joined(const char *text, size_t skip, const char *wanted)
{
	auto_buf struct buf b = BUF_INIT(64);
	struct layers l;

	assert_int_equal(layers_split(text, &l), 0);
	assert_int_equal(layers_join(&l, skip, &b), 0);
	assert_string_equal(buf_text(&b), wanted);
	layers_fini(&l);
}

TEST(layers_are_joined_as_they_were_or_without_their_parent)
{
	expect_joined("/a/1:/a/2", 0, "/a/1:/a/2");
	expect_joined("/a/1:/a/2", 3, "1:2");
	expect_joined("/a\\:b:/c\\\\:/d\\,e", 0, "/a\\:b:/c\\\\:/d\\,e");
}

TEST(what_does_not_fit_is_not_joined)
{
	auto_buf struct buf b = BUF_INIT(8);
	struct layers l;

	assert_int_equal(layers_split("/a/1:/a/2", &l), 0);
	assert_int_equal(layers_join(&l, 0, &b), -ENOBUFS);
	layers_fini(&l);
}
