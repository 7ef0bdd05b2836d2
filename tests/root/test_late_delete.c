/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The `delete` action when the runtime or the unmount hangs: it answers before
 * containerd's five seconds are over, and has done what could be done.
 */

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "proto/api/task.pb-c.h"
#include "proto/message.h"
#include "shim/args.h"
#include "shim/delete.h"
#include "tests/lib/slow_fs.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTAINERD_PATIENCE_S 5

/* Ours leave half a second of that: a machine that stands still for longer may do so once. */
#define TRIES 3

struct scene {
	struct tmpdir dir; /* the bundle */
	struct slow_fs fs;
	char rootfs[PATH_MAX];
};

/* A container that had exited with 7, and a runtime of which a `delete` does @script. */
static void scene_set(struct scene *s, const char *script)
{
	char text[1024];

	if (geteuid() != 0)
		test_skip("mount needs root");
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	tmpdir_open(&s->dir);
	snprintf(s->rootfs, sizeof(s->rootfs), "%s/rootfs", s->dir.path);
	assert_int_equal(mkdir(s->rootfs, 0700), 0);
	tmpdir_write(&s->dir, "exitstatus.json",
		"{\"Pid\":5,\"Status\":7,\"Timestamp\":\"2026-01-02T03:04:05Z\"}");
	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	tmpdir_write(&s->dir, "runtime.sh", text);
	assert_int_equal(fchmodat(s->dir.fd, "runtime.sh", 0700, 0), 0);
	snprintf(text, sizeof(text), "{\"binary_name\":\"%s/runtime.sh\"}", s->dir.path);
	tmpdir_write(&s->dir, "options.json", text);
}

static void scene_add_slow_fs(struct scene *s)
{
	int rc = slow_fs_mount(&s->fs, s->dir.path);

	if (rc == -ENOENT || rc == -EPERM)
		test_skip("a filesystem of our own needs /dev/fuse");
	assert_int_equal(rc, 0);
}

static NORETURN void act(const struct scene *s, int out)
{
	const struct args args = { .ns = "test", .id = "c1", .action = ACTION_DELETE };
	struct err e = ERR_INIT;

	if (chdir(s->dir.path) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(2);
	close(out);
	_exit(delete_run(&args, &e) < 0);
}

/* As containerd runs it: until its outputs have come to their end. Whether that was in time. */
static bool expect_an_answer(const struct scene *s)
{
	auto_buf struct buf text = BUF_INIT(4096);
	auto_message Pb__DeleteResponse *reply = NULL;
	int64_t took, since = clock_mono_ns();
	siginfo_t si;
	int out[2];
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		act(s, out[1]);
	close(out[1]);
	assert_int_equal(fd_read_all(out[0], &text), 0);
	close(out[0]);
	took = clock_mono_ns() - since;
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	assert_int_equal(si.si_status, 0);
	reply = message_unpack(&pb__delete_response__descriptor, text.data, text.len);
	assert_non_null(reply);
	assert_int_equal(reply->exit_status, 7);
	return took < CONTAINERD_PATIENCE_S * 1000000000LL;
}

static void expect_in_time(bool (*play)(void))
{
	for (int i = 0; i < TRIES; i++)
		if (play())
			return;
	fail_msg("%d times no answer in %d s", TRIES, CONTAINERD_PATIENCE_S);
}

/* What `delete` left behind it has killed, and may be dying still when it answers. */
static void expect_killed_orphans(void)
{
	siginfo_t si;

	while (waitid(P_ALL, 0, &si, WEXITED) == 0) {
		assert_int_equal(si.si_code, CLD_KILLED);
		assert_int_equal(si.si_status, SIGKILL);
	}
	assert_int_equal(errno, ECHILD);
}

static void end_slow_fs(struct scene *s)
{
	siginfo_t si;

	assert_int_equal(slow_fs_end(&s->fs), 0);
	assert_int_equal(waitid(P_PID, (id_t)s->fs.server, &si, WEXITED), 0);
}

/* Whether it was mounted. */
static bool take_off(const char *path)
{
	return umount2(path, MNT_DETACH) == 0;
}

static bool hanging_runtime(void)
{
	struct scene s;
	bool in_time;

	scene_set(&s, "exec sleep 1000");
	assert_int_equal(mount("tmpfs", s.rootfs, "tmpfs", 0, NULL), 0);
	in_time = expect_an_answer(&s);
	assert_false(take_off(s.rootfs));
	expect_killed_orphans();
	tmpdir_close(&s.dir);
	return in_time;
}

TEST(the_rootfs_of_a_runtime_that_hangs_comes_off)
{
	expect_in_time(hanging_runtime);
}

static bool immortal_runtime(void)
{
	struct scene s;
	bool in_time;

	scene_set(&s, "exec <slow/hang");
	scene_add_slow_fs(&s);
	assert_int_equal(mount("tmpfs", s.rootfs, "tmpfs", 0, NULL), 0);
	in_time = expect_an_answer(&s);
	assert_false(take_off(s.rootfs));
	end_slow_fs(&s);
	expect_killed_orphans();
	tmpdir_close(&s.dir);
	return in_time;
}

TEST(a_runtime_that_cannot_be_killed_is_not_waited_for)
{
	expect_in_time(immortal_runtime);
}

/* The rootfs is the slow filesystem, and another mount is found through it. */
static bool hanging_unmount(void)
{
	char sub[PATH_MAX + 8];
	struct scene s;
	bool in_time;

	scene_set(&s, "exit 0");
	scene_add_slow_fs(&s);
	snprintf(sub, sizeof(sub), "%s/sub", s.rootfs);
	assert_int_equal(mount(s.fs.path, s.rootfs, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount("tmpfs", sub, "tmpfs", 0, NULL), 0);
	assert_int_equal(slow_fs_pause(&s.fs), 0);
	in_time = expect_an_answer(&s);
	assert_int_equal(slow_fs_continue(&s.fs), 0);
	assert_true(take_off(sub));
	assert_true(take_off(s.rootfs));
	end_slow_fs(&s);
	expect_killed_orphans();
	tmpdir_close(&s.dir);
	return in_time;
}

TEST(an_unmount_that_hangs_does_not_cost_the_answer)
{
	expect_in_time(hanging_unmount);
}
