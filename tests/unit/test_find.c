/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/find.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TASKS "io.containerd.runtime.v2.task"

static struct tmpdir dir;
static struct where where;

static void make(const char *path)
{
	assert_int_equal(mkdirat(dir.fd, path, 0700), 0);
}

/* An empty state directory of containerd's. */
static void begin(void)
{
	tmpdir_open(&dir);
	make(TASKS);
	make(TASKS "/k8s.io");
	make(TASKS "/moby");
	where = (struct where){ .states = { .word = { dir.path }, .n = 1 } };
}

static void bundle(const char *name, const char *file, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), TASKS "/%s", name);
	(void)mkdirat(dir.fd, path, 0700); /* another file of the same */
	snprintf(path, sizeof(path), TASKS "/%s/%s", name, file);
	tmpdir_write(&dir, path, text);
}

static struct found_list find(void)
{
	struct found_list l;
	struct err e = ERR_INIT;

	if (find_all(&where, &l, &e) < 0)
		fail_msg("%s", e.msg);
	return l;
}

TEST(the_address_of_containerd_1_6_is_one_of_task_v2)
{
	struct found_list l;

	begin();
	bundle("moby/c1", "config.json", "{}");
	bundle("moby/c1", "address", "unix:///run/s/1");
	bundle("moby/c1", "shim-binary-path", "/usr/bin/containerd-shim-runc-v2");
	l = find();
	assert_int_equal(l.n, 1);
	assert_string_equal(l.found[0].ns, "moby");
	assert_string_equal(l.found[0].id, "c1");
	assert_string_equal(l.found[0].address, "unix:///run/s/1");
	assert_string_equal(l.found[0].binary, "/usr/bin/containerd-shim-runc-v2");
	assert_int_equal(l.found[0].version, 2);
	found_fini(&l);
	tmpdir_close(&dir);
}

TEST(bootstrap_json_goes_before_address_and_tells_the_version)
{
	struct found_list l;

	begin();
	bundle("k8s.io/c1", "address", "unix:///old");
	bundle("k8s.io/c1", "bootstrap.json",
		"{\"version\":3,\"address\":\"unix:///new\",\"protocol\":\"ttrpc\"}");
	bundle("k8s.io/c2", "address", "unix:///two");
	bundle("k8s.io/c2", "bootstrap.json", "{\"version\":3,\"add"); /* torn */
	l = find();
	assert_int_equal(l.n, 2);
	assert_string_equal(l.found[0].address, "unix:///new");
	assert_int_equal(l.found[0].version, 3);
	assert_string_equal(l.found[1].address, "unix:///two");
	assert_int_equal(l.found[1].version, 2);
	found_fini(&l);
	tmpdir_close(&dir);
}

TEST(what_is_no_bundle_is_not_listed_and_one_without_a_shim_is)
{
	struct found_list l;

	begin();
	make(TASKS "/moby/empty");
	tmpdir_write(&dir, TASKS "/moby/file", "");
	bundle("moby/..x", "config.json", "{}"); /* no legal id */
	bundle("moby/lost", "config.json", "{}");
	l = find();
	assert_int_equal(l.n, 1);
	assert_string_equal(l.found[0].id, "lost");
	assert_string_equal(l.found[0].address, "");
	found_fini(&l);
	tmpdir_close(&dir);
}

TEST(the_bundles_of_belayctl_run_are_found_in_the_namespace_belay)
{
	struct found_list l;

	begin();
	make("run-1");
	tmpdir_write(&dir, "run-1/address", "unix:///a");
	bundle("moby/c1", "address", "unix:///b");
	l = find();
	assert_int_equal(l.n, 2);
	assert_string_equal(l.found[0].ns, "belay");
	assert_string_equal(l.found[0].id, "run-1");
	found_fini(&l);
	where.ns = "moby";
	l = find();
	assert_int_equal(l.n, 1);
	assert_string_equal(l.found[0].ns, "moby");
	found_fini(&l);
	tmpdir_close(&dir);
}

TEST(a_state_that_was_asked_for_must_be_there)
{
	struct err e = ERR_INIT;
	struct found_list l;

	where = (struct where){ .states = { .word = { "/no/such/folder" }, .n = 1 } };
	assert_int_equal(find_all(&where, &l, &e), -1);
	assert_string_equal(e.msg, "--state /no/such/folder: no such file or directory");
}

static void expect_pick(const char *word, const char *wanted)
{
	struct found_list l = find();
	struct err e = ERR_INIT;
	const struct found *f = found_pick(&l, word, &e);
	char got[ERR_MSG_MAX + 200];

	snprintf(got, sizeof(got), "%s/%s", f ? f->ns : "", f ? f->id : e.msg);
	found_fini(&l);
	assert_string_equal(got, wanted);
}

TEST(an_id_its_beginning_or_its_namespace_means_one_container)
{
	begin();
	bundle("moby/abc", "config.json", "{}");
	bundle("moby/abcd", "config.json", "{}");
	bundle("moby/both", "config.json", "{}");
	bundle("k8s.io/both", "config.json", "{}");
	expect_pick("abc", "moby/abc"); /* whole goes before beginning */
	expect_pick("abcd", "moby/abcd");
	expect_pick("k8s.io/b", "k8s.io/both");
	expect_pick("moby/both", "moby/both");
	expect_pick(
		"ab", "/'ab' could be any of: moby/abc, moby/abcd; give NAMESPACE/ID, or -n NS");
	expect_pick("both",
		"/'both' could be any of: k8s.io/both, moby/both; give NAMESPACE/ID, or -n NS");
	expect_pick("x", "/there is no container 'x'; there are: k8s.io/both, moby/abc, moby/abcd, "
			 "moby/both");
	expect_pick("", "/there is no container ''; there are: k8s.io/both, moby/abc, moby/abcd, "
			"moby/both");
	tmpdir_close(&dir);
}

TEST(an_error_names_some_candidates_and_counts_the_rest)
{
	char name[20];

	begin();
	for (int i = 10; i < 20; i++) {
		snprintf(name, sizeof(name), "moby/c%d", i);
		bundle(name, "config.json", "{}");
	}
	expect_pick("c1",
		"/'c1' could be any of: moby/c10, moby/c11, moby/c12, moby/c13, moby/c14, "
		"moby/c15, moby/c16, moby/c17 and 2 more; give NAMESPACE/ID, or -n NS");
	tmpdir_close(&dir);
}

TEST_WITHIN(300, there_is_an_end_to_what_is_listed)
{
	struct err e = ERR_INIT;
	struct found_list l;
	char path[80];

	begin();
	for (int i = 0; i <= FIND_MAX; i++) {
		snprintf(path, sizeof(path), TASKS "/moby/c%d", i);
		make(path);
		snprintf(path, sizeof(path), TASKS "/moby/c%d/address", i);
		assert_int_equal(symlinkat("/dev/null", dir.fd, path), 0);
	}
	assert_int_equal(find_all(&where, &l, &e), -1);
	assert_string_equal(e.msg, "there are more than 16384 containers");
	assert_int_equal(unlinkat(dir.fd, TASKS "/moby/c0/address", 0), 0);
	l = find();
	assert_int_equal(l.n, FIND_MAX);
	found_fini(&l);
	tmpdir_close(&dir);
}
