/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The Create operation, against a runtime that does as it is told, good or bad.
 */

#include "tests/unit/process_rig.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(a_container_is_created_and_its_init_is_a_child_of_ours)
{
	struct err e = ERR_INIT;
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	assert_int_equal(ct->init.state, STATE_CREATED);
	assert_true(ct->init.pid > 1);
	assert_true(reaper_tracks(&r.reaper, ct->init.pid));
	assert_ptr_equal(container_find(&r.set, "c1", &e), ct);
	assert_ptr_equal(container_process(ct, "", &e), &ct->init);
	assert_int_equal(rig_count_calls(&r, "create"), 1);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create exit=137 delete");
	rig_fini(&r);
}

TEST(the_command_line_is_go_runcs)
{
	char *calls, wanted[6 * RIG_PATH_MAX];
	struct container *ct;
	struct rig r;

	unsetenv("FAKE_HANDS_PIDFDS"); /* go-runc knows nothing of them */
	rig_init(&r);
	r.args.options.no_pivot = true;
	r.args.options.no_new_keyring = true;
	r.args.options.systemd_cgroup = true;
	ct = rig_create(&r);
	calls = tmpdir_read(&r.dir, "runtime/" RIG_NAMESPACE "/calls.log");
	snprintf(wanted, sizeof(wanted),
		"--root %s/%s --log %s/log.json --log-format json --systemd-cgroup create "
		"--bundle %s --pid-file %s/init.pid --no-pivot --no-new-keyring c1\n",
		r.root, RIG_NAMESPACE, r.bundle, r.bundle, r.bundle);
	assert_string_equal(calls, wanted);
	free(calls);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_log_file_that_is_a_fifo_nobody_reads_holds_up_nobody)
{
	char uri[256];
	struct rig r;

	rig_init(&r);
	snprintf(uri, sizeof(uri), "file://%s", rig_fifo(&r, "never"));
	r.args.io.out = uri;
	rig_expect_no_create(&r, STATUS_UNKNOWN, "open log file");
	rig_fini(&r);
}

TEST(the_options_are_left_in_the_bundle_for_whoever_cleans_up_after_us)
{
	struct container *ct;
	struct rig r;
	char *text;

	rig_init(&r);
	ct = rig_create(&r);
	text = rig_read(&r, "runtime");
	assert_string_equal(text, r.binary);
	free(text);
	text = rig_read(&r, "options.json");
	assert_non_null(strstr(text, r.root));
	free(text);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(the_runtimes_own_words_reach_the_caller)
{
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create fail   no such file: /bin/nope  \n");
	rig_begin_create(&r, &d);
	rig_await(&r, &d);
	assert_string_equal(d.err.msg, "OCI runtime create failed: no such file: /bin/nope");
	assert_int_equal(d.err.status, STATUS_UNKNOWN);
	assert_null(d.ct);
	rig_expect_story(&r, "!create");
	rig_fini(&r);
}

TEST(an_error_of_an_earlier_call_is_not_blamed_on_this_one)
{
	struct rig r;

	rig_init(&r);
	rig_write(&r, "log.json", "{\"level\":\"error\",\"msg\":\"long ago\"}\n");
	rig_misdeeds(&r, "create die 9\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "exit status 137");
	rig_misdeeds(&r, "create fail just now\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "OCI runtime create failed: just now");
	rig_fini(&r);
}

TEST(a_runtime_that_is_not_there_is_named)
{
	struct rig r;

	rig_init(&r);
	r.args.options.binary = "no-runc";
	rig_expect_no_create(&r, STATUS_UNKNOWN, "OCI runtime create failed: ");
	rig_expect_no_create(
		&r, STATUS_UNKNOWN, "exec: \"no-runc\": executable file not found in $PATH");
	r.args.options.binary = "/nowhere/runc";
	rig_expect_no_create(
		&r, STATUS_UNKNOWN, "fork/exec /nowhere/runc: no such file or directory");
	rig_fini(&r);
}

TEST(a_runtime_that_hangs_is_ended_by_the_deadline_which_names_the_step)
{
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create hang\n");
	r.args.deadline_s = 2;
	rig_expect_no_create(
		&r, STATUS_DEADLINE_EXCEEDED, "create: timed out in step 'run runtime'");
	assert_int_equal(rig_count_calls(&r, "delete"), 1);
	rig_expect_story(&r, "!create");
	rig_fini(&r);
}

/* The runtime has forked init when it is killed: only `delete --force` can find that. */
TEST(what_a_runtime_that_was_killed_half_way_leaves_is_deleted)
{
	struct rig r;

	rig_init(&r);
	rig_runtime_script(&r,
		"\"$FAKE\" \"$@\"\n"
		"for word; do [ \"$word\" != create ] || while :; do read x <$B/never; done; done");
	rig_fifo(&r, "never");
	r.args.deadline_s = 2;
	rig_expect_no_create(&r, STATUS_DEADLINE_EXCEEDED, "'run runtime'");
	rig_fini(&r);
}

TEST(a_cleanup_that_hangs_too_is_given_up_after_its_grace)
{
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create after-fail too late\ndelete hang\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "too late");
	/* What the runtime remembers is the operator's then; the process we have ended ourselves.
	 */
	rig_await_no_children(&r);
	rig_misdeeds(&r, "");
	rig_runtime_script(&r, "exec \"$FAKE\" \"$@\"");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "already exists");
	rig_fini(&r);
}

/* The runtime sends no console; its connection breaks with the init, which the undo kills. */
TEST(a_console_that_comes_to_nothing_does_not_disturb_the_undo)
{
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create mute-console\ndelete hang-ms 300\n");
	r.args.io.terminal = true;
	rig_begin_create(&r, &d);
	rig_expire(&r, rig_await_row(&r, "receive console", false));
	rig_await(&r, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "timed out in step 'receive console'");
	rig_fini(&r);
}

TEST(an_init_that_dies_before_we_know_its_pid_is_still_ours)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create dead-init\n");
	ct = rig_create(&r);
	rig_expect_story(&r, "create");
	assert_false(ct->init.exit.is_set);
	rig_await_exit(&r);
	rig_expect_story(&r, "create exit=42");
	assert_int_equal(ct->init.state, STATE_STOPPED);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create exit=42 delete");
	rig_fini(&r);
}

static void settle(struct rig *r)
{
	for (int i = 0; i < 20; i++)
		loop_run_once(r->loop);
}

static void wake(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)revents;
	ev_io_stop(loop, w);
}

static bool is_empty(void *arg)
{
	struct pollfd p = { .fd = *(int *)arg, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* Its parent is gone for good while the runtime still has something to do: a zombie, and ours. */
TEST(an_init_that_is_an_orphan_long_before_its_runtime_ends_keeps_its_status)
{
	auto_fd int made = -1;
	auto_fd int go = -1;
	struct container *ct;
	struct deed d;
	struct rig r;
	ev_io news;
	char byte;

	rig_init(&r);
	rig_misdeeds(&r, "create dead-init\n");
	rig_runtime_script(&r,
		"\"$FAKE\" \"$@\" || exit 1\n"
		"for word; do [ \"$word\" != create ] || { echo >$B/made; read x <$B/go; }; "
		"done");
	made = open(rig_fifo(&r, "made"), O_RDWR | O_CLOEXEC);
	go = open(rig_fifo(&r, "go"), O_RDWR | O_CLOEXEC);
	ev_io_init(&news, wake, made, EV_READ);
	ev_io_start(r.loop, &news);
	rig_begin_create(&r, &d);
	loop_run_while(r.loop, is_empty, &made);
	ev_io_stop(r.loop, &news);
	assert_int_equal(read(made, &byte, 1), 1);
	settle(&r); /* SIGCHLD has come, and with it the sweep */
	assert_false(d.done);
	assert_int_equal(write(go, "\n", 1), 1);
	rig_await(&r, &d);
	deed_expect_ok(&d);
	ct = d.ct;
	rig_await_exit(&r);
	rig_expect_story(&r, "create exit=42");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_runtime_that_lies_about_having_created_is_refused)
{
	struct rig r;

	rig_init(&r);
	rig_write(&r, "init.pid", "1234"); /* of an earlier life: it must not be believed */
	rig_misdeeds(&r, "create lie\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN,
		"failed to retrieve OCI runtime container pid: read init.pid: no such file");
	rig_fini(&r);
}

TEST(half_a_pid_is_no_pid_and_the_init_behind_it_is_ended)
{
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create half-pid\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "init.pid holds '', which is not a pid");
	rig_fini(&r);
}

TEST(pid_1_is_never_an_init)
{
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create stranger-pid\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "init.pid holds '1', which is not a pid");
	rig_fini(&r);
}

/* Our own parent: had we signalled it, this test would not end well. */
TEST(a_stranger_is_neither_adopted_nor_killed)
{
	char pid[16], words[96];
	struct rig r;

	unsetenv("FAKE_HANDS_PIDFDS"); /* or the two would be found to differ (test_handover.c) */
	rig_init(&r);
	snprintf(pid, sizeof(pid), "%d", (int)getppid());
	rig_write(&r, "stranger", pid);
	rig_runtime_script(&r, "\"$FAKE\" \"$@\" && cp $B/stranger $B/init.pid");
	snprintf(words, sizeof(words), "left pid %s in init.pid, which we cannot follow", pid);
	rig_expect_no_create(&r, STATUS_UNKNOWN, words);
	assert_int_equal(kill(getppid(), 0), 0);
	rig_fini(&r);
}

TEST(a_runtime_that_dies_by_a_signal_has_failed)
{
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create die 11\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "did not terminate successfully: exit status 139");
	rig_fini(&r);
}

TEST(megabytes_of_noise_do_not_stop_it)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create noise 200000\nstart noise 2000000\ndelete noise 200000\n");
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_kill(&r, ct);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(a_runtime_that_fails_after_its_work_leaves_nothing_either)
{
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create after-fail cgroup: no space\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "OCI runtime create failed: cgroup: no space");
	rig_misdeeds(&r, "");
	rig_delete(&r, rig_create(&r));
	rig_fini(&r);
}

TEST(while_a_create_hangs_others_are_answered)
{
	struct err e = ERR_INIT;
	struct deed d, twin;
	struct op *op;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create hang\n");
	rig_begin_create(&r, &d);
	op = rig_await_row(&r, "run runtime", false);
	assert_false(d.done);
	assert_null(container_find(&r.set, "c1", &e));
	assert_int_equal(e.status, STATUS_NOT_FOUND);
	assert_string_equal(e.msg, "container not created: not found");
	assert_true(container_exists(&r.set, "c1"));
	rig_begin_create(&r, &twin);
	assert_true(twin.done);
	assert_null(twin.ct);
	deed_expect(&twin, STATUS_ALREADY_EXISTS, "container 'c1': already exists");
	rig_expire(&r, op);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "run runtime");
	rig_fini(&r);
}

/* All we follow: runtimes that hang. */
static void kill_children(struct rig *r)
{
	list_each (it, &r->reaper.children)
		assert_int_equal(child_signal(container_of(it, struct child, link), SIGKILL), 0);
}

TEST(a_slow_runtime_delays_only_its_own_container)
{
	char bundle[RIG_PATH_MAX];
	struct container *other;
	struct deed slow;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create hang\n");
	rig_begin_create(&r, &slow);
	rig_bundle(&r, "c2", "exec sleep 1000");
	snprintf(bundle, sizeof(bundle), "%s/c2", r.dir.path);
	r.args.id = "c2";
	r.args.bundle = bundle;
	other = rig_create(&r);
	rig_start(&r, other);
	rig_kill(&r, other);
	rig_delete(&r, other);
	assert_false(slow.done);
	kill_children(&r);
	rig_await(&r, &slow);
	rig_expect_story(&r, "create start exit=137 delete !create");
	rig_fini(&r);
}

TEST(an_id_that_exists_is_refused_and_the_first_is_not_touched)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_expect_no_create(&r, STATUS_ALREADY_EXISTS, "container 'c1': already exists");
	rig_start(&r, ct);
	rig_kill(&r, ct);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(what_no_bundle_or_id_is_is_refused)
{
	struct rig r;

	rig_init(&r);
	r.args.bundle = "/nowhere/c1";
	rig_expect_no_create(&r, STATUS_UNKNOWN, "open bundle /nowhere/c1: no such file");
	r.args.bundle = "c1";
	rig_expect_no_create(&r, STATUS_INVALID_ARGUMENT, "not an absolute path");
	r.args.bundle = r.bundle;
	r.args.id = "../c1";
	rig_expect_no_create(&r, STATUS_INVALID_ARGUMENT, "container id '../c1' is not legal");
	rig_fini(&r);
}

TEST(a_config_nobody_can_read_is_the_runtimes_to_complain_about)
{
	struct rig r;

	rig_init(&r);
	rig_write(&r, "config.json", "{ \"ociVersion\": ");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "OCI runtime create failed: ");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "config.json: no arguments for the process");
	rig_fini(&r);
}

TEST(a_stream_that_cannot_be_opened_is_named_and_nothing_runs)
{
	struct rig r;

	rig_init(&r);
	r.args.io.out = "/nowhere/stdout";
	rig_expect_no_create(&r, STATUS_UNKNOWN,
		"unable to copy pipes: containerd-shim: opening w/o fifo \"/nowhere/stdout\" "
		"failed: no such file or directory");
	assert_int_equal(rig_count_calls(&r, "create"), 0);
	rig_fini(&r);
}

TEST(the_streams_of_a_create_that_failed_are_released)
{
	struct rig r;

	rig_init(&r);
	r.args.io = rig_streams(&r);
	rig_misdeeds(&r, "create fail no\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "no");
	rig_expect_streams_are_free(&r);
	rig_fini(&r);
}

/* `delete` would take it for the new one's. */
TEST(the_exit_of_an_earlier_container_is_forgotten)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	rig_write(&r, "exitstatus.json", "{}");
	ct = rig_create(&r);
	assert_null(rig_read(&r, "exitstatus.json"));
	rig_delete(&r, ct);
	rig_fini(&r);
}
