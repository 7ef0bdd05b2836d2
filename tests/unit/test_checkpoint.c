/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checkpoint, Create from an image and the Start that restores it; and their fault sweeps.
 */

#include "base/op.h"
#include "tests/lib/leaks.h"
#include "tests/unit/process_rig.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *faulty_plan; /* the plan whose row is to fail; none once it has */
static size_t faulty_row;
static bool was_hit;

bool op_fault(const struct op *op)
{
	if (!faulty_plan || strcmp(op->plan->name, faulty_plan) != 0 || op->at != faulty_row)
		return false;
	faulty_plan = NULL;
	was_hit = true;
	return true;
}

static void arm(const char *plan, size_t row)
{
	faulty_plan = plan;
	faulty_row = row;
	was_hit = false;
}

struct scene {
	struct rig rig;
	struct leaks before;
	char image[RIG_PATH_MAX];
	struct checkpoint_args args;
	bool done;
	struct err err;
};

static void scene_set(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	s->rig.args.io = rig_streams(&s->rig);
	snprintf(s->image, sizeof(s->image), "%s/image", s->rig.dir.path);
	assert_int_equal(mkdir(s->image, 0700), 0);
	s->args = (struct checkpoint_args){ .path = s->image, .how = { .leave_running = true } };
	leaks_note(&s->before);
}

static void expect_as_before(struct scene *s)
{
	rig_expect_nothing_left(&s->rig);
	if (leaks_report(&s->before) != 0)
		fail_msg("something is left");
	rig_expect_streams_are_free(&s->rig);
}

static void scene_strike(struct scene *s)
{
	expect_as_before(s);
	rig_fini(&s->rig);
}

static void on_checkpointed(void *user, struct container *ct, const struct err *e)
{
	struct scene *s = user;

	assert_non_null(ct);
	s->err = *e;
	s->done = true;
}

static void checkpoint(struct scene *s, struct container *ct)
{
	s->done = false;
	checkpoint_begin(ct, &s->args, on_checkpointed, s);
	loop_run_until(s->rig.loop, &s->done);
}

static void expect(struct scene *s, enum status status, const char *words)
{
	assert_string_equal(s->err.msg, words);
	assert_int_equal(s->err.status, status);
}

static bool exists(struct scene *s, const char *name)
{
	return faccessat(s->rig.dir.fd, name, F_OK, 0) == 0;
}

static struct container *run(struct scene *s)
{
	struct container *ct = rig_create(&s->rig);

	rig_start(&s->rig, ct);
	return ct;
}

TEST(a_checkpoint_leaves_an_image_and_the_container_running)
{
	struct container *ct;
	struct scene s;

	scene_set(&s);
	ct = run(&s);
	checkpoint(&s, ct);
	expect(&s, STATUS_OK, "");
	assert_true(exists(&s, "image/checkpointed"));
	assert_true(exists(&s, "c1/work"));
	assert_false(exists(&s, "c1/work/criu-work"));
	assert_int_equal(ct->init.state, STATE_RUNNING);
	rig_kill(&s.rig, ct);
	rig_delete(&s.rig, ct);
	rig_expect_story(&s.rig, "create start exit=137 delete");
	scene_strike(&s);
}

TEST(a_checkpoint_may_be_the_end_of_it)
{
	struct container *ct;
	struct scene s;

	scene_set(&s);
	ct = run(&s);
	s.args.how.leave_running = false;
	checkpoint(&s, ct);
	expect(&s, STATUS_OK, "");
	rig_await_exit(&s.rig);
	rig_delete(&s.rig, ct);
	scene_strike(&s);
}

TEST(of_a_failed_checkpoint_criu_has_the_last_word)
{
	struct container *ct;
	char words[1024];
	struct scene s;
	char *log;

	scene_set(&s);
	rig_runtime_script(&s.rig, "case \"$*\" in *checkpoint*)\n"
				   "echo it was criu >\"$B/work/criu-work/dump.log\"\n"
				   "echo criu failed >&2; echo more >&2; exit 1;; esac\n"
				   "exec \"$FAKE\" \"$@\"");
	ct = run(&s);
	checkpoint(&s, ct);
	snprintf(words, sizeof(words),
		"%s did not terminate successfully: exit status 1: criu failed "
		"path= %s/criu-dump.log",
		s.rig.binary, s.rig.bundle);
	expect(&s, STATUS_UNKNOWN, words);
	log = rig_read(&s.rig, "criu-dump.log");
	assert_string_equal(log, "it was criu\n");
	free(log);
	assert_false(exists(&s, "c1/work/criu-work"));
	assert_int_equal(ct->init.state, STATE_RUNNING);
	rig_kill(&s.rig, ct);
	rig_delete(&s.rig, ct);
	scene_strike(&s);
}

TEST(a_work_folder_of_the_clients_is_not_removed)
{
	struct container *ct;
	struct scene s;

	scene_set(&s);
	ct = run(&s);
	s.args.work = s.image;
	checkpoint(&s, ct);
	expect(&s, STATUS_OK, "");
	assert_true(exists(&s, "image/checkpointed"));
	assert_false(exists(&s, "c1/work"));
	rig_kill(&s.rig, ct);
	rig_delete(&s.rig, ct);
	scene_strike(&s);
}

TEST(what_does_not_run_has_no_image)
{
	struct container *ct;
	struct scene s;

	scene_set(&s);
	ct = rig_create(&s.rig);
	checkpoint(&s, ct);
	expect(&s, STATUS_UNKNOWN, "cannot checkpoint a task in created state");
	assert_int_equal(rig_count_calls(&s.rig, "checkpoint"), 0);
	rig_delete(&s.rig, ct);
	scene_strike(&s);
}

static struct container *create_from_image(struct scene *s)
{
	s->rig.args.checkpoint = s->image;
	return rig_create(&s->rig);
}

TEST(what_is_created_from_an_image_runs_once_it_is_started)
{
	struct container *ct;
	struct scene s;

	scene_set(&s);
	ct = create_from_image(&s);
	assert_int_equal(ct->init.state, STATE_CREATED_CHECKPOINT);
	assert_int_equal(ct->init.pid, 0);
	assert_int_equal(rig_count_calls(&s.rig, "create"), 0);
	rig_start(&s.rig, ct);
	assert_int_equal(ct->init.state, STATE_RUNNING);
	assert_true(ct->init.pid > 1);
	assert_int_equal(rig_count_calls(&s.rig, "restore"), 1);
	rig_kill(&s.rig, ct);
	rig_delete(&s.rig, ct);
	rig_expect_story(&s.rig, "create start exit=137 delete");
	scene_strike(&s);
}

/* It was awaited by the Create: the Start finds it ready. */
TEST(what_is_created_from_an_image_may_have_a_logger)
{
	char uri[PATH_MAX];
	struct container *ct;
	struct scene s;

	scene_set(&s);
	snprintf(uri, sizeof(uri), "binary://%s/tests/fake/fake-logger?file=%s/logged", BUILD_DIR,
		s.rig.dir.path);
	s.rig.args.io = (struct stdio_paths){ .out = uri, .err = uri };
	ct = create_from_image(&s);
	rig_start(&s.rig, ct);
	assert_true(ct->init.pid > 1);
	rig_kill(&s.rig, ct);
	rig_delete(&s.rig, ct);
	rig_expect_story(&s.rig, "create start exit=137 delete");
	scene_strike(&s);
}

/* The init is gone before the runtime says its pid. */
TEST(a_short_life_after_a_restore_is_told_in_order)
{
	struct container *ct;
	struct scene s;
	struct deed d;

	scene_set(&s);
	rig_misdeeds(&s.rig, "restore dead-init\n");
	ct = create_from_image(&s);
	rig_begin_start(&s.rig, ct, 0, &d);
	rig_await(&s.rig, &d);
	deed_expect_ok(&d);
	assert_false(d.had_exit);
	rig_await_exit(&s.rig);
	rig_delete(&s.rig, ct);
	rig_expect_story(&s.rig, "create start exit=42 delete");
	scene_strike(&s);
}

TEST(a_restore_that_fails_says_why_and_may_be_repeated)
{
	struct container *ct;
	struct scene s;
	struct deed d;

	scene_set(&s);
	rig_misdeeds(&s.rig, "restore fail criu failed: type RESTORE\n");
	ct = create_from_image(&s);
	rig_begin_start(&s.rig, ct, 0, &d);
	rig_await(&s.rig, &d);
	deed_expect(&d, STATUS_UNKNOWN, "OCI runtime restore failed: criu failed: type RESTORE");
	assert_int_equal(ct->init.state, STATE_CREATED_CHECKPOINT);
	rig_misdeeds(&s.rig, "");
	rig_start(&s.rig, ct);
	rig_kill(&s.rig, ct);
	rig_delete(&s.rig, ct);
	rig_expect_story(&s.rig, "create !start start exit=137 delete");
	scene_strike(&s);
}

static void on_exit_seen(struct waiter *w, const struct process *p)
{
	assert_false(p->exit.is_set);
	list_init(&w->link);
	w->on_exit = NULL;
}

TEST(what_was_never_restored_can_be_deleted_and_keeps_nobody_waiting)
{
	struct waiter waiter = { .on_exit = on_exit_seen };
	struct container *ct;
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	ct = create_from_image(&s);
	assert_int_equal(process_kill(&ct->init, SIGKILL, false, &e), -1);
	assert_string_equal(e.msg, "no such container: not found");
	assert_false(process_wait(&ct->init, &waiter));
	rig_delete(&s.rig, ct);
	assert_null(waiter.on_exit);
	assert_int_equal(rig_count_calls(&s.rig, "delete"), 0);
	rig_expect_story(&s.rig, "create delete");
	scene_strike(&s);
}

static bool checkpoint_fails_in(size_t row)
{
	struct container *ct;
	struct scene s;

	scene_set(&s);
	ct = run(&s);
	arm("checkpoint", row);
	checkpoint(&s, ct);
	assert_int_equal(err_is_set(&s.err), was_hit);
	assert_false(exists(&s, "c1/work/criu-work"));
	assert_int_equal(ct->init.state, STATE_RUNNING);
	rig_kill(&s.rig, ct);
	rig_delete(&s.rig, ct);
	scene_strike(&s);
	return was_hit;
}

/* And the same id can be created afterwards. */
static bool create_fails_in(size_t row)
{
	struct scene s;
	struct deed d;

	scene_set(&s);
	s.rig.args.checkpoint = s.image;
	arm("create from image", row);
	rig_begin_create(&s.rig, &d);
	rig_await(&s.rig, &d);
	if (was_hit) {
		deed_expect(&d, STATUS_UNKNOWN, "injected fault");
		expect_as_before(&s);
		rig_delete(&s.rig, create_from_image(&s));
	} else {
		rig_delete(&s.rig, d.ct);
	}
	scene_strike(&s);
	return was_hit;
}

/* And it can be started afterwards. */
static bool restore_fails_in(size_t row)
{
	struct container *ct;
	struct scene s;
	struct deed d;

	scene_set(&s);
	ct = create_from_image(&s);
	arm("restore", row);
	rig_begin_start(&s.rig, ct, 0, &d);
	rig_await(&s.rig, &d);
	assert_int_equal(err_is_set(&d.err), was_hit);
	if (was_hit) {
		assert_int_equal(ct->init.state, STATE_CREATED_CHECKPOINT);
		assert_int_equal(ct->init.pid, 0);
		assert_int_equal(ct->init.news_held, 0);
		assert_false(s.rig.exited);
		rig_await_no_children(&s.rig);
		rig_start(&s.rig, ct);
	}
	rig_kill(&s.rig, ct);
	rig_delete(&s.rig, ct);
	scene_strike(&s);
	return was_hit;
}

static size_t count_rows(bool (*fails_in)(size_t row))
{
	size_t row = 0;

	while (fails_in(row))
		row++;
	return row;
}

TEST(a_checkpoint_that_fails_in_any_row_leaves_the_container_alone)
{
	assert_true(count_rows(checkpoint_fails_in) >= 5);
}

TEST(a_create_from_an_image_that_fails_in_any_row_leaves_nothing)
{
	assert_true(count_rows(create_fails_in) >= 7);
}

TEST(a_restore_that_fails_in_any_row_leaves_nothing_and_can_be_repeated)
{
	assert_true(count_rows(restore_fails_in) >= 12);
}
