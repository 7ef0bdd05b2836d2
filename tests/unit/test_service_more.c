/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rest of the task service: execs, pause, pids, signals, and the ways a daemon ends.
 */

#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "tests/unit/service_rig.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void add_exec(struct rig *r, const char *id, const char *spec)
{
	Pb__ExecProcessRequest req = PB__EXEC_PROCESS_REQUEST__INIT;
	Pb__Any any = PB__ANY__INIT;

	any.type_url = "types.containerd.io/opencontainers/runtime-spec/1/Process";
	any.value = (ProtobufCBinaryData){ strlen(spec), (uint8_t *)spec };
	req.id = "c1";
	req.exec_id = id;
	req.spec = &any;
	rig_do(r, "Exec", &req.base);
}

static uint32_t start_exec(struct rig *r, const char *id)
{
	Pb__StartRequest req = PB__START_REQUEST__INIT;
	auto_message Pb__StartResponse *reply = NULL;

	req.id = "c1";
	req.exec_id = id;
	reply = rig_get(r, "Start", &req.base, &pb__start_response__descriptor);
	return reply->pid;
}

static uint32_t wait_exec(struct rig *r, const char *id)
{
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;
	auto_message Pb__WaitResponse *reply = NULL;

	req.id = "c1";
	req.exec_id = id;
	reply = rig_get(r, "Wait", &req.base, &pb__wait_response__descriptor);
	return reply->exit_status;
}

static uint32_t delete_exec(struct rig *r, const char *id)
{
	Pb__DeleteRequest req = PB__DELETE_REQUEST__INIT;
	auto_message Pb__DeleteResponse *reply = NULL;

	req.id = "c1";
	req.exec_id = id;
	reply = rig_get(r, "Delete", &req.base, &pb__delete_response__descriptor);
	return reply->exit_status;
}

TEST(an_exec_lives_from_exec_to_delete_without_a_delete_event)
{
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	rig_start(&r);
	add_exec(&r, "e1", "{\"args\":[\"sh\",\"-c\",\"exit 3\"]}");
	assert_true(start_exec(&r, "e1") > 1);
	assert_int_equal(wait_exec(&r, "e1"), 3);
	assert_int_equal(delete_exec(&r, "e1"), 3);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create start exec-added exec-started exit(e1)=3 exit=137 delete");
	rig_fini(&r);
}

/* With the fake runtime an exec outlives its init; the test is what a pid namespace would be. */
TEST(the_init_is_reported_last_even_if_it_dies_first)
{
	struct rig r;
	pid_t exec;

	rig_init(&r);
	rig_create(&r);
	rig_start(&r);
	add_exec(&r, "e1", "{\"args\":[\"sleep\",\"1000\"]}");
	exec = (pid_t)start_exec(&r, "e1");
	rig_kill(&r, SIGKILL);
	rig_expect_heard(&r, "create start exec-added exec-started");
	{
		auto_message Pb__StateResponse *s = rig_state(&r);

		assert_int_equal(s->status, PB__PROCESS_STATUS__RUNNING);
	}
	assert_int_equal(kill(exec, SIGTERM), 0);
	assert_int_equal(rig_wait(&r), 137);
	assert_int_equal(delete_exec(&r, "e1"), 143);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create start exec-added exec-started exit(e1)=143 exit=137 delete");
	rig_fini(&r);
}

TEST(an_exec_whose_start_fails_can_be_deleted_and_holds_up_nothing)
{
	Pb__StartRequest req = PB__START_REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	rig_start(&r);
	add_exec(&r, "e1", "{\"args\":[\"true\"]}");
	rig_misdeeds(&r, "exec fail no such file: nope\n");
	req.id = "c1";
	req.exec_id = "e1";
	rig_expect_refused(&r, "Start", &req.base, STATUS_UNKNOWN,
		"OCI runtime exec failed: no such file: nope");
	assert_int_equal(wait_exec(&r, "e1"), 0);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	delete_exec(&r, "e1");
	rig_delete(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create start exec-added exit=137 delete");
	rig_fini(&r);
}

TEST(a_pause_and_a_resume_are_told)
{
	Pb__PauseRequest req = PB__PAUSE_REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	req.id = "c1";
	rig_expect_refused(
		&r, "Pause", &req.base, STATUS_UNKNOWN, "cannot pause task in created state");
	rig_start(&r);
	rig_do(&r, "Pause", &req.base);
	{
		auto_message Pb__StateResponse *s = rig_state(&r);

		assert_int_equal(s->status, PB__PROCESS_STATUS__PAUSED);
	}
	rig_do(&r, "Resume", &req.base);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create start paused resumed exit=137 delete");
	rig_fini(&r);
}

static void checkpoint_with(struct rig *r, Pb__Any *options, enum status status, const char *words)
{
	Pb__CheckpointTaskRequest req = PB__CHECKPOINT_TASK_REQUEST__INIT;

	req.id = "c1";
	req.path = r->dir.path;
	req.options = options;
	if (status == STATUS_OK)
		rig_do(r, "Checkpoint", &req.base);
	else
		rig_expect_refused(r, "Checkpoint", &req.base, status, words);
}

TEST(a_checkpoint_is_told_and_its_options_count)
{
	Runc__CheckpointOptions o = RUNC__CHECKPOINT_OPTIONS__INIT;
	auto_buf struct buf bytes = BUF_INIT(4096);
	Pb__Any any;
	struct rig r;

	o.exit = true;
	assert_int_equal(any_pack(&o.base, &bytes, &any), 0);
	rig_init(&r);
	rig_create(&r);
	rig_start(&r);
	checkpoint_with(&r, NULL, STATUS_OK, NULL);
	any.type_url = "containerd.runc.v1.Options";
	checkpoint_with(
		&r, &any, STATUS_UNKNOWN, "type with url containerd.runc.v1.Options: not found");
	any.type_url = "containerd.runc.v1.CheckpointOptions";
	checkpoint_with(&r, &any, STATUS_OK, NULL);
	assert_int_equal(rig_wait(&r), 137);
	rig_delete(&r);
	rig_shut_down(&r);
	/* The second one's exit may be seen before its runtime's. */
	if (!strstr(r.heard, "exit=137 checkpointed"))
		rig_expect_heard(&r, "create start checkpointed checkpointed exit=137 delete");
	rig_fini(&r);
}

TEST(a_container_from_an_image_has_no_pid_before_its_start)
{
	auto_message Pb__CreateTaskResponse *created = NULL;
	struct rig_create_request c;
	struct rig r;

	rig_init(&r);
	rig_create_request(&r, &c);
	c.req.checkpoint = r.dir.path;
	created = rig_get(&r, "Create", &c.req.base, &pb__create_task_response__descriptor);
	rig_create_request_fini(&c);
	assert_int_equal(created->pid, 0);
	{
		auto_message Pb__StateResponse *s = rig_state(&r);

		assert_int_equal(s->status, PB__PROCESS_STATUS__CREATED);
	}
	assert_true(rig_start(&r) > 1);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create start exit=137 delete");
	rig_fini(&r);
}

TEST(pids_are_those_of_the_container_and_name_its_execs)
{
	Pb__PidsRequest req = PB__PIDS_REQUEST__INIT;
	uint32_t init, exec;
	struct rig r;

	rig_init(&r);
	init = rig_create(&r);
	rig_start(&r);
	add_exec(&r, "e1", "{\"args\":[\"sleep\",\"1000\"]}");
	exec = start_exec(&r, "e1");
	req.id = "c1";
	{
		auto_message Pb__PidsResponse *p =
			rig_get(&r, "Pids", &req.base, &pb__pids_response__descriptor);

		assert_int_equal(p->n_processes, 2);
		assert_int_equal(p->processes[0]->pid, init);
		assert_null(p->processes[0]->info);
		assert_int_equal(p->processes[1]->pid, exec);
		assert_string_equal(
			p->processes[1]->info->type_url, "containerd.runc.v1.ProcessDetails");
	}
	assert_int_equal(kill((pid_t)exec, SIGKILL), 0);
	assert_int_equal(wait_exec(&r, "e1"), 137);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	delete_exec(&r, "e1");
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(connect_names_the_shim_and_the_task)
{
	Pb__ConnectRequest req = PB__CONNECT_REQUEST__INIT;
	uint32_t pid;
	struct rig r;

	rig_init(&r);
	req.id = "c1";
	{
		auto_message Pb__ConnectResponse *c =
			rig_get(&r, "Connect", &req.base, &pb__connect_response__descriptor);

		assert_int_equal(c->shim_pid, r.daemon.pid);
		assert_int_equal(c->task_pid, 0);
	}
	pid = rig_create(&r);
	{
		auto_message Pb__ConnectResponse *c =
			rig_get(&r, "Connect", &req.base, &pb__connect_response__descriptor);

		assert_int_equal(c->task_pid, pid);
	}
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(a_signal_to_one_that_has_ended_is_not_found)
{
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	rig_start(&r);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	req.id = "c1";
	req.signal = SIGTERM;
	rig_expect_refused(
		&r, "Kill", &req.base, STATUS_NOT_FOUND, "process already finished: not found");
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(a_running_container_is_not_deleted)
{
	Pb__DeleteRequest req = PB__DELETE_REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	rig_start(&r);
	req.id = "c1";
	rig_expect_refused(
		&r, "Delete", &req.base, STATUS_UNKNOWN, "cannot delete a running process");
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_expect_heard(&r, "create start exit=137 delete");
	rig_fini(&r);
}

TEST(a_shutdown_while_there_are_containers_is_accepted_and_ignored)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	rig_do(&r, "Shutdown", &req.base);
	rig_start(&r);
	assert_false(r.has_ended);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 137);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(events_are_delivered_before_the_daemon_ends)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	rig_stop_listening(&r);
	rig_create(&r);
	rig_delete(&r);
	rig_do(&r, "Shutdown", &req.base);
	rig_listen(&r);
	rig_await_daemon(&r);
	rig_expect_heard(&r, "create exit=137 delete");
	rig_fini(&r);
}

TEST(but_not_for_ever)
{
	struct rig r;

	rig_init(&r);
	rig_stop_listening(&r);
	rig_create(&r);
	rig_delete(&r);
	rig_shut_down(&r);
	assert_string_equal(r.heard, "");
	rig_fini(&r);
}

static bool is_alive(void *pid)
{
	siginfo_t si = { 0 };

	/* It is ours once the daemon is gone. */
	return waitid(P_PID, (id_t) * (pid_t *)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       si.si_pid == 0;
}

/* As with the reference: `delete` is what ends them. */
TEST(told_to_end_by_a_signal_it_leaves_its_containers_and_answers_who_waits)
{
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;
	struct answer a;
	struct rig r;
	pid_t init;

	rig_init(&r);
	init = (pid_t)rig_create(&r);
	rig_start(&r);
	req.id = "c1";
	rig_ask(&r, "Wait", &req.base, &a);
	message_free((ProtobufCMessage *)rig_state(&r)); /* now it has been heard */
	assert_int_equal(child_signal(&r.daemon, SIGTERM), 0);
	rig_await(&r, &a);
	answer_expect(&a, STATUS_UNAVAILABLE, "the shim is shutting down");
	rig_await_daemon(&r);
	assert_true(is_alive(&init));
	assert_int_equal(kill(init, SIGKILL), 0);
	loop_run_while(r.loop, is_alive, &init);
	rig_expect_heard(&r, "create start");
	rig_fini(&r);
}
