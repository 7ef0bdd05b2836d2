/* SPDX-License-Identifier: Apache-2.0 */

/*
 * ask.c - calls to the task service.
 */

#include "base/auto.h"
#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "tests/parity/parity.h"

#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct method {
	const char *name;
	const ProtobufCMessageDescriptor *reply;
};

static const struct method methods[] = {
	{ "State", &pb__state_response__descriptor },
	{ "Create", &pb__create_task_response__descriptor },
	{ "Start", &pb__start_response__descriptor },
	{ "Delete", &pb__delete_response__descriptor },
	{ "Pids", &pb__pids_response__descriptor },
	{ "Wait", &pb__wait_response__descriptor },
	{ "Stats", &pb__stats_response__descriptor },
	{ "Connect", &pb__connect_response__descriptor },
};

static const ProtobufCMessageDescriptor *reply_of(const char *method)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(methods[i].name, method) == 0)
			return methods[i].reply;
	return &pb__empty__descriptor;
}

static void on_done(struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct answer *a = container_of(call, struct answer, call);

	a->is_over = true;
	if (e)
		a->err = *e;
	else
		a->reply = message_unpack(reply_of(a->method), payload, n);
}

void ask_begin(struct stage *s, struct answer *a, const char *method, const ProtobufCMessage *m)
{
	struct err e = ERR_INIT;

	*a = (struct answer){ .method = method };
	a->call =
		(struct client_call){ .service = s->service, .method = method, .on_done = on_done };
	if (client_call_start(&s->client, &a->call, m, &e) < 0)
		give_up("%s, %s: %s: %s", s->shim, s->scene, method, e.msg);
}

/* By its name in the record: the reply to Create and Start tells a pid. */
static void learn_pid(struct stage *s, struct answer *a, const char *name)
{
	if (strcmp(a->method, "Create") == 0)
		stage_name_pid(s, "init", ((Pb__CreateTaskResponse *)(void *)a->reply)->pid);
	if (strcmp(a->method, "Start") == 0)
		stage_name_pid(s, name && name[0] ? name : "init",
			((Pb__StartResponse *)(void *)a->reply)->pid);
}

/* Each of these is told, a start of an exec by its exit too; a deletion by that of the init. */
static void count_due(struct stage *s, const struct answer *a, const char *name)
{
	static const char *const told[] = { "Create", "Start", "Exec", "Pause", "Resume" };
	bool is_exec = name && name[0];

	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		s->n_due += strcmp(a->method, told[i]) == 0;
	s->n_due += strcmp(a->method, "Start") == 0 && is_exec;
	if (strcmp(a->method, "Delete") == 0 && !is_exec)
		s->n_due += ((const Pb__DeleteResponse *)(const void *)a->reply)->pid ? 2 : 1;
}

static void learn(struct stage *s, struct answer *a, const char *name)
{
	learn_pid(s, a, name);
	count_due(s, a, name);
}

static const char *const codes[] = {
	"OK",
	"CANCELED",
	"UNKNOWN",
	"INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED",
	"NOT_FOUND",
	"ALREADY_EXISTS",
	"PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION",
	"ABORTED",
	"OUT_OF_RANGE",
	"UNIMPLEMENTED",
	"INTERNAL",
	"UNAVAILABLE",
};

void ask_end(struct stage *s, struct answer *a, const char *step, const char *name)
{
	stage_run_until(s, &a->is_over, step);
	if (a->reply)
		learn(s, a, name);
	if (a->reply)
		stage_note_reply(s, step, a->reply);
	else
		stage_note(s, step, "%s %s", codes[a->err.status], a->err.msg);
	if (a->reply)
		message_free(a->reply);
	a->reply = NULL;
}

static void ask_message(struct stage *s, const char *step, const char *method,
	const ProtobufCMessage *m, const char *name)
{
	struct answer a;

	ask_begin(s, &a, method, m);
	ask_end(s, &a, step, name);
}

void *ask_quietly(struct stage *s, const char *method, const ProtobufCMessageDescriptor *reply_type)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;
	struct answer a;

	req.id = STAGE_ID;
	ask_begin(s, &a, method, &req.base);
	stage_run_until(s, &a.is_over, method);
	if (!a.reply || a.reply->descriptor != reply_type)
		give_up("%s, %s: %s: %s", s->shim, s->scene, method, a.err.msg);
	return a.reply;
}

Pb__CreateTaskRequest *ask_create_request(struct stage *s, const struct ask_io *io)
{
	static Pb__CreateTaskRequest req;
	static Pb__Any any;
	static struct buf bytes;
	static char root[PATH_MAX + 32];
	Runc__Options o = RUNC__OPTIONS__INIT;

	buf_fini(&bytes);
	bytes = BUF_INIT(8192);
	snprintf(root, sizeof(root), "%s/runtime", s->dir);
	o.binary_name = s->runtime;
	o.root = root;
	if (any_pack(&o.base, &bytes, &any) < 0)
		give_up("out of memory");
	pb__create_task_request__init(&req);
	req.id = STAGE_ID;
	req.bundle = s->bundle;
	req.options = &any;
	if (io) {
		req.stdin = io->in ? io->in : "";
		req.stdout = io->out ? io->out : "";
		req.stderr = io->err ? io->err : "";
		req.terminal = io->terminal;
	}
	return &req;
}

void ask_create_with(struct stage *s, const char *step, Pb__CreateTaskRequest *req)
{
	ask_message(s, step, "Create", &req->base, NULL);
}

void ask_create(struct stage *s, const char *step, const struct ask_io *io)
{
	ask_create_with(s, step, ask_create_request(s, io));
}

/* These all begin with id and exec_id, and Exec's name is the exec's. */
void ask(struct stage *s, const char *step, const char *method, const char *exec)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;

	req.id = STAGE_ID;
	req.exec_id = exec ? exec : "";
	ask_message(s, step, method, &req.base, exec);
}

void ask_of(struct stage *s, const char *step, const char *method, const char *id)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;

	req.id = id;
	ask_message(s, step, method, &req.base, NULL);
}

void ask_kill(struct stage *s, const char *step, const char *exec, uint32_t signal)
{
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;

	req.id = STAGE_ID;
	req.exec_id = exec ? exec : "";
	req.signal = signal;
	ask_message(s, step, "Kill", &req.base, NULL);
}

void ask_exec_spec(struct stage *s, const char *step, const char *exec, const char *spec,
	const struct ask_io *io)
{
	Pb__ExecProcessRequest req = PB__EXEC_PROCESS_REQUEST__INIT;
	Pb__Any any = PB__ANY__INIT;

	any.type_url = "types.containerd.io/opencontainers/runtime-spec/1/Process";
	any.value = (ProtobufCBinaryData){ strlen(spec), (uint8_t *)spec };
	req.id = STAGE_ID;
	req.exec_id = exec;
	req.spec = &any;
	if (io) {
		req.stdin = io->in ? io->in : "";
		req.stdout = io->out ? io->out : "";
		req.stderr = io->err ? io->err : "";
		req.terminal = io->terminal;
	}
	ask_message(s, step, "Exec", &req.base, NULL);
}

void ask_exec(struct stage *s, const char *step, const char *exec, const char *script)
{
	char spec[1024];

	snprintf(spec, sizeof(spec),
		"{\"args\":[\"/bin/sh\",\"-c\",\"%s\"],\"cwd\":\"/\",\"env\":[\"PATH=/bin\"],"
		"\"user\":{\"uid\":0,\"gid\":0}}",
		script);
	ask_exec_spec(s, step, exec, spec, NULL);
}

void ask_resize(struct stage *s, const char *step, const char *exec)
{
	Pb__ResizePtyRequest req = PB__RESIZE_PTY_REQUEST__INIT;

	req.id = STAGE_ID;
	req.exec_id = exec ? exec : "";
	req.width = 100;
	req.height = 40;
	ask_message(s, step, "ResizePty", &req.base, NULL);
}

void ask_close_io(struct stage *s, const char *step, const char *exec)
{
	Pb__CloseIORequest req = PB__CLOSE_IOREQUEST__INIT;

	req.id = STAGE_ID;
	req.exec_id = exec ? exec : "";
	req.stdin = true;
	ask_message(s, step, "CloseIO", &req.base, NULL);
}

void ask_update(struct stage *s, const char *step, const char *resources)
{
	Pb__UpdateTaskRequest req = PB__UPDATE_TASK_REQUEST__INIT;
	Pb__Any any = PB__ANY__INIT;

	any.type_url = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
	any.value = (ProtobufCBinaryData){ strlen(resources), (uint8_t *)resources };
	req.id = STAGE_ID;
	req.resources = &any;
	ask_message(s, step, "Update", &req.base, NULL);
}

void ask_checkpoint(struct stage *s, const char *step, const char *path)
{
	Pb__CheckpointTaskRequest req = PB__CHECKPOINT_TASK_REQUEST__INIT;

	req.id = STAGE_ID;
	req.path = path;
	ask_message(s, step, "Checkpoint", &req.base, NULL);
}

bool quietly(struct stage *s, const char *method, const char *exec)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;
	struct answer a;

	req.id = STAGE_ID;
	req.exec_id = exec ? exec : "";
	ask_begin(s, &a, method, &req.base);
	stage_run_until(s, &a.is_over, method);
	if (!a.reply)
		return false;
	learn(s, &a, exec);
	message_free(a.reply);
	return true;
}

void quietly_kill(struct stage *s)
{
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;
	struct answer a;

	req.id = STAGE_ID;
	req.signal = SIGKILL;
	ask_begin(s, &a, "Kill", &req.base);
	stage_run_until(s, &a.is_over, "Kill");
	if (a.reply)
		message_free(a.reply);
	(void)quietly(s, "Wait", NULL);
}

void ask_start_again(struct stage *s, const char *step, const char *exec, const char *wanted)
{
	Pb__StartRequest req = PB__START_REQUEST__INIT;

	req.id = STAGE_ID;
	req.exec_id = exec;
	if (!s->version[0] || strncmp(s->version, "1.6", 3) == 0)
		ask(s, step, "Start", exec);
	else
		alone_call(s, step, "Start", &req.base, wanted);
}

void alone_call(struct stage *s, const char *step, const char *method, const ProtobufCMessage *m,
	const char *wanted)
{
	char got[2048] = "OK";
	struct answer a;

	if (s->is_stock)
		return;
	ask_begin(s, &a, method, m);
	stage_run_until(s, &a.is_over, step);
	if (a.reply)
		message_free(a.reply);
	else
		snprintf(got, sizeof(got), "%s %s", codes[a.err.status], a.err.msg);
	if (fnmatch(wanted, got, 0) != 0)
		give_up("%s: %s: wanted '%s', got '%s'", s->scene, step, wanted, got);
}
