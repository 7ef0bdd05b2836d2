/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static struct tmpdir dir;

static json_t *load(const char *text)
{
	struct err e = ERR_INIT;
	json_t *root = NULL;

	tmpdir_write(&dir, "file", text);
	if (json_load_file_at(dir.fd, "file", &root, &e) < 0)
		fail_msg("%s", e.msg);
	return root;
}

/* @text is not an object: the message names the file and says @why. */
static void expect_refused(const char *text, const char *why)
{
	struct err e = ERR_INIT;
	json_t *root = (json_t *)&e;

	tmpdir_write(&dir, "file", text);
	assert_int_equal(json_load_file_at(dir.fd, "file", &root, &e), -1);
	assert_ptr_equal(root, &e); /* untouched */
	assert_int_equal(strncmp(e.msg, "parse file: ", 12), 0);
	if (!strstr(e.msg, why))
		fail_msg("no '%s' in: %s", why, e.msg);
}

TEST(an_object_is_loaded)
{
	auto_json json_t *root = NULL;

	tmpdir_open(&dir);
	root = load("{\"ociVersion\": \"1.0.2\"}");
	assert_string_equal(json_get_string(root, "ociVersion"), "1.0.2");
	tmpdir_close(&dir);
}

TEST(a_missing_file_is_an_error_that_names_it)
{
	struct err e = ERR_INIT;
	json_t *root = NULL;

	tmpdir_open(&dir);
	assert_int_equal(json_load_file_at(dir.fd, "config.json", &root, &e), -1);
	assert_string_equal(e.msg, "read config.json: no such file or directory");
	assert_int_equal(e.sys, ENOENT);
	assert_null(root);
	tmpdir_close(&dir);
}

TEST(what_is_not_json_is_refused_with_the_place)
{
	tmpdir_open(&dir);
	expect_refused("{\n  \"a\": }", "line 2 column 8");
	expect_refused("{} {}", "line 1");
	expect_refused("{\"a\": \"\xff\"}", "line 1");
	expect_refused("{\"a\": 1", "line 1");
	tmpdir_close(&dir);
}

TEST(an_empty_file_is_refused)
{
	tmpdir_open(&dir);
	expect_refused("", "");
	expect_refused(" \n", "");
	tmpdir_close(&dir);
}

TEST(json_that_is_no_object_is_refused)
{
	tmpdir_open(&dir);
	expect_refused("[]", "not an object");
	expect_refused("[1, 2]", "not an object");
	tmpdir_close(&dir);
}

/* Deeper than jansson's own limit: its parser recurses, and our stack is not endless. */
TEST(a_bottomless_file_is_refused)
{
	char *text = calloc(1, 100001);

	tmpdir_open(&dir);
	for (int i = 0; i < 20000; i++)
		memcpy(text + i * 5, "{\"a\":", 5);
	expect_refused(text, "maximum parsing depth");
	free(text);
	tmpdir_close(&dir);
}

TEST(a_path_leads_through_objects)
{
	auto_json json_t *root = NULL;

	tmpdir_open(&dir);
	root = load("{\"linux\": {\"resources\": {\"pids\": {\"limit\": 5}}}, \"list\": [1]}");
	assert_true(json_number_value(
			    json_get(root, "linux", "resources", "pids", "limit", NULL)) == 5);
	assert_ptr_equal(json_get(root, NULL), root);
	assert_null(json_get(root, "linux", "memory", "limit", NULL));
	assert_null(json_get(root, "list", "limit", NULL));
	assert_null(json_get(NULL, "linux", NULL));
	tmpdir_close(&dir);
}

TEST(only_a_string_is_a_string)
{
	auto_json json_t *root = NULL;

	tmpdir_open(&dir);
	root = load("{\"number\": 5, \"null\": null, \"text\": \"\"}");
	assert_string_equal(json_get_string(root, "text"), "");
	assert_null(json_get_string(root, "number"));
	assert_null(json_get_string(root, "null"));
	assert_null(json_get_string(root, "missing"));
	assert_null(json_get_string(NULL, "text"));
	assert_null(json_get_string(json_object_get(root, "number"), "text"));
	tmpdir_close(&dir);
}

TEST(a_number_no_integer_of_c_can_hold_is_legal)
{
	auto_json json_t *root = NULL;

	tmpdir_open(&dir);
	root = load("{\"hard\": 18446744073709551615, \"soft\": -1}");
	assert_true(json_number_value(json_get(root, "hard", NULL)) > 1.8e19);
	assert_true(json_number_value(json_get(root, "soft", NULL)) == -1);
	tmpdir_close(&dir);
}

TEST(text_is_parsed_under_the_name_its_sender_knows)
{
	auto_json json_t *root = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(json_parse("{} ", 3, "resources", &root, &e), 0);
	assert_int_equal(json_object_size(root), 0);
	assert_int_equal(json_parse("[]", 2, "resources", &root, &e), -1);
	assert_string_equal(e.msg, "parse resources: not an object");
	assert_int_equal(json_parse("{", 1, "resources", &root, &e), -1);
	assert_int_equal(strncmp(e.msg, "parse resources: line 1", 23), 0);
}

static void expect_copy(const char *text, bool value, const char *copy)
{
	auto_buf struct buf out = BUF_INIT(1000);

	assert_int_equal(json_copy_with_bool(text, strlen(text), "terminal", value, &out), 0);
	assert_string_equal(buf_text(&out), copy);
}

TEST(a_member_is_set_and_every_other_byte_stays)
{
	expect_copy("{ \"terminal\" : false , \"big\":18446744073709551615}", true,
		"{ \"terminal\" : true, \"big\":18446744073709551615}");
	expect_copy("{\"a\":[1,{\"b\":2}],\"terminal\":true}", false,
		"{\"a\":[1,{\"b\":2}],\"terminal\":false}");
	expect_copy("{\"terminal\":{\"odd\":[\"}\"]},\"z\":1e3}", false,
		"{\"terminal\":false,\"z\":1e3}");
}

TEST(a_member_that_is_missing_is_added)
{
	expect_copy("{\"a\":1}", true, "{\"terminal\":true,\"a\":1}");
	expect_copy(" {}", false, " {\"terminal\":false}");
	expect_copy("{ \n}", true, "{\"terminal\":true \n}");
}

TEST(the_same_name_further_in_or_in_a_string_is_another)
{
	expect_copy("{\"a\":{\"terminal\":true},\"b\":\"\\\"terminal\\\":true,\"}", false,
		"{\"terminal\":false,\"a\":{\"terminal\":true},\"b\":\"\\\"terminal\\\":true,\"}");
	expect_copy("{\"b\":\"\\\",\\\"terminal\\\":1}\",\"terminal\":false}", true,
		"{\"b\":\"\\\",\\\"terminal\\\":1}\",\"terminal\":true}");
	expect_copy("{\"terminals\":1,\"termina\":2}", true,
		"{\"terminal\":true,\"terminals\":1,\"termina\":2}");
}

TEST(a_copy_that_does_not_fit_is_an_error)
{
	auto_buf struct buf out = BUF_INIT(10);

	assert_int_equal(json_copy_with_bool("{}", 2, "terminal", true, &out), -ENOBUFS);
}

static long pages(void)
{
	auto_buf struct buf text = BUF_INIT(4096);

	assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/statm", &text), 0);
	return strtol(buf_text(&text), NULL, 10);
}

/* In a child of its own, as each test is: the allocator is the whole process's. */
TEST(values_of_a_region_come_and_go_together)
{
	char *text = calloc(1, 600000);
	struct err e = ERR_INIT;
	long before;

	json_use_region();
	before = pages();
	/* Some 60,000 values: more than one chunk, and one of them larger than a chunk. */
	strcpy(text, "{\"long\":\"");
	memset(text + strlen(text), 'x', 300000);
	strcat(text, "\",\"many\":[1");
	for (size_t at = strlen(text); at < 590000; at += 2)
		memcpy(text + at, ",1", 2);
	strcat(text, "]}");
	for (int i = 0; i < 20; i++) {
		auto_json json_t *doc = NULL;
		auto_json json_t *other = NULL;

		if (json_parse(text, strlen(text), "text", &doc, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(strlen(json_get_string(doc, "long")), 300000);
		assert_true(json_array_size(json_object_get(doc, "many")) > 100000);
		/* One that outlives it keeps the memory of both; then there is none. */
		assert_int_equal(json_parse("{\"a\":\"b\"}", 9, "text", &other, &e), 0);
		json_decref(doc);
		doc = NULL;
		assert_string_equal(json_get_string(other, "a"), "b");
	}
	assert_true(pages() <= before + 16); /* a chunk is 64 */
	free(text);
}

TEST(text_of_a_value_is_for_free_whatever_its_allocator)
{
	json_t *o;
	char *text;

	json_use_region();
	o = json_pack("{s:s, s:[i, b]}", "a", "\u00e4\n", "b", 1, 1);
	text = json_text(o);
	assert_string_equal(text, "{\"a\":\"\u00e4\\n\",\"b\":[1,true]}");
	free(text);
	json_decref(o);
}
