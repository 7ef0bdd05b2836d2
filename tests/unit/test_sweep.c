/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fault sweep: each row of each operation is made to fail once, and
 * afterwards everything is as before. op_fault() below is the product's hook.
 *
 * As root the rootfs is two real mounts, so that what is left over would show.
 */

#include "base/op.h"
#include "tests/lib/leaks.h"
#include "tests/unit/process_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define ROWS_MAX 64

/* The row that is to fail; none once it has. */
static struct {
	const char *plan; /* NULL: none */
	size_t row;
	const char *step; /* its name, when it was hit */
} fault;

bool op_fault(const struct op *op)
{
	if (!fault.plan || strcmp(op->plan->name, fault.plan) != 0 || op->at != fault.row)
		return false;
	fault.plan = NULL;
	fault.step = op_step_name(op);
	return true;
}

static void arm(const char *plan, size_t row)
{
	fault.plan = plan;
	fault.row = row;
	fault.step = NULL;
}

/* False: there is no such row, so nothing failed. */
static bool was_hit(void)
{
	return fault.step != NULL;
}

struct scene {
	struct rig rig;
	struct leaks before; /* of the scene that is set, with nothing begun */
	char options[4 * RIG_PATH_MAX], lower[RIG_PATH_MAX];
	const char *overlay_options[1], *bind_options[2];
	struct rootfs_mount mounts[2];
};

static void make_folder(struct scene *s, const char *name)
{
	assert_int_equal(mkdirat(s->rig.dir.fd, name, 0755), 0);
}

static bool can_overlay(struct scene *s)
{
	char at[RIG_PATH_MAX];

	snprintf(at, sizeof(at), "%s/try", s->rig.dir.path);
	make_folder(s, "try");
	if (geteuid() != 0 || mount("overlay", at, "overlay", 0, s->options) < 0)
		return false;
	assert_int_equal(umount2(at, 0), 0);
	return true;
}

/* An overlay of two folders, and on top of it a folder bound to one inside. */
static void plan_mounts(struct scene *s)
{
	const char *dir = s->rig.dir.path;

	make_folder(s, "upper");
	make_folder(s, "work");
	make_folder(s, "lower");
	make_folder(s, "lower/data");
	snprintf(s->lower, sizeof(s->lower), "%s/lower", dir);
	snprintf(s->options, sizeof(s->options),
		"lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", dir, dir, dir);
	s->overlay_options[0] = s->options;
	s->bind_options[0] = "rbind";
	s->bind_options[1] = "ro";
	s->mounts[0] = (struct rootfs_mount){ "overlay", "overlay", "", s->overlay_options, 1 };
	s->mounts[1] = (struct rootfs_mount){ "bind", s->lower, "data", s->bind_options, 2 };
	if (!can_overlay(s)) {
		print_message("SKIPPED the mounts of this sweep: not allowed here\n");
		return;
	}
	s->rig.args.mounts = s->mounts;
	s->rig.args.n_mounts = ARRAY_LEN(s->mounts);
}

static void scene_set(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	s->rig.args.io = rig_streams(&s->rig);
	plan_mounts(s);
	leaks_note(&s->before);
}

static void expect_as_before(struct scene *s)
{
	rig_expect_nothing_left(&s->rig);
	if (leaks_report(&s->before) != 0)
		fail_msg("after a fault in step '%s'", fault.step ? fault.step : "(none)");
	rig_expect_streams_are_free(&s->rig);
}

static void scene_strike(struct scene *s)
{
	expect_as_before(s);
	rig_fini(&s->rig);
}

static void expect_injected(const struct deed *d)
{
	deed_expect(d, STATUS_UNKNOWN, "injected fault");
}

/* And the same id can be created afterwards, as a client would try. */
static bool create_fails_in(size_t row)
{
	struct container *ct;
	struct scene s;
	struct deed d;

	scene_set(&s);
	arm("create", row);
	rig_begin_create(&s.rig, &d);
	rig_await(&s.rig, &d);
	if (was_hit()) {
		expect_injected(&d);
		assert_null(d.ct);
		expect_as_before(&s);
		rig_expect_story(&s.rig, "!create");
		ct = rig_create(&s.rig);
	} else {
		deed_expect_ok(&d);
		ct = d.ct;
	}
	rig_delete(&s.rig, ct);
	scene_strike(&s);
	return was_hit();
}

static bool start_fails_in(size_t row)
{
	struct container *ct;
	struct scene s;
	struct deed d;

	scene_set(&s);
	ct = rig_create(&s.rig);
	arm("start", row);
	rig_begin_start(&s.rig, ct, 0, &d);
	rig_await(&s.rig, &d);
	if (was_hit()) {
		expect_injected(&d);
		assert_int_equal(ct->init.state, STATE_CREATED);
		assert_int_equal(ct->init.news_held, 0);
	} else {
		deed_expect_ok(&d);
		rig_kill(&s.rig, ct);
	}
	rig_delete(&s.rig, ct);
	scene_strike(&s);
	return was_hit();
}

/* Of a container that has stopped, or was never started. */
static bool delete_fails_in(size_t row, bool started)
{
	struct container *ct;
	struct scene s;
	struct deed d;

	scene_set(&s);
	ct = rig_create(&s.rig);
	if (started) {
		rig_start(&s.rig, ct);
		rig_kill(&s.rig, ct);
	}
	arm("delete", row);
	rig_begin_delete(&s.rig, ct, 0, &d);
	rig_await(&s.rig, &d);
	if (was_hit()) {
		expect_injected(&d);
		assert_true(container_exists(&s.rig.set, "c1"));
		rig_delete(&s.rig, ct);
	} else {
		deed_expect_ok(&d);
	}
	rig_expect_story(&s.rig, started     ? was_hit() ? "create start exit=137 !delete delete"
							 : "create start exit=137 delete"
				 : row == 0  ? "create !delete exit=137 delete"
				 : was_hit() ? "create exit=137 !delete delete"
					     : "create exit=137 delete");
	scene_strike(&s);
	return was_hit();
}

static size_t count_rows(bool (*fails_in)(size_t row))
{
	size_t row = 0;

	while (fails_in(row)) {
		print_message("row %zu: %s\n", row, fault.step);
		row++;
		assert_true(row < ROWS_MAX);
	}
	return row;
}

TEST(a_create_that_fails_in_any_row_leaves_nothing)
{
	assert_true(count_rows(create_fails_in) >= 13);
}

TEST(a_start_that_fails_in_any_row_leaves_a_container_that_can_be_deleted)
{
	assert_true(count_rows(start_fails_in) >= 3);
}

static bool stopped_fails_in(size_t row)
{
	return delete_fails_in(row, true);
}

static bool unstarted_fails_in(size_t row)
{
	return delete_fails_in(row, false);
}

TEST(a_delete_that_fails_in_any_row_can_be_repeated)
{
	assert_true(count_rows(stopped_fails_in) >= 8);
}

TEST(a_delete_of_one_never_started_that_fails_in_any_row_can_be_repeated)
{
	assert_true(count_rows(unstarted_fails_in) >= 8);
}
