/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Mounts and unmounts that hang for real, in a filesystem whose server does not
 * answer: they hold up their own call and nothing else.
 */

#include "tests/lib/slow_fs.h"
#include "tests/unit/process_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* One bind mount of something in the slow filesystem onto the rootfs of c1. */
struct scene {
	struct rig rig;
	struct slow_fs fs;
	char source[PATH_MAX + 8];
	const char *options[1];
	struct rootfs_mount mount;
};

static void scene_set(struct scene *s, const char *below)
{
	int rc;

	memset(s, 0, sizeof(*s));
	if (geteuid() != 0)
		test_skip("mount needs root");
	rig_init(&s->rig);
	rc = slow_fs_mount(&s->fs, s->rig.dir.path);
	if (rc == -ENOENT || rc == -EPERM)
		test_skip("a filesystem of our own needs /dev/fuse");
	assert_int_equal(rc, 0);
	snprintf(s->source, sizeof(s->source), "%s%s", s->fs.path, below);
	s->options[0] = "rbind";
	s->mount = (struct rootfs_mount){ "bind", s->source, "", s->options, 1 };
	s->rig.args.mounts = &s->mount;
	s->rig.args.n_mounts = 1;
}

static void scene_strike(struct scene *s)
{
	assert_int_equal(slow_fs_end(&s->fs), 0);
	rig_fini(&s->rig);
}

/* Create, start, kill and delete of another container, all while something hangs. */
static void expect_another_is_served(struct scene *s, struct deed *hanging)
{
	char bundle[RIG_PATH_MAX];
	struct container *other;

	rig_bundle(&s->rig, "c2", "exec sleep 1000");
	snprintf(bundle, sizeof(bundle), "%s/c2", s->rig.dir.path);
	s->rig.args.id = "c2";
	s->rig.args.bundle = bundle;
	s->rig.args.n_mounts = 0;
	s->rig.args.deadline_s = 0;
	other = rig_create(&s->rig);
	assert_false(hanging->done);
	s->rig.exited = false; /* of the first one */
	rig_start(&s->rig, other);
	rig_kill(&s->rig, other);
	rig_delete(&s->rig, other);
	assert_false(hanging->done);
}

TEST(a_mount_that_hangs_delays_only_its_own_create)
{
	struct scene s;
	struct deed d;
	struct op *op;

	scene_set(&s, "/sub");
	assert_int_equal(slow_fs_pause(&s.fs), 0);
	rig_begin_create(&s.rig, &d);
	op = rig_await_row(&s.rig, "mount rootfs", false);
	expect_another_is_served(&s, &d);
	rig_expire(&s.rig, op);
	rig_await(&s.rig, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "create: timed out in step 'mount rootfs'");
	assert_int_equal(slow_fs_continue(&s.fs), 0);
	scene_strike(&s);
}

/* Not even SIGKILL ends the child that mounts, so the undo is given up after its grace. */
TEST(a_mount_that_cannot_be_killed_delays_only_its_own_create)
{
	struct scene s;
	struct deed d;
	struct op *op;

	scene_set(&s, "/hang");
	rig_begin_create(&s.rig, &d);
	op = rig_await_row(&s.rig, "mount rootfs", false);
	expect_another_is_served(&s, &d);
	rig_expire(&s.rig, op);
	rig_await(&s.rig, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "create: timed out in step 'mount rootfs'");
	scene_strike(&s);
}

TEST(a_mount_that_hung_for_a_while_goes_on)
{
	struct container *ct;
	struct scene s;
	struct deed d;

	scene_set(&s, "/sub");
	assert_int_equal(slow_fs_pause(&s.fs), 0);
	rig_begin_create(&s.rig, &d);
	expect_another_is_served(&s, &d);
	assert_int_equal(slow_fs_continue(&s.fs), 0);
	rig_await(&s.rig, &d);
	deed_expect_ok(&d);
	ct = d.ct;
	rig_delete(&s.rig, ct);
	scene_strike(&s);
}

/* c1 with the slow filesystem as its rootfs, and another mounted in it that is found through it. */
static struct container *create_nested(struct scene *s)
{
	char sub[PATH_MAX + 16];
	struct container *ct;

	snprintf(sub, sizeof(sub), "%s/sub", s->source);
	assert_int_equal(mount("tmpfs", sub, "tmpfs", 0, NULL), 0);
	ct = rig_create(&s->rig);
	rig_start(&s->rig, ct);
	rig_kill(&s->rig, ct);
	return ct;
}

/* Such as the output of another container, whose client waits for its end. */
TEST(a_mount_that_hangs_keeps_nothing_of_others_open)
{
	struct pollfd end = { .events = POLLIN };
	struct scene s;
	struct deed d;
	int fds[2];

	scene_set(&s, "/sub");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(slow_fs_pause(&s.fs), 0);
	rig_begin_create(&s.rig, &d);
	(void)rig_await_row(&s.rig, "mount rootfs", false);
	close(fds[1]);
	end.fd = fds[0];
	assert_int_equal(poll(&end, 1, 5000), 1);
	assert_true(end.revents & POLLHUP);
	assert_false(d.done);
	assert_int_equal(slow_fs_continue(&s.fs), 0);
	rig_await(&s.rig, &d);
	deed_expect_ok(&d);
	rig_delete(&s.rig, d.ct);
	close(fds[0]);
	scene_strike(&s);
}

/* The runtime's `delete --force` ends after all, while its container is being unmounted. */
TEST(a_cleanup_that_was_given_up_does_not_end_the_unmount_that_follows)
{
	char sub[PATH_MAX + 16];
	struct scene s;
	struct deed d;
	struct op *op;

	scene_set(&s, "");
	snprintf(sub, sizeof(sub), "%s/sub", s.source);
	assert_int_equal(mount("tmpfs", sub, "tmpfs", 0, NULL), 0);
	rig_misdeeds(&s.rig, "create after-fail too late\ndelete hang-ms 3000\n");
	rig_begin_create(&s.rig, &d);
	op = rig_await_row(&s.rig, "safety net", true);
	assert_int_equal(slow_fs_pause(&s.fs), 0);
	rig_expire(&s.rig, op); /* its grace */
	assert_string_equal(op_step_name(op), "mount rootfs");
	nanosleep(&(struct timespec){ .tv_sec = 4 }, NULL);
	loop_run_once(s.rig.loop);
	assert_false(d.done);
	assert_int_equal(slow_fs_continue(&s.fs), 0);
	rig_await(&s.rig, &d);
	deed_expect(&d, STATUS_UNKNOWN, "too late");
	rig_misdeeds(&s.rig, ""); /* what the runtime remembers is deleted with the next one */
	rig_expect_no_create(&s.rig, STATUS_UNKNOWN, "already exists");
	scene_strike(&s);
}

TEST(an_unmount_that_hangs_delays_only_its_own_delete)
{
	struct container *ct;
	struct scene s;
	struct deed d;

	scene_set(&s, "");
	ct = create_nested(&s);
	assert_int_equal(slow_fs_pause(&s.fs), 0);
	rig_begin_delete(&s.rig, ct, 0, &d);
	expect_another_is_served(&s, &d);
	assert_int_equal(slow_fs_continue(&s.fs), 0);
	rig_await(&s.rig, &d);
	deed_expect_ok(&d);
	scene_strike(&s);
}

TEST(a_delete_whose_unmount_hung_can_be_repeated)
{
	struct container *ct;
	struct scene s;
	struct deed d;

	scene_set(&s, "");
	ct = create_nested(&s);
	assert_int_equal(slow_fs_pause(&s.fs), 0);
	rig_begin_delete(&s.rig, ct, 0, &d);
	rig_expire(&s.rig, rig_await_row(&s.rig, "unmount rootfs", false));
	rig_await(&s.rig, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "delete: timed out in step 'unmount rootfs'");
	assert_int_equal(slow_fs_continue(&s.fs), 0);
	rig_delete(&s.rig, ct); /* the runtime knows nothing of it any more, and that is no error */
	scene_strike(&s);
}

/* Nobody asks the filesystem anything on the way. */
TEST(a_rootfs_whose_server_does_not_answer_comes_off_all_the_same)
{
	struct container *ct;
	struct scene s;

	scene_set(&s, "");
	ct = rig_create(&s.rig);
	rig_start(&s.rig, ct);
	rig_kill(&s.rig, ct);
	assert_int_equal(slow_fs_pause(&s.fs), 0);
	rig_delete(&s.rig, ct);
	assert_int_equal(slow_fs_continue(&s.fs), 0);
	scene_strike(&s);
}
