/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The task service from outside: what a client asks, and what it and containerd are told.
 */

#include "tests/unit/service_rig.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0001-01-01T00:00:00Z, as a Go client's time.IsZero() has it. */
#define NEVER (-62135596800LL)

TEST(a_container_lives_from_create_to_shutdown)
{
	uint32_t pid;
	struct rig r;

	rig_init(&r);
	rig_script(&r, "exit 7");
	pid = rig_create(&r);
	assert_int_equal(rig_start(&r), pid);
	assert_int_equal(rig_wait(&r), 7);
	assert_int_equal(rig_delete(&r), 7);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create start exit=7 delete");
	rig_fini(&r);
}

TEST(state_tells_what_there_is_to_know_before_and_after_the_exit)
{
	struct rig r;
	uint32_t pid;

	rig_init(&r);
	pid = rig_create(&r);
	{
		auto_message Pb__StateResponse *s = rig_state(&r);

		assert_string_equal(s->id, "c1");
		assert_string_equal(s->bundle, r.bundle);
		assert_int_equal(s->pid, pid);
		assert_int_equal(s->status, PB__PROCESS_STATUS__CREATED);
		assert_int_equal(s->exit_status, 0);
		assert_non_null(s->exited_at);
		assert_true(s->exited_at->seconds == NEVER);
		assert_false(s->terminal);
	}
	rig_start(&r);
	{
		auto_message Pb__StateResponse *s = rig_state(&r);

		assert_int_equal(s->status, PB__PROCESS_STATUS__RUNNING);
		assert_true(s->exited_at->seconds == NEVER);
	}
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	{
		auto_message Pb__StateResponse *s = rig_state(&r);

		assert_int_equal(s->status, PB__PROCESS_STATUS__STOPPED);
		assert_int_equal(s->pid, pid);
		assert_int_equal(s->exit_status, 137);
		assert_true(s->exited_at->seconds > 0);
	}
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(the_streams_are_told_as_the_client_named_them)
{
	struct rig_create_request c;
	struct rig r;

	rig_init(&r);
	rig_create_request(&r, &c);
	c.req.stdin = c.req.stdout = c.req.stderr = "/dev/null";
	message_free(rig_get(&r, "Create", &c.req.base, &pb__create_task_response__descriptor));
	rig_create_request_fini(&c);
	{
		auto_message Pb__StateResponse *s = rig_state(&r);

		assert_string_equal(s->stdin, "/dev/null");
		assert_string_equal(s->stdout, "/dev/null");
		assert_string_equal(s->stderr, "/dev/null");
	}
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

/* All these requests have the id as their first field. */
static const char *const methods_with_id[] = { "State", "Start", "Delete", "Pids", "Kill", "Wait",
	"CloseIO", "Exec", "Pause", "Resume", "Update", "ResizePty" };

TEST(an_id_nobody_knows_is_not_found_in_the_references_words)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	req.id = "nobody";
	for (size_t i = 0; i < ARRAY_LEN(methods_with_id); i++)
		rig_expect_refused(&r, methods_with_id[i], &req.base, STATUS_NOT_FOUND,
			"container not created: not found");
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(an_exec_nobody_knows_is_not_found_either)
{
	static const char *const methods[] = { "State", "Start", "Delete", "Kill", "Wait" };
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	req.id = "c1";
	req.exec_id = "e1";
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		rig_expect_refused(&r, methods[i], &req.base, STATUS_NOT_FOUND,
			"process does not exist e1: not found");
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(both_versions_of_the_service_are_served)
{
	Pb__ConnectRequest req = PB__CONNECT_REQUEST__INIT;
	static const char *const names[] = { TASK_V2, TASK_V3 };
	struct answer a;
	struct rig r;

	rig_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		rig_ask_at(&r.client, names[i], "Connect", &req.base, &a);
		rig_await(&r, &a);
		message_free(answer_take(&a, &pb__connect_response__descriptor));
	}
	rig_ask_at(&r.client, "containerd.task.v4.Task", "Connect", &req.base, &a);
	rig_await(&r, &a);
	answer_expect(&a, STATUS_UNIMPLEMENTED, "service containerd.task.v4.Task");
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(a_method_nobody_knows_is_unimplemented)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	rig_expect_refused(&r, "Dance", &req.base, STATUS_UNIMPLEMENTED, "method Dance");
	rig_shut_down(&r);
	rig_fini(&r);
}

/* A number where the id should be. */
TEST(a_request_that_cannot_be_decoded_is_told_and_the_connection_lives_on)
{
	Pb__CreateTaskResponse wrong = PB__CREATE_TASK_RESPONSE__INIT;
	struct rig r;

	rig_init(&r);
	wrong.pid = 5;
	rig_expect_refused(&r, "State", &wrong.base, STATUS_INTERNAL,
		"ttrpc: error unmarshalling payload: 2 bytes are no StateRequest");
	rig_expect_refused(&r, "Create", &wrong.base, STATUS_INTERNAL,
		"ttrpc: error unmarshalling payload: 2 bytes are no CreateTaskRequest");
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(a_create_that_fails_is_told_and_no_event_is)
{
	struct rig_create_request c;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create fail no such file: /bin/nope\n");
	rig_create_request(&r, &c);
	rig_expect_refused(&r, "Create", &c.req.base, STATUS_UNKNOWN,
		"OCI runtime create failed: no such file: /bin/nope");
	rig_misdeeds(&r, "");
	rig_create(&r);
	rig_expect_refused(
		&r, "Create", &c.req.base, STATUS_ALREADY_EXISTS, "container 'c1': already exists");
	rig_create_request_fini(&c);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create exit=137 delete");
	rig_fini(&r);
}

TEST(what_create_cannot_do_is_refused)
{
	struct rig_create_request c;
	struct rig r;

	rig_init(&r);
	rig_create_request(&r, &c);
	c.options.type_url = "containerd.runtime.Unheard";
	rig_expect_refused(&r, "Create", &c.req.base, STATUS_UNKNOWN,
		"type with url containerd.runtime.Unheard: not found");
	rig_create_request_fini(&c);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(the_exit_of_an_init_that_was_dead_before_its_create_ended_comes_after_the_create)
{
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create dead-init\n");
	rig_create(&r);
	assert_int_equal(rig_wait(&r), 42);
	assert_int_equal(rig_delete(&r), 42);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create exit=42 delete");
	rig_fini(&r);
}

/* What was asked before has reached the daemon when this returns. */
static void ping(struct rig *r)
{
	Pb__ConnectRequest req = PB__CONNECT_REQUEST__INIT;

	message_free(rig_get(r, "Connect", &req.base, &pb__connect_response__descriptor));
}

/* As after the death of a containerd; one that is back hears of no container, and has the shim end.
 */
TEST(a_create_nobody_waits_for_is_undone_by_a_shutdown_and_the_shim_leaves)
{
	struct rig_create_request c;
	struct client other;
	struct answer a;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create hang\n");
	rig_connect(&r, &other);
	rig_create_request(&r, &c);
	rig_ask_at(&other, TASK_V3, "Create", &c.req.base, &a);
	rig_create_request_fini(&c);
	ping(&r);
	client_close(&other);
	ping(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "");
	rig_fini(&r);
}

TEST(a_create_somebody_waits_for_outlives_a_shutdown)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;
	struct rig_create_request c;
	struct client other;
	struct answer a;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create hang-ms 200\n");
	rig_connect(&r, &other);
	rig_create_request(&r, &c);
	rig_ask_at(&other, TASK_V3, "Create", &c.req.base, &a);
	rig_create_request_fini(&c);
	ping(&r);
	req.id = "c0";
	rig_do(&r, "Shutdown", &req.base);
	rig_expect_heard(&r, "create");
	rig_start(&r);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	rig_delete(&r);
	client_close(&other);
	buf_fini(&a.payload);
	rig_shut_down(&r);
	rig_fini(&r);
}

static void shut_down_c1(struct rig *r)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;

	req.id = "c1";
	rig_do(r, "Shutdown", &req.base);
}

/* As containerd does when its own client has given up: on the connection that asked. */
TEST(a_create_is_undone_by_a_shutdown_of_its_id_and_the_shim_leaves)
{
	struct rig_create_request c;
	struct answer a;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create hang\n");
	rig_create_request(&r, &c);
	rig_ask(&r, "Create", &c.req.base, &a);
	rig_create_request_fini(&c);
	ping(&r);
	shut_down_c1(&r);
	rig_await(&r, &a);
	answer_expect(
		&a, STATUS_CANCELED, "the shim was told to shut down, and nobody asks for it");
	rig_await_daemon(&r);
	rig_expect_heard(&r, "");
	rig_fini(&r);
}

TEST(a_create_that_is_given_up_leaves_the_rest_of_a_pod_alone)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;
	struct rig_create_request c;
	struct answer a;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	rig_start(&r);
	rig_misdeeds(&r, "create hang\n");
	rig_create_request(&r, &c);
	c.req.id = req.id = "c2";
	rig_ask(&r, "Create", &c.req.base, &a);
	rig_create_request_fini(&c);
	ping(&r);
	rig_do(&r, "Shutdown", &req.base);
	rig_await(&r, &a);
	answer_expect(
		&a, STATUS_CANCELED, "the shim was told to shut down, and nobody asks for it");
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create start exit=137 delete");
	rig_fini(&r);
}

/* It is being undone already. */
TEST(a_create_that_is_too_late_is_the_last_thing_a_shim_does_after_a_shutdown)
{
	struct rig_create_request c;
	struct answer a;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create hang\ndelete hang-ms 300\n");
	rig_create_request(&r, &c);
	rig_ask_within(&r, "Create", &c.req.base, 0.2, &a);
	rig_create_request_fini(&c);
	rig_await(&r, &a);
	answer_expect(&a, STATUS_DEADLINE_EXCEEDED, "context deadline exceeded");
	shut_down_c1(&r);
	rig_await_daemon(&r);
	rig_expect_heard(&r, "");
	rig_fini(&r);
}

TEST(a_wait_is_answered_when_the_exit_comes_and_not_before)
{
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;
	struct answer waiting[3];
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	rig_start(&r);
	req.id = "c1";
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
		rig_ask(&r, "Wait", &req.base, &waiting[i]);
	ping(&r); /* it is served meanwhile */
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
		assert_false(waiting[i].done);
	rig_kill(&r, SIGTERM);
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
		auto_message Pb__WaitResponse *w = NULL;

		rig_await(&r, &waiting[i]);
		w = answer_take(&waiting[i], &pb__wait_response__descriptor);
		assert_int_equal(w->exit_status, 143);
	}
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(a_wait_whose_client_hangs_up_is_forgotten)
{
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;
	struct client other;
	struct answer a;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	rig_start(&r);
	rig_connect(&r, &other);
	req.id = "c1";
	rig_ask_at(&other, TASK_V2, "Wait", &req.base, &a);
	ping(&r);
	client_close(&other);
	ping(&r);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	assert_int_equal(a.calls, 0);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(a_wait_with_a_deadline_keeps_it)
{
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;
	struct answer a;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	req.id = "c1";
	rig_ask_within(&r, "Wait", &req.base, 0.1, &a);
	rig_await(&r, &a);
	answer_expect(&a, STATUS_DEADLINE_EXCEEDED, "context deadline exceeded");
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(a_client_that_hangs_up_during_create_leaves_a_container_for_the_next)
{
	struct rig_create_request c;
	struct client other;
	struct answer a;
	struct rig r;

	rig_init(&r);
	rig_misdeeds(&r, "create hang-ms 200\n");
	rig_connect(&r, &other);
	rig_create_request(&r, &c);
	rig_ask_at(&other, TASK_V3, "Create", &c.req.base, &a);
	rig_create_request_fini(&c);
	ping(&r);
	client_close(&other);
	rig_expect_heard(&r, "create");
	rig_start(&r);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create start exit=137 delete");
	rig_fini(&r);
}
