/* SPDX-License-Identifier: Apache-2.0 */

/*
 * checks.c - what is told by the service, and whether it makes sense.
 */

#include "proto/api/events.pb-c.h"
#include "proto/api/task.pb-c.h"
#include "tests/model/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct seen_process {
	bool added, started, exited;
	uint32_t code;
};

/* Of one life of a container: from its Create to its Delete. */
struct seen {
	bool created, deleted;
	struct seen_process init, exec[EXECS];
};

static struct seen seen[CTS];
static char wrong[256];

static unsigned long *counts;

const char *const reached_names[N_REACHED] = { "starts", "starts of execs", "exits of execs",
	"pauses", "resumes", "updates", "deletes", "Creates given up by a Shutdown" };
const unsigned long reached_floor[N_REACHED] = { 5000, 2000, 2000, 500, 500, 300, 5000, 50 };

void checks_count(unsigned long reached[N_REACHED])
{
	counts = reached;
}

void sim_given_up(void)
{
	counts[REACHED_GIVEN_UP]++;
}

static void count_answer(const struct sim_call *c)
{
	static const struct {
		const char *method;
		enum reached what, of_exec;
	} methods[] = {
		{ "Start", REACHED_START, REACHED_EXEC_START },
		{ "Pause", REACHED_PAUSE, REACHED_PAUSE },
		{ "Resume", REACHED_RESUME, REACHED_RESUME },
		{ "Update", REACHED_UPDATE, REACHED_UPDATE },
	};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(c->method, methods[i].method) == 0)
			counts[c->exec[0] ? methods[i].of_exec : methods[i].what]++;
}

void sim_wrong(const char *fmt, ...)
{
	va_list ap;

	if (wrong[0])
		return;
	va_start(ap, fmt);
	vsnprintf(wrong, sizeof(wrong), fmt, ap);
	va_end(ap);
}

void sim_demand(bool holds, const char *what, const char *ct, const char *exec)
{
	if (!holds)
		sim_wrong("%s (%s %s, at %.3f s)", what, ct, exec, sim_now);
}

/* --- what is told --- */

static struct seen *seen_of(const char *id)
{
	return &seen[id[1] - '0'];
}

static struct seen_process *process_of(const char *id, const char *exec)
{
	return exec[0] ? &seen_of(id)->exec[exec[1] - '0'] : &seen_of(id)->init;
}

static void check_truth(const char *id, const char *exec, uint32_t pid, uint32_t code)
{
	const struct sim_proc *p = sim_find(exec[0] ? SIM_EXEC : SIM_INIT, id, exec);

	sim_demand(p && p->is_dead, "the exit of a process that is none or lives", id, exec);
	sim_demand(!p || pid == (uint32_t)p->pid, "the exit has another pid", id, exec);
	sim_demand(!p || code == (uint32_t)p->code, "the exit has another code", id, exec);
}

static void saw_exit(const Pb__TaskExit *m)
{
	const char *exec = strcmp(m->id, m->container_id) == 0 ? "" : m->id;
	struct seen *s = seen_of(m->container_id);
	struct seen_process *p = process_of(m->container_id, exec);

	sim_demand(exec[0] ? p->started : s->created, "an exit before its start", m->container_id,
		exec);
	sim_demand(!p->exited, "a second exit", m->container_id, exec);
	sim_demand(!exec[0] || !s->init.exited, "an exec's exit after its init's", m->container_id,
		exec);
	for (size_t i = 0; !exec[0] && i < EXECS; i++)
		sim_demand(!s->exec[i].started || s->exec[i].exited,
			"an init's exit before an exec's", m->container_id, "");
	check_truth(m->container_id, exec, m->pid, m->exit_status);
	p->exited = true;
	p->code = m->exit_status;
	counts[REACHED_EXEC_EXIT] += exec[0] != '\0';
}

static void saw_create(const char *id)
{
	struct seen *s = seen_of(id);

	sim_demand(!s->created || s->deleted, "a second create", id, "");
	*s = (struct seen){ .created = true };
}

static void saw_added(const char *id, const char *exec)
{
	struct seen_process *p = process_of(id, exec);

	sim_demand(seen_of(id)->created && !seen_of(id)->deleted, "an exec without its container",
		id, exec);
	*p = (struct seen_process){ .added = true };
}

static void saw_started(const char *id, const char *exec)
{
	struct seen_process *p = process_of(id, exec);

	sim_demand(
		exec[0] ? p->added : seen_of(id)->created, "a start before its create", id, exec);
	sim_demand(!p->started, "a second start", id, exec);
	sim_demand(!p->exited, "a start after its exit", id, exec);
	sim_demand(!exec[0] || !seen_of(id)->init.exited, "an exec's start after its init's exit",
		id, exec);
	p->started = true;
}

static void saw_delete(const Pb__TaskDelete *m)
{
	struct seen *s = seen_of(m->container_id);

	sim_demand(s->created && !s->deleted, "a delete without a create", m->container_id, "");
	sim_demand(s->init.exited, "a delete before the exit", m->container_id, "");
	sim_demand(
		m->exit_status == s->init.code, "a delete has another code", m->container_id, "");
	s->deleted = true;
	counts[REACHED_DELETE]++;
}

void sim_event(const char *topic, const ProtobufCMessage *m)
{
	const void *any = m;

	if (strcmp(topic, "/tasks/create") == 0)
		saw_create(((const Pb__TaskCreate *)any)->container_id);
	else if (strcmp(topic, "/tasks/start") == 0)
		saw_started(((const Pb__TaskStart *)any)->container_id, "");
	else if (strcmp(topic, "/tasks/exec-added") == 0)
		saw_added(((const Pb__TaskExecAdded *)any)->container_id,
			((const Pb__TaskExecAdded *)any)->exec_id);
	else if (strcmp(topic, "/tasks/exec-started") == 0)
		saw_started(((const Pb__TaskExecStarted *)any)->container_id,
			((const Pb__TaskExecStarted *)any)->exec_id);
	else if (strcmp(topic, "/tasks/exit") == 0)
		saw_exit(any);
	else if (strcmp(topic, "/tasks/delete") == 0)
		saw_delete(any);
}

static void check_wait(const struct sim_call *c, const Pb__WaitResponse *reply)
{
	const struct seen_process *p = process_of(c->ct, c->exec);

	/* A Wait for an exec whose start failed is released with nothing. */
	if (c->exec[0] && !p->started && reply->exit_status == 0)
		return;
	sim_demand(p->exited, "a Wait was answered before the exit", c->ct, c->exec);
	sim_demand(reply->exit_status == p->code, "a Wait was told another code", c->ct, c->exec);
}

static void check_start(const struct sim_call *c, const struct seen_process *p)
{
	sim_demand(p->started, "a reply before its event", c->ct, "start");
	sim_demand(!c->exec[0] || !c->init_was_gone,
		"an exec starts in a container whose init has ended", c->ct, c->exec);
}

void sim_answered(const struct sim_call *c, const ProtobufCMessage *reply)
{
	const struct seen_process *p = process_of(c->ct, c->exec);
	const void *any = reply;

	if (!reply)
		return;
	count_answer(c);
	if (strcmp(c->method, "Create") == 0)
		sim_demand(seen_of(c->ct)->created, "a reply before its event", c->ct, "create");
	else if (strcmp(c->method, "Start") == 0)
		check_start(c, p);
	else if (strcmp(c->method, "Delete") == 0 && !c->exec[0])
		sim_demand(seen_of(c->ct)->deleted, "a reply before its event", c->ct, "delete");
	else if (strcmp(c->method, "Wait") == 0)
		check_wait(c, any);
}

void checks_at_end(void)
{
	for (size_t i = 0; i < CTS; i++) {
		char id[] = { 'c', (char)('0' + i), '\0' };

		sim_demand(!seen[i].created || seen[i].deleted, "no delete was told", id, "");
		sim_demand(!seen[i].created || seen[i].init.exited, "no exit was told", id, "");
	}
}

void checks_reset(void)
{
	wrong[0] = '\0';
	memset(seen, 0, sizeof(seen));
}

const char *sim_reason(void)
{
	return wrong;
}
