/* SPDX-License-Identifier: Apache-2.0 */
#include "process/runtime/version.h"

#include "tests/lib/test.h"

TEST(a_version_is_compared_number_by_number)
{
	const struct version v = { 1, 3, 1 };

	assert_true(version_is_at_least("runc 1.3.1", "runc", v));
	assert_true(version_is_at_least("runc 1.3.6+ds1", "runc", v));
	assert_true(version_is_at_least("runc version 1.10.0", "runc", v));
	assert_true(version_is_at_least("runc 2.0", "runc", v));
	assert_true(version_is_at_least("runc 1.4.0-rc.1", "runc", v));
	assert_false(version_is_at_least("runc 1.3.0", "runc", v));
	assert_false(version_is_at_least("runc 1.3", "runc", v));
	assert_false(version_is_at_least("runc 1.1.5+ds1", "runc", v));
	assert_false(version_is_at_least("runc 0.9.9", "runc", v));
}

TEST(of_what_has_no_version_nothing_is_expected)
{
	const struct version v = { 0, 0, 0 };

	assert_false(version_is_at_least("", "runc", v));
	assert_false(version_is_at_least("runc", "runc", v));
	assert_false(version_is_at_least("runc ", "runc", v));
	assert_false(version_is_at_least("runc version", "runc", v));
	assert_false(version_is_at_least("runc 1", "runc", v));
	assert_false(version_is_at_least("runc-wrapper 1.3", "runc", v));
	assert_false(version_is_at_least("crun 1.3.1", "runc", v));
}
