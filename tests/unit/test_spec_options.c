/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "shim/ctl/spec_options.h"
#include "tests/lib/test.h"

#include <stdlib.h>

TEST(bytes_have_a_unit_of_1024_or_none)
{
	assert_int_equal(spec_bytes("1"), 1);
	assert_int_equal(spec_bytes("512"), 512);
	assert_int_equal(spec_bytes("512b"), 512);
	assert_int_equal(spec_bytes("64k"), 65536);
	assert_int_equal(spec_bytes("1.5M"), 3 << 19);
	assert_true(spec_bytes("2G") == 2LL << 30);
	assert_true(spec_bytes("1t") == 1LL << 40);
}

TEST(what_are_no_bytes_is_not_guessed)
{
	const char *const no[] = { "", "0", "0.5", "-1", "+1", " 1", "1 ", "1kb", "1x", "k", ".",
		"1.2.3", "0x10", "1e3", "nan", "inf", "99999999t" };

	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (spec_bytes(no[i]) != -1)
			fail_msg("'%s' is %lld", no[i], (long long)spec_bytes(no[i]));
}

static void expect(const struct spec_options *o, const char *wanted)
{
	static const char plain[] = "{\"process\":{\"env\":[\"A=1\"]},\"root\":{},\"mounts\":[],"
				    "\"linux\":{}}";
	auto_json json_t *config = json_loads(plain, 0, NULL);
	struct err e = ERR_INIT;
	char *got = NULL;

	if (spec_options_apply(o, "/", config, &e) < 0) {
		assert_string_equal(e.msg, wanted);
		return;
	}
	got = json_dumps(config, JSON_COMPACT);
	assert_string_equal(got, wanted);
	free(got);
}

TEST(options_that_are_not_given_change_nothing)
{
	const struct spec_options o = { .read_only = false };

	assert_true(spec_options_are_empty(&o));
	expect(&o, "{\"process\":{\"env\":[\"A=1\"]},\"root\":{},\"mounts\":[],\"linux\":{}}");
}

TEST(limits_go_into_the_resources_in_the_kernels_units)
{
	const struct spec_options o = { .memory = "64m", .cpus = "0.25", .read_only = true };

	assert_false(spec_options_are_empty(&o));
	expect(&o, "{\"process\":{\"env\":[\"A=1\"]},\"root\":{\"readonly\":true},\"mounts\":[],"
		   "\"linux\":{\"resources\":{\"memory\":{\"limit\":67108864},\"cpu\":{\"quota\":"
		   "25000,\"period\":100000}}}}");
}

TEST(a_mount_is_resolved_and_writable_unless_it_says_ro)
{
	const struct spec_options o = { .mounts = {
						.word = { "/usr/../:/a", "/:/b:ro" }, .n = 2 } };

	expect(&o, "{\"process\":{\"env\":[\"A=1\"]},\"root\":{},\"mounts\":[{\"destination\":"
		   "\"/a\",\"type\":\"bind\",\"source\":\"/\",\"options\":[\"rbind\",\"rw\"]},"
		   "{\"destination\":\"/b\",\"type\":\"bind\",\"source\":\"/\",\"options\":["
		   "\"rbind\",\"ro\"]}],\"linux\":{}}");
}
