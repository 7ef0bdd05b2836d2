/* SPDX-License-Identifier: Apache-2.0 */

/*
 * task_query.c - the methods that are answered at once, and Wait. None of them
 * queues behind an operation.
 */

#include "base/buf.h"
#include "process/ops.h"
#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "shim/convert.h"
#include "shim/daemon.h"
#include "shim/service.h"
#include "shim/stats.h"
#include "shim/task.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void task_state(struct call *c)
{
	auto_message Pb__StateRequest *req = call_unpack(c, &pb__state_request__descriptor);
	const struct process *p = req ? task_process(c, req->id, req->exec_id) : NULL;
	Pb__StateResponse reply = PB__STATE_RESPONSE__INIT;
	Pb__Timestamp at;

	if (!p)
		return;
	at = convert_exited_at(&p->exit);
	reply.id = process_name(p);
	reply.bundle = p->ct->bundle;
	reply.pid = (uint32_t)p->pid;
	reply.status = convert_status(p);
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

void task_wait(struct call *c)
{
	auto_message Pb__WaitRequest *req = call_unpack(c, &pb__wait_request__descriptor);
	struct process *p = req ? task_process(c, req->id, req->exec_id) : NULL;
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

void task_kill(struct call *c)
{
	auto_message Pb__KillRequest *req = call_unpack(c, &pb__kill_request__descriptor);
	struct process *p = req ? task_process(c, req->id, req->exec_id) : NULL;
	struct err e = ERR_INIT;

	if (!p)
		return;
	if (process_kill(p, (int)req->signal, req->all, &e) < 0)
		call_fail(c, &e);
	else
		task_reply_empty(c);
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

void task_pids(struct call *c)
{
	auto_message Pb__PidsRequest *req = call_unpack(c, &pb__pids_request__descriptor);
	struct container *ct = req ? task_container(c, req->id) : NULL;
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

void task_close_io(struct call *c)
{
	auto_message Pb__CloseIORequest *req = call_unpack(c, &pb__close_iorequest__descriptor);
	struct process *p = req ? task_process(c, req->id, req->exec_id) : NULL;

	if (!p)
		return;
	if (p->io)
		stdio_close_stdin(p->io);
	task_reply_empty(c);
}

void task_connect(struct call *c)
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

/* Without a terminal there is nothing to resize, and the reference's answer to that is OK. */
void task_resize_pty(struct call *c)
{
	auto_message Pb__ResizePtyRequest *req =
		call_unpack(c, &pb__resize_pty_request__descriptor);
	struct process *p = req ? task_process(c, req->id, req->exec_id) : NULL;
	struct err e = ERR_INIT;
	int rc = 0;

	if (!p)
		return;
	if (p->exec_id && p->state == STATE_STOPPED)
		err_set(&e, STATUS_UNKNOWN, "cannot resize a stopped container");
	else if (p->io)
		rc = stdio_resize(p->io, (unsigned short)req->width, (unsigned short)req->height);
	if (rc < 0)
		err_rc(&e, rc, "resize");
	if (err_is_set(&e))
		call_fail(c, &e);
	else
		task_reply_empty(c);
}

void task_stats(struct call *c)
{
	auto_message Pb__StatsRequest *req = call_unpack(c, &pb__stats_request__descriptor);
	struct container *ct = req ? task_container(c, req->id) : NULL;
	auto_buf struct buf bytes = BUF_INIT(STATS_BYTES_MAX);
	Pb__StatsResponse reply = PB__STATS_RESPONSE__INIT;
	struct err e = ERR_INIT;
	Pb__Any any;

	if (!ct)
		return;
	if (stats_collect(&ct->cgroup, &bytes, &any, &e) < 0) {
		call_fail(c, &e);
		return;
	}
	reply.stats = &any;
	call_reply(c, &reply.base);
}
