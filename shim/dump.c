/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/dump.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/op.h"
#include "proto/api/debug.pb-c.h"
#include "shim/daemon.h"

#include <string.h>
#include <unistd.h>

#define NS_PER_S  1e9
#define NS_PER_US 1000

static double seconds_since(int64_t then_ns)
{
	return (double)(clock_mono_ns() - then_ns) / NS_PER_S;
}

static json_t *operation_json(const struct op *op)
{
	json_t *o = json_pack("{s:s, s:s, s:f, s:b}", "operation", op->plan->name, "step",
		op_step_name(op), "since_s", seconds_since(op->since_ns), "unwinding",
		(int)op->unwinding);

	if (err_is_set(&op->err))
		json_object_set_new(o, "error", json_string(op->err.msg));
	return o;
}

static size_t count(const struct list *l)
{
	size_t n = 0;

	list_each (it, l)
		n++;
	return n;
}

static json_t *process_json(const struct process *p)
{
	json_t *o = json_pack("{s:s, s:i, s:I}", "state", state_name(p->state), "pid", (int)p->pid,
		"waits", (json_int_t)count(&p->waiters));

	if (p->exec_id)
		json_object_set_new(o, "exec_id", json_string(p->exec_id));
	if (p->is_starting)
		json_object_set_new(o, "starting", json_true());
	if (p->n_deletes)
		json_object_set_new(o, "deletes", json_integer(p->n_deletes));
	if (p->news_held)
		json_object_set_new(o, "news_held", json_integer(p->news_held));
	if (p->seen.is_set)
		json_object_set_new(o, "exit_status", json_integer(p->seen.code));
	return o;
}

static json_t *container_json(const struct container *ct)
{
	json_t *execs = json_array();
	json_t *operations = json_array();

	list_each (it, &ct->execs)
		json_array_append_new(execs, process_json(container_of(it, struct process, link)));
	list_each (it, &ct->under_way)
		json_array_append_new(operations, operation_json(container_of(it, struct op, in)));
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:i, s:s, s:b}", "id", ct->id, "created",
		(int)ct->is_created, "init", process_json(&ct->init), "execs", execs, "operations",
		operations, "waiting_operations", (int)ct->queued, "runtime", ct->binary, "oom",
		(int)ct->had_oom);
}

static json_t *containers_json(const struct containers *set, bool brief)
{
	json_t *all = json_array();

	list_each (it, &set->all) {
		const struct container *ct = container_of(it, struct container, link);

		if (!brief || !list_is_empty(&ct->under_way))
			json_array_append_new(all, container_json(ct));
	}
	return all;
}

static json_t *server_json(const struct server *s)
{
	struct server_load l;

	server_load(s, &l);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "clients", (json_int_t)l.clients,
		"paused_clients", (json_int_t)l.paused_clients, "calls", (json_int_t)l.calls,
		"inert_calls", (json_int_t)l.inert_calls, "queued_bytes",
		(json_int_t)l.queued_bytes, "requests", (json_int_t)l.requests);
}

static json_t *events_json(const struct events *ev)
{
	return json_pack("{s:s, s:I, s:b, s:b, s:I}", "address", ev->address, "queued",
		(json_int_t)ev->n, "sending", (int)ev->is_sending, "retrying",
		(int)ev_is_active(&ev->retry), "dropped", (json_int_t)ev->n_dropped);
}

static json_t *loop_json(const struct daemon *d)
{
	struct turn longest = { NULL, NULL };
	int64_t ns = watchdog_longest(&d->watchdog, &longest);

	return json_pack("{s:I, s:I, s:s, s:s, s:I}", "turns", (json_int_t)ev_iteration(d->loop),
		"longest_turn_us", (json_int_t)(ns / NS_PER_US), "longest_turn_what",
		longest.what ? longest.what : "", "longest_turn_part",
		longest.part ? longest.part : "", "long_turns",
		(json_int_t)watchdog_long_turns(&d->watchdog));
}

/* One line, owned by the caller; NULL when out of memory. */
static char *dump_text(const struct daemon *d, bool brief)
{
	auto_json json_t *dump = json_pack("{s:s, s:s, s:i, s:s, s:s, s:f, s:b, s:o}", "belay",
		"dump", "version", SHIM_VERSION, "pid", (int)getpid(), "namespace", d->conf->ns,
		"id", d->conf->id, "uptime_s", seconds_since(d->since_ns), "shutting_down",
		(int)d->is_shutting_down, "containers", containers_json(&d->containers, brief));

	if (!dump)
		return NULL;
	if (brief)
		json_object_set_new(dump, "containers_in_all",
			json_integer((json_int_t)count(&d->containers.all)));
	json_object_set_new(dump, "server", server_json(&d->server));
	json_object_set_new(dump, "events", events_json(&d->events));
	json_object_set_new(dump, "log",
		json_pack("{s:I, s:b}", "dropped", (json_int_t)log_dropped(), "open",
			(int)(d->log_fd >= 0)));
	json_object_set_new(dump, "processes",
		json_pack("{s:I, s:I, s:i}", "followed", (json_int_t)count(&d->reaper.children),
			"followed_since_start", (json_int_t)d->reaper.n_followed, "holds",
			d->reaper.holds));
	json_object_set_new(dump, "loop", loop_json(d));
	return json_text(dump);
}

void dump_to_log(const struct daemon *d)
{
	auto_free char *text = dump_text(d, false);

	if (text && strlen(text) > DUMP_LOG_MAX) {
		free(text);
		text = dump_text(d, true);
	}
	if (text)
		log_raw(text);
	else
		log_error("dump", "error=\"out of memory\"");
	memory_give_back();
}

static void debug_version(struct call *c)
{
	auto_message Belay__VersionRequest *req =
		call_unpack(c, &belay__version_request__descriptor);
	Belay__VersionResponse reply = BELAY__VERSION_RESPONSE__INIT;

	if (!req)
		return;
	reply.version = SHIM_VERSION;
	call_reply(c, &reply.base);
}

static void debug_dump(struct call *c)
{
	auto_message Belay__DumpRequest *req = call_unpack(c, &belay__dump_request__descriptor);
	Belay__DumpResponse reply = BELAY__DUMP_RESPONSE__INIT;
	auto_free char *text = NULL;
	struct err e = ERR_INIT;

	if (!req)
		return;
	text = dump_text(call_user(c), false);
	if (!text) {
		err_oom(&e);
		call_fail(c, &e);
		return;
	}
	reply.json = text;
	call_reply(c, &reply.base);
}

const struct server_method debug_methods[] = {
	{ "Version", debug_version },
	{ "Dump", debug_dump },
	{ NULL, NULL },
};
