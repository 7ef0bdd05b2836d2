/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Mounting in a child. What it mounts is tried in test_rootfs.c.
 */

#include "process/rootfs/rootfs.h"
#include "process/rootfs/userns.h"
#include "tests/lib/kernel.h"
#include "tests/lib/tmpdir.h"
#include "tests/unit/reaper_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

struct scene {
	struct rig rig;
	struct tmpdir dir;
	char rootfs[TMPDIR_PATH_MAX + 16];
	struct rootfs_job job;
	bool done;
	int calls;
};

static void on_done(struct rootfs_job *job)
{
	struct scene *s = container_of(job, struct scene, job);

	s->done = true;
	s->calls++;
}

static void scene_set(struct scene *s)
{
	if (geteuid() != 0)
		test_skip("mount needs root");
	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	tmpdir_open(&s->dir);
	assert_int_equal(mkdirat(s->dir.fd, "rootfs", 0700), 0);
	snprintf(s->rootfs, sizeof(s->rootfs), "%s/rootfs", s->dir.path);
	s->job = ROOTFS_JOB_NONE;
	s->job.on_done = on_done;
}

static void await(struct scene *s)
{
	loop_run_until(s->rig.loop, &s->done);
	assert_int_equal(s->calls, 1);
	s->done = false;
	s->calls = 0;
}

static void unmount(struct scene *s)
{
	struct err e = ERR_INIT;

	assert_int_equal(rootfs_unmount_begin(&s->job, &s->rig.reaper, s->rootfs), 0);
	await(s);
	assert_int_equal(rootfs_job_verdict(&s->job, &e), 0);
}

static void scene_strike(struct scene *s)
{
	unmount(s);
	rootfs_job_fini(&s->job);
	rig_fini(&s->rig);
	tmpdir_close(&s->dir);
}

/* Only to look again now and then at what sends no event. */
static void on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)timer;
	(void)revents;
}

static bool has_children(void *arg)
{
	siginfo_t si;

	(void)arg;
	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static const struct rootfs_mount good = { .type = "tmpfs", .source = "tmpfs", .target = "" };
static const struct rootfs_mount bad = { .type = "nosuchfs", .source = "x", .target = "" };

static void begin_mount(struct scene *s, const struct rootfs_mount *m)
{
	assert_int_equal(rootfs_mount_begin(&s->job, &s->rig.reaper, s->rootfs, m, 1), 0);
}

TEST(a_job_mounts_in_our_namespace_and_says_so_from_the_loop)
{
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	begin_mount(&s, &good);
	assert_false(s.done);
	await(&s);
	assert_int_equal(rootfs_job_verdict(&s.job, &e), 0);
	assert_false(rootfs_job_kill(&s.job));
	assert_int_equal(umount2(s.rootfs, 0), 0);
	scene_strike(&s);
}

TEST(what_the_child_has_to_say_arrives_whole)
{
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	begin_mount(&s, &bad);
	await(&s);
	assert_int_equal(rootfs_job_verdict(&s.job, &e), -1);
	assert_non_null(strstr(e.msg, "failed to mount rootfs component: mount source: \"x\""));
	assert_non_null(strstr(e.msg, "no such device"));
	assert_int_equal(e.status, STATUS_UNKNOWN);
	scene_strike(&s);
}

TEST(a_job_may_be_used_again_and_forgets_the_last_time)
{
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	begin_mount(&s, &bad);
	await(&s);
	begin_mount(&s, &good);
	await(&s);
	assert_int_equal(rootfs_job_verdict(&s.job, &e), 0);
	scene_strike(&s);
}

static int kill_in_the_middle(struct scene *s, struct err *e)
{
	struct rootfs_mount many[ROOTFS_MOUNTS_MAX];

	for (int i = 0; i < ROOTFS_MOUNTS_MAX; i++)
		many[i] = good;
	assert_int_equal(
		rootfs_mount_begin(&s->job, &s->rig.reaper, s->rootfs, many, ROOTFS_MOUNTS_MAX), 0);
	(void)rootfs_job_kill(&s->job);
	await(s);
	return rootfs_job_verdict(&s->job, e);
}

/* It may be faster than the signal, but not always. How far it got nobody knows; that comes off. */
TEST(a_job_that_is_killed_in_the_middle_has_failed)
{
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	while (kill_in_the_middle(&s, &e) == 0)
		unmount(&s);
	assert_string_equal(e.msg, "the process that mounts ended with status 137");
	scene_strike(&s);
}

TEST(a_job_that_is_given_up_says_nothing_more)
{
	struct scene s;
	pid_t pid;

	scene_set(&s);
	begin_mount(&s, &good);
	pid = s.job.child.pid;
	rootfs_job_fini(&s.job);
	await_collected(&s.rig, pid);
	assert_int_equal(s.calls, 0);
	s.job.on_done = on_done;
	scene_strike(&s);
}

/* How often a user namespace was made in this process. */
static int made;

void userns_hook(enum userns_point at, struct zombie *zombie)
{
	(void)zombie;
	made += at == USERNS_STARTED;
}

static void mount_idmapped(struct scene *s, const char *uidmap)
{
	const char *const options[] = { uidmap, "gidmap=0:100000:10" };
	const struct rootfs_mount m = { "tmpfs", "tmpfs", "", options, 2 };
	struct err e = ERR_INIT;
	struct stat st;

	begin_mount(s, &m);
	await(s);
	if (rootfs_job_verdict(&s->job, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(stat(s->rootfs, &st), 0);
	assert_int_equal(st.st_uid, 100000);
	unmount(s);
}

TEST(containers_with_the_same_maps_share_a_user_namespace)
{
	struct userns_cache cache = { 0 };
	struct scene s;

	if (!kernel_is_at_least(6, 3))
		test_skip("tmpfs can be idmapped since Linux 6.3");
	scene_set(&s);
	s.job.userns = &cache;
	mount_idmapped(&s, "uidmap=0:100000:10");
	assert_int_equal(made, 1);
	mount_idmapped(&s, "uidmap=0:100000:10");
	assert_int_equal(made, 1);
	mount_idmapped(&s, "uidmap=0:100000:11");
	assert_int_equal(made, 2);
	s.job.userns = NULL; /* without a memory each has its own */
	mount_idmapped(&s, "uidmap=0:100000:10");
	assert_int_equal(made, 3);
	userns_cache_fini(&cache);
	scene_strike(&s);
}

TEST(maps_that_cannot_be_had_are_told_by_the_child)
{
	static const char *const overlap[] = { "uidmap=0:0:10,5:50:10", "gidmap=0:0:1" };
	static const char *const wrong[] = { "uidmap=0:0", "gidmap=0:0:1" };
	struct rootfs_mount m = { "tmpfs", "tmpfs", "", overlap, 2 };
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s);
	begin_mount(&s, &m);
	await(&s);
	assert_int_equal(rootfs_job_verdict(&s.job, &e), -1);
	assert_non_null(strstr(e.msg, "user namespace for uidmap and gidmap: invalid argument"));
	m.options = wrong;
	begin_mount(&s, &m);
	await(&s);
	assert_int_equal(rootfs_job_verdict(&s.job, &e), -1);
	assert_non_null(strstr(e.msg, "mount option \"uidmap=0:0\": range 1 is not"));
	scene_strike(&s);
}

TEST(one_mount_too_many_is_refused)
{
	struct rootfs_mount many[ROOTFS_MOUNTS_MAX + 1];
	struct scene s;

	scene_set(&s);
	for (int i = 0; i <= ROOTFS_MOUNTS_MAX; i++)
		many[i] = good;
	assert_int_equal(
		rootfs_mount_begin(&s.job, &s.rig.reaper, s.rootfs, many, ROOTFS_MOUNTS_MAX + 1),
		-E2BIG);
	scene_strike(&s);
}

static bool helper_is_not_there_yet(void *arg)
{
	const struct scene *s = arg;

	return faccessat(s->dir.fd, "there", F_OK, 0) < 0;
}

TEST(a_helper_does_not_outlive_a_job_that_is_killed)
{
	static const struct rootfs_mount m = { .type = "fuse.slow", .source = "x", .target = "" };
	char path[2 * TMPDIR_PATH_MAX];
	struct err e = ERR_INIT;
	ev_timer tick;
	struct scene s;

	scene_set(&s);
	tmpdir_write(&s.dir, "mount.fuse", "#!/bin/sh\n>${0%/*}/there\nexec sleep 1000\n");
	assert_int_equal(fchmodat(s.dir.fd, "mount.fuse", 0700, 0), 0);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", s.dir.path);
	assert_int_equal(setenv("PATH", path, 1), 0);
	ev_timer_init(&tick, on_tick, 0.01, 0.01);
	ev_timer_start(s.rig.loop, &tick);
	begin_mount(&s, &m);
	loop_run_while(s.rig.loop, helper_is_not_there_yet, &s);
	assert_true(rootfs_job_kill(&s.job));
	await(&s);
	assert_int_equal(rootfs_job_verdict(&s.job, &e), -1);
	loop_run_while(s.rig.loop, has_children, NULL);
	ev_timer_stop(s.rig.loop, &tick);
	scene_strike(&s);
}

TEST(one_that_never_began_can_be_ended)
{
	struct rootfs_job job = ROOTFS_JOB_NONE;
	struct err e = ERR_INIT;

	assert_false(rootfs_job_kill(&job));
	assert_int_equal(rootfs_job_verdict(&job, &e), 0);
	rootfs_job_fini(&job);
	rootfs_job_fini(&job);
}
