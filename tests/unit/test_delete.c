/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The Delete operation: what it takes down, what it refuses, and that it can be repeated.
 */

#include "base/clock.h"
#include "process/drain.h"
#include "tests/unit/process_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TEST(a_stopped_container_is_deleted_and_its_exit_record_is_told)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	r.args.io = rig_streams(&r);
	rig_script(&r, "exit 9");
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_await_exit(&r);
	rig_begin_delete(&r, ct, 0, &d);
	rig_await(&r, &d);
	deed_expect_ok(&d);
	assert_true(d.exit.is_set);
	assert_int_equal(d.exit.code, 9);
	assert_false(container_exists(&r.set, "c1"));
	rig_expect_streams_are_free(&r);
	rig_fini(&r);
}

TEST(one_that_was_never_started_is_killed_and_its_exit_told_first)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	r.args.io = rig_streams(&r);
	ct = rig_create(&r);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create exit=137 delete");
	rig_expect_streams_are_free(&r);
	rig_fini(&r);
}

TEST(a_running_container_is_not_deleted)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_begin_delete(&r, ct, 0, &d);
	rig_await(&r, &d);
	assert_string_equal(d.err.msg, "cannot delete a running process");
	assert_int_equal(d.err.status, STATUS_UNKNOWN);
	assert_true(container_exists(&r.set, "c1"));
	assert_true(reaper_tracks(&r.reaper, ct->init.pid));
	assert_int_equal(rig_count_calls(&r, "delete"), 0);
	rig_kill(&r, ct);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_runtime_that_refuses_is_told_but_the_streams_are_closed_all_the_same)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	r.args.io = rig_streams(&r);
	rig_misdeeds(&r, "delete fail device or resource busy\n");
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_kill(&r, ct);
	rig_begin_delete(&r, ct, 0, &d);
	rig_await(&r, &d);
	assert_string_equal(d.err.msg, "failed to delete task: device or resource busy");
	assert_int_equal(d.err.status, STATUS_UNKNOWN);
	assert_null(ct->init.io);
	rig_expect_streams_are_free(&r);
	assert_int_equal(ct->init.state, STATE_STOPPED);
	assert_true(container_exists(&r.set, "c1"));
	rig_misdeeds(&r, "");
	rig_delete(&r, ct);
	rig_expect_story(&r, "create start exit=137 !delete delete");
	rig_fini(&r);
}

TEST(a_runtime_that_knows_no_such_container_has_deleted_it)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "delete after-fail no memory\n");
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_kill(&r, ct);
	rig_begin_delete(&r, ct, 0, &d);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_UNKNOWN, "failed to delete task: no memory");
	rig_delete(&r, ct); /* "container ... does not exist" */
	rig_fini(&r);
}

TEST(so_has_one_that_says_it_as_crun_does)
{
	char words[RIG_PATH_MAX + 128];
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_kill(&r, ct);
	rig_misdeeds(&r, "delete fail cannot open directory '/x/c1': No such file or directory\n");
	rig_begin_delete(&r, ct, 0, &d);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_UNKNOWN, "failed to delete task: cannot open"); /* another's */
	snprintf(words, sizeof(words),
		"delete after-fail cannot open directory '%s/" RIG_NAMESPACE
		"/c1': No such file or directory\n",
		r.root);
	rig_misdeeds(&r, words);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_runtime_that_is_gone_is_told_and_delete_can_be_repeated)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_runtime_script(&r, "exec \"$FAKE\" \"$@\"");
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_kill(&r, ct);
	assert_int_equal(renameat(r.dir.fd, "runtime.sh", r.dir.fd, "elsewhere"), 0);
	rig_begin_delete(&r, ct, 0, &d);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_UNKNOWN, "failed to delete task: ");
	deed_expect(&d, STATUS_UNKNOWN, "no such file or directory");
	assert_int_equal(renameat(r.dir.fd, "elsewhere", r.dir.fd, "runtime.sh"), 0);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_runtime_that_hangs_is_ended_by_the_deadline_and_delete_can_be_repeated)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "delete hang\n");
	ct = rig_create(&r);
	rig_begin_delete(&r, ct, 0, &d);
	rig_expire(&r, rig_await_row(&r, "run runtime", false));
	rig_await(&r, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "delete: timed out in step 'run runtime'");
	rig_misdeeds(&r, "");
	rig_delete(&r, ct);
	rig_expect_story(&r, "create exit=137 !delete delete");
	rig_fini(&r);
}

TEST(what_the_container_wrote_last_is_not_lost_by_a_delete_at_once)
{
	char got[8] = "";
	struct container *ct;
	auto_fd int out = -1;
	struct rig r;

	rig_init(&r);
	r.args.io = rig_streams(&r);
	rig_script(&r, "echo last");
	out = open(r.args.io.out, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_await_exit(&r);
	rig_delete(&r, ct);
	assert_int_equal(read(out, got, sizeof(got)), 5);
	assert_string_equal(got, "last\n");
	assert_int_equal(read(out, got, sizeof(got)), 0);
	rig_fini(&r);
}

/* More than a FIFO holds: the rest is still in the container's pipe when Delete comes. */
#define WORDS_OF_A_SLOW_READER 408894

struct reading {
	int fd;
	size_t got;
	bool at_end;
};

static bool is_reading(void *arg)
{
	struct reading *k = arg;
	char chunk[4096];
	ssize_t n;

	while ((n = read(k->fd, chunk, sizeof(chunk))) > 0)
		k->got += (size_t)n;
	k->at_end = n == 0;
	return !k->at_end;
}

TEST(delete_waits_for_a_slow_client_and_nothing_is_lost)
{
	struct reading k = { .fd = -1 };
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	r.args.io = rig_streams(&r);
	rig_script(&r, "seq 70000");
	k.fd = open(r.args.io.out, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_await_exit(&r);
	rig_begin_delete(&r, ct, 0.1, &d);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "delete: timed out in step 'drain stdio'");
	rig_begin_delete(&r, ct, 0, &d);
	loop_run_while(r.loop, is_reading, &k);
	assert_int_equal(k.got, WORDS_OF_A_SLOW_READER);
	rig_await(&r, &d);
	deed_expect_ok(&d);
	fd_drop(&k.fd);
	rig_fini(&r);
}

/* What was waited for is freed by then: with a sanitizer it must not be touched again. */
TEST(a_delete_that_fails_after_a_slow_client_can_be_repeated)
{
	struct reading k = { .fd = -1 };
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	r.args.io = rig_streams(&r);
	rig_script(&r, "seq 70000");
	rig_misdeeds(&r, "delete fail not today\n");
	k.fd = open(r.args.io.out, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_await_exit(&r);
	rig_begin_delete(&r, ct, 0, &d);
	assert_string_equal(op_step_name(rig_await_row(&r, "drain stdio", false)), "drain stdio");
	loop_run_while(r.loop, is_reading, &k);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_UNKNOWN, "failed to delete task: not today");
	rig_misdeeds(&r, "");
	rig_delete(&r, ct);
	fd_drop(&k.fd);
	rig_fini(&r);
}

/* Its exit is not told as long as an exec might be reported. */
TEST(a_delete_whose_time_is_up_no_longer_waits_for_the_exit)
{
	struct container *ct;
	struct deed d;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	ct->running_execs = 1;
	rig_begin_delete(&r, ct, 0, &d);
	loop_run_until(r.loop, &ct->init_exited);
	rig_expire(&r, rig_await_row(&r, "end init", false));
	rig_await(&r, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "delete: timed out in step 'end init'");
	assert_true(list_is_empty(&ct->init.waiters));
	container_exec_failed(ct);
	rig_expect_story(&r, "create !delete exit=137");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_process_that_keeps_a_stream_open_does_not_hold_up_delete)
{
	struct container *ct;
	struct rig r;
	char *pid;

	rig_init(&r);
	r.args.io = rig_streams(&r);
	rig_script(&r, "sleep 1000 & echo $! >$B/heir");
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_await_exit(&r);
	rig_delete(&r, ct);
	rig_expect_streams_are_free(&r);
	pid = rig_read(&r, "heir");
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
	free(pid);
	rig_fini(&r);
}

/* Nobody reads, the FIFO is full, and there is more in the pipe. */
TEST(a_client_that_never_reads_holds_up_delete_for_so_long_and_no_longer)
{
	struct container *ct;
	struct rig r;
	int64_t since;
	char *pid;

	rig_init(&r);
	r.args.io = rig_streams(&r);
	rig_script(&r, "head -c 1000000 /dev/zero & echo $! >$B/heir; sleep 2");
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_await_exit(&r);
	since = clock_mono_ns();
	rig_delete(&r, ct);
	since = clock_mono_ns() - since;
	assert_true(since > (int64_t)(0.9 * DRAIN_MAX_S) * 1000000000);
	assert_true(since < (int64_t)(1.5 * DRAIN_MAX_S) * 1000000000);
	rig_expect_streams_are_free(&r);
	pid = rig_read(&r, "heir");
	(void)kill((pid_t)strtol(pid, NULL, 10), SIGKILL); /* it may have died of EPIPE */
	free(pid);
	rig_fini(&r);
}

/* Somebody sits in the rootfs: the kernel refuses to unmount it until they have gone. */
TEST(an_unmount_that_fails_is_told_and_delete_can_be_repeated)
{
	static const char *const options[] = { "rbind" };
	struct rootfs_mount m = { "bind", NULL, "", options, 1 };
	struct container *ct;
	auto_fd int user = -1;
	struct deed d;
	struct rig r;

	if (geteuid() != 0)
		test_skip("mount needs root");
	rig_init(&r);
	r.args.io = rig_streams(&r);
	m.source = r.dir.path;
	r.args.mounts = &m;
	r.args.n_mounts = 1;
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_kill(&r, ct);
	user = openat(r.dir.fd, "c1/rootfs/c1/config.json", O_RDONLY | O_CLOEXEC);
	assert_true(user >= 0);
	rig_begin_delete(&r, ct, 0, &d);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_UNKNOWN, "failed rootfs umount: unmount ");
	deed_expect(&d, STATUS_UNKNOWN, "/c1/rootfs: device or resource busy");
	assert_true(container_exists(&r.set, "c1"));
	rig_expect_streams_are_free(&r);
	fd_drop(&user);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create start exit=137 !delete delete");
	rig_fini(&r);
}
