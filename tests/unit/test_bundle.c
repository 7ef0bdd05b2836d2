/* SPDX-License-Identifier: Apache-2.0 */
#include "process/bundle.h"

#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct tmpdir dir;

static void expect_facts(const char *config, bool own_pidns, const char *group)
{
	struct bundle_facts f;
	struct err e = ERR_INIT;

	tmpdir_write(&dir, "config.json", config);
	if (bundle_read_facts(dir.fd, &f, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(f.own_pidns, own_pidns);
	if (group)
		assert_string_equal(f.group, group);
	else
		assert_null(f.group);
	bundle_facts_fini(&f);
	bundle_facts_fini(&f);
}

#define NAMESPACES(list) "{\"linux\":{\"namespaces\":[" list "]}}"

TEST(a_pid_namespace_without_a_path_is_its_own)
{
	tmpdir_open(&dir);
	expect_facts(NAMESPACES("{\"type\":\"pid\"}"), true, NULL);
	expect_facts(NAMESPACES("{\"type\":\"pid\",\"path\":\"\"}"), true, NULL);
	expect_facts(NAMESPACES("{\"type\":\"mount\"},{\"type\":\"pid\"}"), true, NULL);
	tmpdir_close(&dir);
}

TEST(a_shared_or_absent_one_is_not)
{
	tmpdir_open(&dir);
	expect_facts(NAMESPACES("{\"type\":\"pid\",\"path\":\"/proc/7/ns/pid\"}"), false, NULL);
	expect_facts(NAMESPACES("{\"type\":\"mount\"}"), false, NULL);
	expect_facts(NAMESPACES(""), false, NULL);
	expect_facts(NAMESPACES("7,\"pid\",null,{\"type\":7}"), false, NULL);
	expect_facts("{}", false, NULL);
	expect_facts("{\"linux\":7}", false, NULL);
	tmpdir_close(&dir);
}

#define ANNOTATIONS(list) "{\"annotations\":{" list "}}"

TEST(the_group_is_the_first_of_its_annotations)
{
	tmpdir_open(&dir);
	expect_facts(ANNOTATIONS("\"io.kubernetes.cri.sandbox-id\":\"pod\""), false, "pod");
	expect_facts(ANNOTATIONS("\"io.kubernetes.cri.sandbox-id\":\"pod\","
				 "\"io.containerd.runc.v2.group\":\"mine\""),
		false, "mine");
	expect_facts(ANNOTATIONS("\"io.containerd.runc.v2.group\":7,"
				 "\"io.kubernetes.cri.sandbox-id\":\"pod\""),
		false, "pod");
	expect_facts(ANNOTATIONS("\"other\":\"x\""), false, NULL);
	tmpdir_close(&dir);
}

TEST(a_config_that_cannot_be_read_is_named)
{
	struct bundle_facts f;
	struct err e = ERR_INIT;

	tmpdir_open(&dir);
	assert_int_equal(bundle_read_facts(dir.fd, &f, &e), -1);
	assert_non_null(strstr(e.msg, "config.json: no such file or directory"));
	tmpdir_write(&dir, "config.json", "{ \"a\": ");
	assert_int_equal(bundle_read_facts(dir.fd, &f, &e), -1);
	assert_non_null(strstr(e.msg, "config.json"));
	tmpdir_close(&dir);
}

static void expect_file(const char *name, const char *wanted)
{
	char *text = tmpdir_read(&dir, name);
	struct stat st;

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
	assert_int_equal(fstatat(dir.fd, name, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

TEST(options_are_written_in_the_references_words_and_zeroes_left_out)
{
	struct container_options o = { .binary = "crun", .root = "/r" };
	struct err e = ERR_INIT;

	umask(0);
	tmpdir_open(&dir);
	assert_int_equal(bundle_write_options(dir.fd, &o, &e), 0);
	expect_file("options.json", "{\"binary_name\":\"crun\",\"root\":\"/r\"}");
	expect_file("runtime", "crun");
	o = (struct container_options){ .no_pivot = true,
		.no_new_keyring = true,
		.shim_cgroup = "/s",
		.io_uid = 1,
		.io_gid = 4294967295,
		.systemd_cgroup = true,
		.criu_image_path = "/i",
		.criu_work_path = "/w" };
	assert_int_equal(bundle_write_options(dir.fd, &o, &e), 0);
	expect_file("options.json",
		"{\"no_pivot_root\":true,\"no_new_keyring\":true,\"shim_cgroup\":\"/s\","
		"\"io_uid\":1,\"io_gid\":4294967295,\"systemd_cgroup\":true,"
		"\"criu_image_path\":\"/i\",\"criu_work_path\":\"/w\"}");
	expect_file("runtime", "");
	tmpdir_close(&dir);
}

TEST(options_that_are_no_text_are_refused)
{
	struct container_options o = { .binary = "\xff\xfe" };
	struct err e = ERR_INIT;

	tmpdir_open(&dir);
	assert_int_equal(bundle_write_options(dir.fd, &o, &e), -1);
	assert_int_equal(e.status, STATUS_INVALID_ARGUMENT);
	assert_null(tmpdir_read(&dir, "options.json"));
	tmpdir_close(&dir);
}

static struct json_t *read_options(struct container_options *o)
{
	struct json_t *owner = NULL;
	struct err e = ERR_INIT;

	if (bundle_read_options(dir.fd, o, &owner, &e) < 0)
		fail_msg("%s", e.msg);
	return owner;
}

TEST(what_was_written_is_read_back)
{
	struct container_options o = {
		.binary = "crun", .root = "/r", .shim_cgroup = "/s", .systemd_cgroup = true
	};
	struct container_options back;
	struct err e = ERR_INIT;
	struct json_t *owner;

	tmpdir_open(&dir);
	assert_int_equal(bundle_write_options(dir.fd, &o, &e), 0);
	owner = read_options(&back);
	assert_string_equal(back.binary, "crun");
	assert_string_equal(back.root, "/r");
	assert_string_equal(back.shim_cgroup, "/s");
	assert_true(back.systemd_cgroup);
	json_decref(owner);
	tmpdir_close(&dir);
}

TEST(files_that_are_missing_mean_defaults)
{
	struct container_options o;
	struct json_t *owner;

	tmpdir_open(&dir);
	owner = read_options(&o);
	assert_string_equal(o.binary, "");
	assert_string_equal(o.root, "");
	assert_false(o.systemd_cgroup);
	json_decref(owner);
	tmpdir_write(&dir, "runtime", "/usr/bin/youki"); /* an older shim wrote only that */
	owner = read_options(&o);
	assert_string_equal(o.binary, "/usr/bin/youki");
	json_decref(owner);
	tmpdir_close(&dir);
}

TEST(options_that_are_damaged_do_not_hide_the_runtimes_name)
{
	struct json_t *owner = NULL;
	struct container_options o;
	struct err e = ERR_INIT;

	tmpdir_open(&dir);
	tmpdir_write(&dir, "options.json", "{\"binary_na");
	tmpdir_write(&dir, "runtime", "crun");
	assert_int_equal(bundle_read_options(dir.fd, &o, &owner, &e), -1);
	assert_non_null(strstr(e.msg, "parse options.json: line 1"));
	assert_string_equal(o.binary, "crun");
	assert_string_equal(o.root, "");
	json_decref(owner);
	tmpdir_close(&dir);
}

TEST(the_runtimes_root_is_per_namespace)
{
	struct container_options o = { .root = "/r" };
	char *path = bundle_runtime_root(&o, "k8s.io");

	assert_string_equal(path, "/r/k8s.io");
	free(path);
	o.root = "";
	path = bundle_runtime_root(&o, "k8s.io");
	assert_string_equal(path, "/run/containerd/runc/k8s.io");
	free(path);
	o.root = NULL;
	path = bundle_runtime_root(&o, "default");
	assert_string_equal(path, "/run/containerd/runc/default");
	free(path);
}

TEST(an_exit_that_cannot_have_been_is_none)
{
	static const char *const texts[] = {
		"{\"Timestamp\":\"2026-01-02T03:04:05Z\",\"Pid\":1e108,\"Status\":1}",
		"{\"Timestamp\":\"2026-01-02T03:04:05Z\",\"Pid\":-1,\"Status\":1}",
		"{\"Timestamp\":\"2026-01-02T03:04:05Z\",\"Pid\":7,\"Status\":256}",
		"{\"Timestamp\":\"2026-01-02T03:04:05Z\",\"Pid\":7,\"Status\":-1}",
		"{\"Timestamp\":\"yesterday\",\"Pid\":7,\"Status\":1}",
		"{\"Timestamp\":\"2026-01-02T03:04:05Z\",\"Pid\":\"7\",\"Status\":1}",
	};
	struct exit_file x;

	tmpdir_open(&dir);
	assert_int_equal(bundle_read_exit(dir.fd, &x), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		tmpdir_write(&dir, "exitstatus.json", texts[i]);
		assert_int_equal(bundle_read_exit(dir.fd, &x), -EINVAL);
	}
	tmpdir_write(&dir, "exitstatus.json",
		"{\"Timestamp\":\"2026-01-02T03:04:05.25Z\",\"Pid\":7,\"Status\":137}");
	assert_int_equal(bundle_read_exit(dir.fd, &x), 0);
	assert_int_equal(x.pid, 7);
	assert_int_equal(x.code, 137);
	assert_int_equal(x.at.tv_nsec, 250000000);
	tmpdir_close(&dir);
}
