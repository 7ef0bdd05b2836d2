/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"
#include "tests/lib/test.h"

#include <string.h>

TEST(what_containerd_and_kubernetes_use_is_legal)
{
	assert_true(id_is_valid("a"));
	assert_true(id_is_valid("0"));
	assert_true(id_is_valid("default"));
	assert_true(id_is_valid("k8s.io"));
	assert_true(id_is_valid("my_container-1.2"));
	assert_true(id_is_valid("AZaz09"));
	assert_true(
		id_is_valid("5cba1a7f4f6c59cf1e0d09ef9f3a1f6aa2a5a9bb3e1d3d4a2f0e9c8b7a6f5e4d"));
}

TEST(nothing_is_no_id)
{
	assert_false(id_is_valid(""));
}

TEST(an_id_neither_begins_nor_ends_in_a_joint_nor_has_two_in_a_row)
{
	assert_false(id_is_valid("."));
	assert_false(id_is_valid(".."));
	assert_false(id_is_valid("-a"));
	assert_false(id_is_valid("a-"));
	assert_false(id_is_valid("_a"));
	assert_false(id_is_valid("a."));
	assert_false(id_is_valid("a..b"));
	assert_false(id_is_valid("a-_b"));
}

TEST(an_id_cannot_leave_its_directory_or_pass_for_an_option)
{
	assert_false(id_is_valid("a/b"));
	assert_false(id_is_valid("../a"));
	assert_false(id_is_valid("/a"));
	assert_false(id_is_valid("--force"));
}

TEST(other_bytes_are_refused)
{
	char id[] = "a?b";

	for (int c = 1; c < 256; c++) {
		id[1] = (char)c;
		assert_int_equal(id_is_valid(id),
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') || strchr("._-", c) != NULL);
	}
}

TEST(the_longest_id_has_76_bytes)
{
	char id[ID_MAX + 2];

	memset(id, 'a', sizeof(id));
	id[ID_MAX] = '\0';
	assert_int_equal(strlen(id), 76);
	assert_true(id_is_valid(id));
	id[ID_MAX] = 'a';
	id[ID_MAX + 1] = '\0';
	assert_false(id_is_valid(id));
}
