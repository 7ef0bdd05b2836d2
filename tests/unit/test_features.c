/* SPDX-License-Identifier: Apache-2.0 */
#include "process/runtime/features.h"

#include "reaper/reaper.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A runtime that is a script and counts in a file how often it was asked. */
struct scene {
	struct ev_loop *loop;
	struct reaper reaper;
	struct tmpdir dir;
	char binary[TMPDIR_PATH_MAX + 32], cache[TMPDIR_PATH_MAX + 32];
	struct runtime rt;
	struct features_query q;
	bool done;
};

static void write_runtime(struct scene *s, const char *script)
{
	char text[1024];

	snprintf(text, sizeof(text), "#!/bin/sh\necho >>%s/asked\n%s\n", s->dir.path, script);
	tmpdir_write(&s->dir, "runtime", text);
	assert_int_equal(chmod(s->binary, 0755), 0);
}

static void scene_set(struct scene *s, const char *script)
{
	*s = (struct scene){ .loop = loop_new() };
	assert_int_equal(reaper_init(&s->reaper, s->loop), 0);
	tmpdir_open(&s->dir);
	snprintf(s->binary, sizeof(s->binary), "%s/runtime", s->dir.path);
	snprintf(s->cache, sizeof(s->cache), "%s/run/features", s->dir.path);
	write_runtime(s, script);
	s->rt = (struct runtime){ .reaper = &s->reaper, .binary = s->binary, .bundle_fd = -1 };
	features_query_init(&s->q, (struct features_place){ s->loop, s->cache }, &s->rt);
}

static void scene_strike(struct scene *s)
{
	features_query_fini(&s->q);
	reaper_fini(&s->reaper);
	ev_loop_destroy(s->loop);
	tmpdir_close(&s->dir);
}

static void on_done(struct features_query *q)
{
	container_of(q, struct scene, q)->done = true;
}

static void ask(struct scene *s)
{
	struct err e = ERR_INIT;

	s->done = false;
	assert_int_equal(features_ask(&s->q, on_done, &e), 0);
	loop_run_until(s->loop, &s->done);
}

static bool recall(struct scene *s)
{
	features_query_fini(&s->q);
	features_query_init(&s->q, (struct features_place){ s->loop, s->cache }, &s->rt);
	return features_recall(&s->q);
}

static int times_asked(const struct scene *s)
{
	char path[TMPDIR_PATH_MAX + 32];
	struct stat st;

	snprintf(path, sizeof(path), "%s/asked", s->dir.path);
	return stat(path, &st) < 0 ? 0 : (int)st.st_size;
}

static void expect_answer(const struct scene *s, const char *text, const char *name)
{
	assert_int_equal(s->q.answer.text.len, strlen(text));
	if (text[0])
		assert_memory_equal(s->q.answer.text.data, text, strlen(text));
	assert_string_equal(s->q.answer.name, name);
}

#define RUNC "{\"annotations\":{\"org.opencontainers.runc.version\":\"1.9\"}}\n"
#define CRUN                                                                                       \
	"{\"annotations\":{\"org.opencontainers.runc.checkpoint.enabled\":\"true\","               \
	"\"run.oci.crun.version\":\"1.28\"}}\n"

TEST(an_answer_is_kept_byte_for_byte_and_recalled_without_a_process)
{
	struct scene s;

	scene_set(&s, "echo '" RUNC "'; exec 1>&-");
	assert_false(recall(&s));
	ask(&s);
	expect_answer(&s, RUNC "\n", "runc 1.9");
	assert_true(recall(&s));
	expect_answer(&s, RUNC "\n", "runc 1.9");
	assert_int_equal(times_asked(&s), 1);
	scene_strike(&s);
}

TEST(a_runtime_is_named_by_its_annotations_or_its_file)
{
	struct scene s;

	scene_set(&s, "printf '%s' '" CRUN "'");
	ask(&s);
	expect_answer(&s, CRUN, "crun 1.28");
	write_runtime(&s, "echo '{}'");
	ask(&s);
	expect_answer(&s, "{}\n", "runtime");
	scene_strike(&s);
}

TEST(another_binary_in_the_same_place_is_asked_anew)
{
	struct scene s;

	scene_set(&s, "echo '{}'");
	ask(&s);
	assert_true(recall(&s));
	write_runtime(&s, "echo '{}' # and longer");
	assert_false(recall(&s));
	scene_strike(&s);
}

TEST(what_replaces_a_binary_while_it_answers_has_not_answered)
{
	struct scene s;

	scene_set(&s,
		"printf '#!/bin/sh\\necho {\\\"new\\\":1}\\n' >$0.new; mv $0.new $0; echo '{}'");
	ask(&s);
	expect_answer(&s, "{}\n", "runtime");
	assert_false(recall(&s));
	scene_strike(&s);
}

TEST(a_runtime_without_the_command_is_asked_for_its_version_and_remembered)
{
	struct scene s;

	scene_set(&s, "[ $1 = --version ] && printf 'old version 0.1\\nspec: 1\\n' && exit 0\n"
		      "echo 'Usage: {}'; exit 1");
	ask(&s);
	expect_answer(&s, "", "old version 0.1");
	assert_int_equal(times_asked(&s), 2);
	assert_true(recall(&s));
	expect_answer(&s, "", "old version 0.1");
	scene_strike(&s);
}

TEST(what_is_no_object_is_no_answer)
{
	struct scene s;

	scene_set(&s, "echo '[1]'");
	ask(&s);
	expect_answer(&s, "", "[1]"); /* which is what it says to --version, too */
	scene_strike(&s);
}

TEST(one_that_was_killed_is_not_remembered)
{
	struct scene s;

	scene_set(&s, "kill -9 $$");
	ask(&s);
	expect_answer(&s, "", "runtime");
	assert_false(recall(&s));
	scene_strike(&s);
}

TEST(one_that_hangs_can_be_given_up)
{
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s, "exec sleep 1000");
	assert_int_equal(features_ask(&s.q, on_done, &e), 0);
	assert_true(features_kill(&s.q));
	loop_run_until(s.loop, &s.done);
	expect_answer(&s, "", "runtime");
	assert_false(recall(&s));
	scene_strike(&s);
}

TEST_WITHIN(60, one_that_hangs_is_given_up_after_a_while)
{
	struct scene s;

	scene_set(&s, "exec sleep 1000");
	ask(&s);
	expect_answer(&s, "", "runtime");
	assert_false(recall(&s));
	scene_strike(&s);
}

TEST(one_that_is_not_there_is_an_error_with_its_name)
{
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s, "");
	s.rt.binary = "no-runc";
	assert_int_equal(features_ask(&s.q, on_done, &e), -1);
	assert_non_null(strstr(e.msg, "exec: \"no-runc\": executable file not found in $PATH"));
	assert_false(recall(&s));
	scene_strike(&s);
}

TEST(a_folder_that_others_could_have_filled_is_not_believed)
{
	struct scene s;

	scene_set(&s, "echo '{}'");
	ask(&s);
	assert_true(recall(&s));
	assert_int_equal(chmod(s.cache, 0770), 0);
	assert_false(recall(&s));
	assert_int_equal(chmod(s.cache, 0700), 0);
	assert_true(recall(&s));
	scene_strike(&s);
}

TEST(a_torn_entry_is_none)
{
	char command[1024];
	struct scene s;

	scene_set(&s, "echo '{}'");
	ask(&s);
	snprintf(command, sizeof(command), "for f in %s/*; do printf torn >$f; done", s.cache);
	assert_int_equal(system(command), 0);
	assert_false(recall(&s));
	scene_strike(&s);
}

TEST(without_a_folder_nothing_is_kept)
{
	struct scene s;

	scene_set(&s, "echo '{}'");
	s.q.at.cache_dir = NULL;
	ask(&s);
	expect_answer(&s, "{}\n", "runtime");
	assert_int_not_equal(access(s.cache, F_OK), 0);
	scene_strike(&s);
}

TEST(a_binary_is_found_where_exec_would_find_it)
{
	char path[PATH_MAX];
	struct scene s;

	scene_set(&s, "");
	setenv("PATH", "/nowhere::/bin", 1);
	assert_int_equal(features_find_binary("sh", path), 0);
	assert_string_equal(path, "/bin/sh");
	assert_int_equal(features_find_binary("/x/y", path), 0);
	assert_string_equal(path, "/x/y");
	setenv("PATH", s.dir.path, 1);
	assert_int_equal(features_find_binary("runtime", path), 0);
	assert_int_equal(features_find_binary("sh", path), -ENOENT);
	unsetenv("PATH");
	assert_int_equal(features_find_binary("sh", path), -ENOENT);
	scene_strike(&s);
}
