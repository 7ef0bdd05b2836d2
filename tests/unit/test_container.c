/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What belongs to the container as a whole: its queue, its names, its pids, the order of news.
 */

#include "tests/unit/process_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(of_two_deletes_at_once_the_second_finds_nothing)
{
	struct deed first, second, start;
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_begin_delete(&r, ct, 0, &first);
	rig_begin_delete(&r, ct, 0, &second);
	rig_begin_start(&r, ct, 0, &start);
	assert_false(second.done);
	rig_await(&r, &first);
	deed_expect_ok(&first);
	rig_await(&r, &second);
	assert_string_equal(second.err.msg, "container not created: not found");
	assert_int_equal(second.err.status, STATUS_NOT_FOUND);
	rig_await(&r, &start);
	assert_int_equal(start.err.status, STATUS_NOT_FOUND);
	assert_int_equal(rig_count_calls(&r, "delete"), 1);
	rig_expect_story(&r, "create exit=137 delete !delete !start");
	rig_fini(&r);
}

TEST(operations_run_one_at_a_time_in_the_order_they_came)
{
	struct deed first, second, third;
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_misdeeds(&r, "start hang-ms 200\n");
	rig_begin_start(&r, ct, 0, &first);
	rig_begin_start(&r, ct, 0, &second);
	rig_begin_delete(&r, ct, 0, &third);
	rig_await(&r, &third);
	deed_expect_ok(&first);
	deed_expect(&second, STATUS_UNKNOWN, "cannot start a running process");
	deed_expect(&third, STATUS_UNKNOWN, "cannot delete a running process");
	rig_expect_story(&r, "create start !start !delete");
	rig_kill(&r, ct);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(no_more_than_so_many_operations_wait)
{
	struct deed *waiting = calloc(CONTAINER_QUEUE_MAX, sizeof(*waiting));
	struct deed first, excess;
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_misdeeds(&r, "start hang-ms 200\n");
	rig_begin_start(&r, ct, 0, &first);
	for (int i = 0; i < CONTAINER_QUEUE_MAX; i++)
		rig_begin_delete(&r, ct, 0, &waiting[i]);
	rig_begin_delete(&r, ct, 0, &excess);
	assert_true(excess.done);
	deed_expect(&excess, STATUS_RESOURCE_EXHAUSTED, "operations are waiting already");
	rig_await(&r, &waiting[CONTAINER_QUEUE_MAX - 1]);
	for (int i = 0; i < CONTAINER_QUEUE_MAX; i++)
		deed_expect(&waiting[i], STATUS_UNKNOWN, "cannot delete a running process");
	assert_int_equal(ct->queued, 0);
	rig_kill(&r, ct);
	rig_delete(&r, ct);
	free(waiting);
	rig_fini(&r);
}

TEST(an_exec_nobody_knows_is_named)
{
	struct err e = ERR_INIT;
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	assert_null(container_process(ct, "e1", &e));
	assert_string_equal(e.msg, "process does not exist e1: not found");
	assert_int_equal(e.status, STATUS_NOT_FOUND);
	assert_ptr_equal(container_process(ct, NULL, &e), &ct->init);
	assert_string_equal(process_name(&ct->init), "c1");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(without_a_cgroup_of_its_own_the_pids_are_those_we_follow)
{
	struct err e = ERR_INIT;
	struct container *ct;
	pid_t *pids = NULL;
	size_t n = 99;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	assert_int_equal(container_pids(ct, &pids, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], ct->init.pid);
	free(pids);
	rig_kill(&r, ct);
	assert_int_equal(container_pids(ct, &pids, &n, &e), 0);
	assert_int_equal(n, 0);
	free(pids);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(an_init_is_reported_after_its_last_exec_has_been)
{
	struct container *ct;
	struct rig r;

	rig_init(&r);
	ct = rig_create(&r);
	rig_start(&r, ct);
	ct->running_execs = 1; /* one that is being started */
	assert_int_equal(child_signal(&ct->init.child, SIGKILL), 0);
	loop_run_until(r.loop, &ct->init_exited);
	rig_expect_story(&r, "create start");
	assert_int_equal(ct->init.state, STATE_RUNNING);
	container_exec_failed(ct);
	rig_expect_story(&r, "create start exit=137");
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(many_containers_live_side_by_side)
{
	enum {
		N = 12
	};
	char id[16], bundle[RIG_PATH_MAX];
	struct container *ct[N];
	struct rig r;

	rig_init(&r);
	r.args.id = id;
	r.args.bundle = bundle;
	for (int i = 0; i < N; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		snprintf(bundle, sizeof(bundle), "%s/%s", r.dir.path, id);
		rig_bundle(&r, id, "exec sleep 1000");
		ct[i] = rig_create(&r);
		rig_start(&r, ct[i]);
	}
	for (int i = 0; i < N; i++) {
		struct err e = ERR_INIT;

		r.exited = false;
		snprintf(id, sizeof(id), "m%d", i);
		assert_ptr_equal(container_find(&r.set, id, &e), ct[i]);
		rig_kill(&r, ct[i]);
		rig_delete(&r, ct[i]);
		assert_null(container_find(&r.set, id, &e));
	}
	rig_fini(&r);
}

/* All that we write into a bundle. The runtime's log is the runtime's to open. */
TEST(a_link_in_a_bundle_is_replaced_and_where_it_leads_nothing_changes)
{
	static const char *const names[] = { "options.json", "runtime", "init.pid",
		"exitstatus.json" };
	struct container *ct;
	struct stat st;
	struct rig r;
	char *text;

	rig_init(&r);
	rig_script(&r, "exit 3");
	tmpdir_write(&r.dir, "other", "untouched");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[64];

		snprintf(path, sizeof(path), "c1/%s", names[i]);
		assert_int_equal(symlinkat("../other", r.dir.fd, path), 0);
	}
	ct = rig_create(&r);
	rig_start(&r, ct);
	rig_await_exit(&r);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(fstatat(ct->bundle_fd, names[i], &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_true(S_ISREG(st.st_mode));
	}
	text = tmpdir_read(&r.dir, "other");
	assert_string_equal(text, "untouched");
	free(text);
	rig_delete(&r, ct);
	rig_fini(&r);
}

TEST(out_of_memory_during_create_is_told_after_it)
{
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_begin_create(&r, &d);
	container_on_oom(&container_of(list_first(&r.set.all), struct container, link)->oom);
	rig_await(&r, &d);
	deed_expect_ok(&d);
	rig_expect_story(&r, "create oom");
	rig_delete(&r, d.ct);
	rig_fini(&r);
}

TEST(out_of_memory_of_a_create_that_fails_is_not_told)
{
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create fail not today\n");
	rig_begin_create(&r, &d);
	container_on_oom(&container_of(list_first(&r.set.all), struct container, link)->oom);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_UNKNOWN, "not today");
	rig_expect_story(&r, "!create");
	rig_fini(&r);
}
