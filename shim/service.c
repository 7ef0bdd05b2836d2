/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/service.h"

#include "base/log.h"
#include "process/ops.h"
#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "proto/api/wellknown.pb-c.h"
#include "shim/convert.h"
#include "shim/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

/*
 * Events come before answers: whoever has the answer to Create or Start may
 * count on the event being on its way.
 */

static void reply_empty(struct call *c)
{
	Pb__Empty empty = PB__EMPTY__INIT;

	call_reply(c, &empty.base);
}

static struct daemon *daemon_of(const struct container *ct)
{
	return container_of(ct->set, struct daemon, containers);
}

/* The process a request is about; NULL after failing the call. */
static struct process *find_process(struct call *c, const char *id, const char *exec_id)
{
	struct daemon *d = call_user(c);
	struct err e = ERR_INIT;
	struct container *ct = container_find(&d->containers, id, &e);
	struct process *p = ct ? container_process(ct, exec_id, &e) : NULL;

	if (!p)
		call_fail(c, &e);
	return p;
}

static struct container *find_container(struct call *c, const char *id)
{
	struct process *init = find_process(c, id, NULL);

	return init ? init->ct : NULL;
}

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
	m.pid = (uint32_t)ct->init.pid;
	events_push(&d->events, "/tasks/create", &m.base);
}

/* A Create under way: the request is kept for its event. */
struct creating {
	struct call *call;
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
	convert_create_fini(&k->args);
	message_free(&k->req->base);
	free(k);
	/* config.json was the largest thing this process ever parsed: give its pages back. */
	malloc_trim(0);
}

static void task_create(struct call *c)
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
	else if (req->checkpoint[0])
		err_set(&e, STATUS_UNIMPLEMENTED, "create from a checkpoint");
	else if (req->terminal)
		err_set(&e, STATUS_UNIMPLEMENTED, "create with a terminal");
	if (err_is_set(&e) || convert_create(&k->args, req, &e) < 0) {
		free(k);
		call_fail(c, &e);
		return;
	}
	k->call = c;
	k->req = req;
	req = NULL; /* k's now */
	k->args.args.deadline_s = call_timeout_s(c);
	create_begin(&d->containers, &k->args.args, created, k);
}

static void started(void *user, struct process *p, const struct err *e)
{
	struct call *c = user;
	Pb__StartResponse reply = PB__START_RESPONSE__INIT;
	Pb__TaskStart m = PB__TASK_START__INIT;

	if (err_is_set(e)) {
		call_fail(c, e);
		return;
	}
	m.container_id = p->ct->id;
	m.pid = (uint32_t)p->pid;
	events_push(&daemon_of(p->ct)->events, "/tasks/start", &m.base);
	log_info("start", "id=%s pid=%d", p->ct->id, (int)p->pid);
	reply.pid = (uint32_t)p->pid;
	call_reply(c, &reply.base);
}

static void task_start(struct call *c)
{
	auto_message Pb__StartRequest *req = call_unpack(c, &pb__start_request__descriptor);
	struct process *p = req ? find_process(c, req->id, req->exec_id) : NULL;

	if (p)
		start_begin(p->ct, call_timeout_s(c), started, c);
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
	events_push(&daemon_of(ct)->events, "/tasks/delete", &m.base);
	log_info("delete", "id=%s code=%u", ct->id, init->exit.code);
	call_reply(c, &reply.base);
}

static void task_delete(struct call *c)
{
	auto_message Pb__DeleteRequest *req = call_unpack(c, &pb__delete_request__descriptor);
	struct process *p = req ? find_process(c, req->id, req->exec_id) : NULL;

	if (p)
		delete_begin(p->ct, call_timeout_s(c), deleted, c);
}

static void task_state(struct call *c)
{
	auto_message Pb__StateRequest *req = call_unpack(c, &pb__state_request__descriptor);
	const struct process *p = req ? find_process(c, req->id, req->exec_id) : NULL;
	Pb__StateResponse reply = PB__STATE_RESPONSE__INIT;
	Pb__Timestamp at;

	if (!p)
		return;
	at = convert_exited_at(&p->exit);
	reply.id = process_name(p);
	reply.bundle = p->ct->bundle;
	reply.pid = (uint32_t)p->pid;
	reply.status = convert_status(p->state);
	reply.stdin = p->in;
	reply.stdout = p->out;
	reply.stderr = p->err;
	reply.terminal = p->terminal;
	reply.exit_status = p->exit.code;
	reply.exited_at = &at;
	call_reply(c, &reply.base);
}

static void reply_exit(struct call *c, const struct process *p)
{
	Pb__WaitResponse reply = PB__WAIT_RESPONSE__INIT;
	Pb__Timestamp at = convert_exited_at(&p->exit);

	reply.exit_status = p->exit.code;
	reply.exited_at = &at;
	call_reply(c, &reply.base);
}

/* A Wait under way; the call's owner. */
struct waiting {
	struct waiter waiter;
	struct call *call;
};

static void wait_over(struct waiter *w, const struct process *p)
{
	struct waiting *k = container_of(w, struct waiting, waiter);

	reply_exit(k->call, p);
	free(k);
}

/* The client hung up, or has waited long enough. */
static void wait_gone(struct call *c)
{
	struct waiting *k = c->owner;

	process_wait_cancel(&k->waiter);
	free(k);
}

static void task_wait(struct call *c)
{
	auto_message Pb__WaitRequest *req = call_unpack(c, &pb__wait_request__descriptor);
	struct process *p = req ? find_process(c, req->id, req->exec_id) : NULL;
	struct waiting *k = p ? calloc(1, sizeof(*k)) : NULL;
	struct err e = ERR_INIT;

	if (!p)
		return;
	if (!k) {
		err_oom(&e);
		call_fail(c, &e);
		return;
	}
	*k = (struct waiting){ .waiter = { .on_exit = wait_over }, .call = c };
	if (process_wait(p, &k->waiter)) {
		wait_over(&k->waiter, p);
		return;
	}
	c->owner = k;
	call_park(c, wait_gone);
}

static void cancel_waits_of(struct process *p)
{
	struct err e = ERR_INIT;
	struct list *first;

	err_set(&e, STATUS_UNAVAILABLE, "the shim is shutting down");
	while ((first = list_first(&p->waiters))) {
		struct waiter *w = container_of(first, struct waiter, link);
		struct waiting *k = container_of(w, struct waiting, waiter);

		if (w->on_exit != wait_over)
			return; /* a Delete's, which ends by itself */
		process_wait_cancel(w);
		call_fail(k->call, &e);
		free(k);
	}
}

void service_cancel_waits(struct daemon *d)
{
	list_each (it, &d->containers.all) {
		struct container *ct = container_of(it, struct container, link);

		cancel_waits_of(&ct->init);
		list_each (exec, &ct->execs)
			cancel_waits_of(container_of(exec, struct process, link));
	}
}

static void task_kill(struct call *c)
{
	auto_message Pb__KillRequest *req = call_unpack(c, &pb__kill_request__descriptor);
	struct process *p = req ? find_process(c, req->id, req->exec_id) : NULL;
	struct err e = ERR_INIT;

	if (!p)
		return;
	if (process_kill(p, (int)req->signal, req->all, &e) < 0)
		call_fail(c, &e);
	else
		reply_empty(c);
}

/* Which exec a pid is, for docker top and the like; "" for everything else. */
static const char *exec_of(const struct container *ct, pid_t pid)
{
	list_each (it, &ct->execs) {
		const struct process *p = container_of(it, struct process, link);

		if (p->pid == pid)
			return p->exec_id;
	}
	return "";
}

struct pid_entry {
	Pb__ProcessInfo info;
	Pb__Any any;
	struct buf bytes;
};

static void fill_pid(struct pid_entry *entry, const struct container *ct, pid_t pid)
{
	Runc__ProcessDetails details = RUNC__PROCESS_DETAILS__INIT;

	pb__process_info__init(&entry->info);
	entry->info.pid = (uint32_t)pid;
	details.exec_id = exec_of(ct, pid);
	entry->bytes = BUF_INIT(1024);
	if (details.exec_id[0] && any_pack(&details.base, &entry->bytes, &entry->any) == 0)
		entry->info.info = &entry->any;
}

static int reply_pids(struct call *c, const struct container *ct, const pid_t *pid, size_t n)
{
	Pb__PidsResponse reply = PB__PIDS_RESPONSE__INIT;
	struct pid_entry *entries = calloc(n + 1, sizeof(*entries));
	Pb__ProcessInfo **infos = calloc(n + 1, sizeof(*infos));

	if (entries && infos) {
		for (size_t i = 0; i < n; i++) {
			fill_pid(&entries[i], ct, pid[i]);
			infos[i] = &entries[i].info;
		}
		reply.processes = infos;
		reply.n_processes = n;
		call_reply(c, &reply.base);
		for (size_t i = 0; i < n; i++)
			buf_fini(&entries[i].bytes);
	}
	free(infos);
	free(entries);
	return infos && entries ? 0 : -ENOMEM;
}

static void task_pids(struct call *c)
{
	auto_message Pb__PidsRequest *req = call_unpack(c, &pb__pids_request__descriptor);
	struct container *ct = req ? find_container(c, req->id) : NULL;
	struct err e = ERR_INIT;
	pid_t *pid = NULL;
	size_t n;

	if (!ct)
		return;
	if (container_pids(ct, &pid, &n, &e) < 0 ||
		(reply_pids(c, ct, pid, n) < 0 && err_oom(&e) < 0))
		call_fail(c, &e);
	free(pid);
}

static void task_close_io(struct call *c)
{
	auto_message Pb__CloseIORequest *req = call_unpack(c, &pb__close_iorequest__descriptor);
	struct process *p = req ? find_process(c, req->id, req->exec_id) : NULL;

	if (!p)
		return;
	if (p->io)
		stdio_close_stdin(p->io);
	reply_empty(c);
}

static void task_connect(struct call *c)
{
	struct daemon *d = call_user(c);
	auto_message Pb__ConnectRequest *req = call_unpack(c, &pb__connect_request__descriptor);
	Pb__ConnectResponse reply = PB__CONNECT_RESPONSE__INIT;
	const struct container *ct;
	struct err e = ERR_INIT;

	if (!req)
		return;
	ct = container_find(&d->containers, req->id, &e);
	reply.shim_pid = (uint32_t)getpid();
	reply.task_pid = ct ? (uint32_t)ct->init.pid : 0;
	call_reply(c, &reply.base);
}

/* containerd sends it after every Delete; only the last one is meant. */
static void task_shutdown(struct call *c)
{
	struct daemon *d = call_user(c);

	reply_empty(c);
	if (list_is_empty(&d->containers.all))
		daemon_shutdown(d);
}

void service_exited(const struct observer *o, struct process *p)
{
	struct daemon *d = daemon_of(p->ct);
	Pb__Timestamp at = convert_exited_at(&p->exit);
	Pb__TaskExit m = PB__TASK_EXIT__INIT;

	(void)o;
	m.container_id = p->ct->id;
	m.id = process_name(p);
	m.pid = (uint32_t)p->pid;
	m.exit_status = p->exit.code;
	m.exited_at = &at;
	events_push(&d->events, "/tasks/exit", &m.base);
}

static const struct server_method methods[] = {
	{ "State", task_state },
	{ "Create", task_create },
	{ "Start", task_start },
	{ "Delete", task_delete },
	{ "Pids", task_pids },
	{ "Kill", task_kill },
	{ "CloseIO", task_close_io },
	{ "Wait", task_wait },
	{ "Connect", task_connect },
	{ "Shutdown", task_shutdown },
	{ NULL, NULL },
};

const struct server_service service_table[] = {
	{ "containerd.task.v3.Task", methods },
	{ "containerd.task.v2.Task", methods },
	{ NULL, NULL },
};
