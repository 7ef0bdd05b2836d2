/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/service.h"

#include "proto/api/wellknown.pb-c.h"
#include "shim/convert.h"
#include "shim/daemon.h"
#include "shim/task.h"

void task_reply_empty(struct call *c)
{
	Pb__Empty empty = PB__EMPTY__INIT;

	call_reply(c, &empty.base);
}

struct daemon *task_daemon(const struct container *ct)
{
	return container_of(ct->set, struct daemon, containers);
}

/* The process a request is about; NULL after failing the call. */
struct process *task_process(struct call *c, const char *id, const char *exec_id)
{
	struct daemon *d = call_user(c);
	struct err e = ERR_INIT;
	struct container *ct = container_find(&d->containers, id, &e);
	struct process *p = ct ? container_process(ct, exec_id, &e) : NULL;

	if (!p)
		call_fail(c, &e);
	return p;
}

struct container *task_container(struct call *c, const char *id)
{
	struct process *init = task_process(c, id, NULL);

	return init ? init->ct : NULL;
}

/* containerd sends it after every Delete; only the last one is meant. */
static void task_shutdown(struct call *c)
{
	struct daemon *d = call_user(c);
	auto_message Pb__ShutdownRequest *req = call_unpack(c, &pb__shutdown_request__descriptor);

	if (!req)
		return;
	task_reply_empty(c);
	if (list_is_empty(&d->containers.all))
		daemon_shutdown(d);
	else
		task_give_up_creates(d, req->id);
}

void service_exited(const struct observer *o, struct process *p)
{
	struct daemon *d = task_daemon(p->ct);
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

void service_oom(const struct observer *o, struct container *ct)
{
	Pb__TaskOOM m = PB__TASK_OOM__INIT;

	(void)o;
	m.container_id = ct->id;
	events_push(&task_daemon(ct)->events, "/tasks/oom", &m.base);
}

static const struct server_method methods[] = {
	{ "State", task_state },
	{ "Create", task_create },
	{ "Start", task_start },
	{ "Delete", task_delete },
	{ "Pids", task_pids },
	{ "Stats", task_stats },
	{ "Pause", task_pause },
	{ "Resume", task_resume },
	{ "Update", task_update },
	{ "Checkpoint", task_checkpoint },
	{ "Exec", task_exec },
	{ "ResizePty", task_resize_pty },
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
