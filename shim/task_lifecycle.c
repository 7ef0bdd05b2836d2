/* SPDX-License-Identifier: Apache-2.0 */

/*
 * task_lifecycle.c - the methods that change a container. Each decodes, begins
 * an operation, and in its callback tells the event and answers.
 */

#include "base/auto.h"
#include "base/log.h"
#include "process/ops.h"
#include "shim/convert.h"
#include "shim/daemon.h"
#include "shim/task.h"

#include <stdlib.h>
#include <string.h>

static void push_create(
	struct daemon *d, const struct container *ct, const Pb__CreateTaskRequest *req)
{
	Pb__TaskCreate m = PB__TASK_CREATE__INIT;
	Pb__TaskIO io = PB__TASK_IO__INIT;

	io.stdin = ct->init.in;
	io.stdout = ct->init.out;
	io.stderr = ct->init.err;
	io.terminal = ct->init.terminal;
	m.container_id = ct->id;
	m.bundle = ct->bundle;
	m.rootfs = req->rootfs;
	m.n_rootfs = req->n_rootfs;
	m.io = &io;
	m.checkpoint = req->checkpoint;
	m.pid = (uint32_t)ct->init.pid;
	events_push(&d->events, "/tasks/create", &m.base);
}

/* A Create under way: the request is kept for its event. */
struct creating {
	struct list link; /* in the daemon's creates */
	struct call *call;
	bool is_given_up;           /* it is being undone */
	Pb__CreateTaskRequest *req; /* owned */
	struct convert_create args; /* owned */
};

static void created(void *user, struct container *ct, const struct err *e)
{
	struct creating *k = user;
	struct daemon *d = call_user(k->call);
	Pb__CreateTaskResponse reply = PB__CREATE_TASK_RESPONSE__INIT;

	if (ct) {
		push_create(d, ct, k->req);
		reply.pid = (uint32_t)ct->init.pid;
		log_info(
			"create", "id=%s pid=%d runtime=%s", ct->id, (int)ct->init.pid, ct->binary);
		call_reply(k->call, &reply.base);
	} else {
		log_warn("create", "id=%s error=\"%s\", nothing is left of it", k->req->id, e->msg);
		call_fail(k->call, e);
	}
	list_remove(&k->link);
	convert_create_fini(&k->args);
	message_free(&k->req->base);
	free(k);
	if (!ct && d->ends_with_creates && list_is_empty(&d->containers.all))
		daemon_shutdown(d);
}

static bool are_all_given_up(const struct daemon *d)
{
	list_each (it, &d->creates) {
		const struct creating *k = container_of(it, struct creating, link);

		if (!k->is_given_up && !call_is_inert(k->call))
			return false;
	}
	list_each (it, &d->containers.all)
		if (container_of(it, struct container, link)->is_created)
			return false;
	return true;
}

/* What makes the container @id; NULL: it is there, or is being undone. */
static struct op *create_of(const struct daemon *d, const char *id)
{
	list_each (it, &d->containers.all) {
		const struct container *ct = container_of(it, struct container, link);
		struct list *first = list_first(&ct->under_way);
		struct op *op = first ? container_of(first, struct op, in) : NULL;

		if (op && !op->unwinding && !ct->is_created && strcmp(ct->id, id) == 0)
			return op;
	}
	return NULL;
}

/* @k may be gone then. */
static void give_up(struct daemon *d, struct creating *k)
{
	struct op *op = create_of(d, k->req->id);

	k->is_given_up = true;
	if (!op)
		return;
	err_set(&op->err, STATUS_CANCELED,
		"the shim was told to shut down, and nobody asks for it");
	op_abort(op);
}

static struct creating *one_to_give_up(const struct daemon *d, const char *id)
{
	list_each (it, &d->creates) {
		struct creating *k = container_of(it, struct creating, link);

		if (!k->is_given_up && (d->ends_with_creates || strcmp(k->req->id, id) == 0))
			return k;
	}
	return NULL;
}

static void give_up_all(struct daemon *d, const char *id)
{
	struct creating *k;

	while ((k = one_to_give_up(d, id)))
		give_up(d, k);
}

void task_give_up_creates(struct daemon *d, const char *id)
{
	give_up_all(d, id);
	d->ends_with_creates = are_all_given_up(d);
	give_up_all(d, id);
}

void task_create(struct call *c)
{
	struct daemon *d = call_user(c);
	auto_message Pb__CreateTaskRequest *req =
		call_unpack(c, &pb__create_task_request__descriptor);
	struct creating *k = req ? calloc(1, sizeof(*k)) : NULL;
	struct err e = ERR_INIT;

	if (!req)
		return;
	if (!k)
		err_oom(&e);
	else if (d->is_shutting_down)
		err_set(&e, STATUS_UNAVAILABLE, "the shim is shutting down");
	if (!k || err_is_set(&e) || convert_create(&k->args, req, &e) < 0) {
		free(k);
		call_fail(c, &e);
		return;
	}
	list_init(&k->link);
	list_append(&d->creates, &k->link);
	d->ends_with_creates = false;
	k->call = c;
	k->req = req;
	req = NULL; /* k's now */
	k->args.args.deadline_s = call_timeout_s(c);
	create_begin(&d->containers, &k->args.args, created, k);
}

static void push_started(const struct process *p)
{
	struct events *events = &task_daemon(p->ct)->events;
	Pb__TaskExecStarted exec = PB__TASK_EXEC_STARTED__INIT;
	Pb__TaskStart init = PB__TASK_START__INIT;

	if (p->exec_id) {
		exec.container_id = p->ct->id;
		exec.exec_id = p->exec_id;
		exec.pid = (uint32_t)p->pid;
		events_push(events, "/tasks/exec-started", &exec.base);
		return;
	}
	init.container_id = p->ct->id;
	init.pid = (uint32_t)p->pid;
	events_push(events, "/tasks/start", &init.base);
}

static void started(void *user, struct process *p, const struct err *e)
{
	struct call *c = user;
	Pb__StartResponse reply = PB__START_RESPONSE__INIT;

	if (err_is_set(e)) {
		call_fail(c, e);
		return;
	}
	push_started(p);
	log_info("start", "id=%s exec=%s pid=%d", p->ct->id, p->exec_id ? p->exec_id : "",
		(int)p->pid);
	reply.pid = (uint32_t)p->pid;
	call_reply(c, &reply.base);
}

void task_start(struct call *c)
{
	auto_message Pb__StartRequest *req = call_unpack(c, &pb__start_request__descriptor);
	struct process *p = req ? task_process(c, req->id, req->exec_id) : NULL;

	if (!p)
		return;
	if (p->exec_id)
		exec_start_begin(p, call_timeout_s(c), started, c);
	else
		start_begin(p->ct, call_timeout_s(c), started, c);
}

void task_exec(struct call *c)
{
	auto_message Pb__ExecProcessRequest *req =
		call_unpack(c, &pb__exec_process_request__descriptor);
	struct container *ct = req ? task_container(c, req->id) : NULL;
	Pb__TaskExecAdded m = PB__TASK_EXEC_ADDED__INIT;
	struct exec_args args;
	struct err e = ERR_INIT;

	if (!ct)
		return;
	args = (struct exec_args){
		.exec_id = req->exec_id,
		.spec = req->spec ? (const char *)req->spec->value.data : NULL,
		.spec_len = req->spec ? req->spec->value.len : 0,
		.io = {
			.in = req->stdin,
			.out = req->stdout,
			.err = req->stderr,
			.terminal = req->terminal,
		},
	};
	if (!exec_add(ct, &args, &e)) {
		call_fail(c, &e);
		return;
	}
	m.container_id = ct->id;
	m.exec_id = req->exec_id;
	events_push(&task_daemon(ct)->events, "/tasks/exec-added", &m.base);
	task_reply_empty(c);
}

static void deleted(void *user, struct container *ct, const struct err *e)
{
	struct call *c = user;
	const struct process *init = &ct->init;
	Pb__DeleteResponse reply = PB__DELETE_RESPONSE__INIT;
	Pb__Timestamp at = convert_exited_at(&init->exit);
	Pb__TaskDelete m = PB__TASK_DELETE__INIT;

	if (err_is_set(e)) {
		log_warn("delete", "id=%s error=\"%s\", to be repeated", ct->id, e->msg);
		call_fail(c, e);
		return;
	}
	m.container_id = ct->id;
	m.pid = reply.pid = (uint32_t)init->pid;
	m.exit_status = reply.exit_status = init->exit.code;
	m.exited_at = reply.exited_at = &at;
	events_push(&task_daemon(ct)->events, "/tasks/delete", &m.base);
	log_info("delete", "id=%s code=%u", ct->id, init->exit.code);
	call_reply(c, &reply.base);
}

/* The reference tells no event of it. */
static void exec_deleted(void *user, struct process *p, const struct err *e)
{
	struct call *c = user;
	Pb__DeleteResponse reply = PB__DELETE_RESPONSE__INIT;
	Pb__Timestamp at;

	if (err_is_set(e)) {
		call_fail(c, e);
		return;
	}
	at = convert_exited_at(&p->exit);
	reply.pid = (uint32_t)p->pid;
	reply.exit_status = p->exit.code;
	reply.exited_at = &at;
	call_reply(c, &reply.base);
}

void task_delete(struct call *c)
{
	auto_message Pb__DeleteRequest *req = call_unpack(c, &pb__delete_request__descriptor);
	struct process *p = req ? task_process(c, req->id, req->exec_id) : NULL;

	if (!p)
		return;
	if (p->exec_id)
		exec_delete_begin(p, call_timeout_s(c), exec_deleted, c);
	else
		delete_begin(p->ct, call_timeout_s(c), deleted, c);
}

static void reply_to_verb(struct call *c, const struct err *e)
{
	if (err_is_set(e))
		call_fail(c, e);
	else
		task_reply_empty(c);
}

static void paused(void *user, struct container *ct, const struct err *e)
{
	Pb__TaskPaused m = PB__TASK_PAUSED__INIT;

	m.container_id = ct->id;
	if (!err_is_set(e))
		events_push(&task_daemon(ct)->events, "/tasks/paused", &m.base);
	reply_to_verb(user, e);
}

static void resumed(void *user, struct container *ct, const struct err *e)
{
	Pb__TaskResumed m = PB__TASK_RESUMED__INIT;

	m.container_id = ct->id;
	if (!err_is_set(e))
		events_push(&task_daemon(ct)->events, "/tasks/resumed", &m.base);
	reply_to_verb(user, e);
}

static void updated(void *user, struct container *ct, const struct err *e)
{
	(void)ct;
	reply_to_verb(user, e);
}

void task_pause(struct call *c)
{
	auto_message Pb__PauseRequest *req = call_unpack(c, &pb__pause_request__descriptor);
	struct container *ct = req ? task_container(c, req->id) : NULL;
	struct verb_args args = { .verb = VERB_PAUSE };

	if (!ct)
		return;
	args.deadline_s = call_timeout_s(c);
	verb_begin(ct, &args, paused, c);
}

void task_resume(struct call *c)
{
	auto_message Pb__ResumeRequest *req = call_unpack(c, &pb__resume_request__descriptor);
	struct container *ct = req ? task_container(c, req->id) : NULL;
	struct verb_args args = { .verb = VERB_RESUME };

	if (!ct)
		return;
	args.deadline_s = call_timeout_s(c);
	verb_begin(ct, &args, resumed, c);
}

void task_update(struct call *c)
{
	auto_message Pb__UpdateTaskRequest *req =
		call_unpack(c, &pb__update_task_request__descriptor);
	struct container *ct = req ? task_container(c, req->id) : NULL;
	struct verb_args args = { .verb = VERB_UPDATE };

	if (!ct)
		return;
	args.deadline_s = call_timeout_s(c);
	if (req->resources) {
		args.resources = req->resources->value.data;
		args.resources_len = req->resources->value.len;
	}
	verb_begin(ct, &args, updated, c);
}
