/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sim_runtime.c - a runtime that mostly obeys: what becomes of each call of it, and when.
 */

#include "base/attr.h"
#include "tests/model/sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CTS_MAX 8

/* A container as its runtime keeps it. */
struct sim_ct {
	char id[16];
	bool is_running;
	struct sim_proc *init;
};

static struct sim_ct ct[CTS_MAX];

static void ends_by_itself(void *arg, unsigned serial)
{
	sim_die(arg, (int)(1 + serial % 99), 0);
}

static struct sim_ct *find_ct(const char *id)
{
	for (size_t i = 0; i < CTS_MAX; i++)
		if (strcmp(ct[i].id, id) == 0)
			return &ct[i];
	return NULL;
}

static void complain(const struct sim_proc *rt, const char *words)
{
	FILE *f = fopen(rt->log, "ae");

	if (!f)
		abort();
	fprintf(f, "{\"level\":\"error\",\"msg\":\"%s\",\"time\":\"2026-01-01T00:00:00Z\"}\n",
		words);
	fclose(f);
}

static void fail(struct sim_proc *rt, const char *words)
{
	complain(rt, words);
	sim_die(rt, 1, 0);
}

static void write_pid(const struct sim_proc *rt, int pid)
{
	FILE *f = fopen(rt->pid_file, "we");

	if (!f)
		abort();
	fprintf(f, "%d", pid);
	fclose(f);
}

static void exits_well(void *arg, unsigned serial)
{
	(void)serial;
	sim_die(arg, 0, 0);
}

static void exits_badly(void *arg, unsigned serial)
{
	struct sim_proc *rt = arg;

	(void)serial;
	if (!rt->is_dead)
		fail(rt, "something went wrong late");
}

/* It has forked: the process lives on by itself, and we say so and exit, or do not. */
static void leave_behind(struct sim_proc *rt, struct sim_proc *p)
{
	unsigned fate = sim_fate("after fork", rt->ct, 20);

	if (sim_fate("short life", rt->ct, 4) == 0)
		sim_after(sim_delay("short life", rt->ct), ends_by_itself, p, p->serial);
	write_pid(rt, p->pid);
	if (fate == 0)
		return; /* hangs for ever */
	sim_after(sim_delay("exit", rt->ct), fate == 1 ? exits_badly : exits_well, rt, rt->serial);
}

static void do_create(struct sim_proc *rt)
{
	struct sim_ct *c = find_ct("");

	if (find_ct(rt->ct) || !c) {
		fail(rt, "container with given ID already exists");
		return;
	}
	snprintf(c->id, sizeof(c->id), "%s", rt->ct);
	c->is_running = false;
	c->init = sim_fork(SIM_INIT, rt->ct, "");
	c->init->own_pidns = rt->ct[1] != '1'; /* as their config.json says: order.c */
	leave_behind(rt, c->init);
}

static void do_exec(struct sim_proc *rt)
{
	struct sim_ct *c = find_ct(rt->ct);
	struct sim_proc *p;

	/* Where only a number says that the init lives, a runtime may be fooled. */
	if (!c || !c->is_running ||
		(c->init->is_dead && (c->init->own_pidns || sim_fate("fooled", rt->ct, 2)))) {
		fail(rt, "cannot exec in a stopped container");
		return;
	}
	p = sim_fork(SIM_EXEC, rt->ct, rt->exec);
	if (sim_fate("long exec", rt->ct, 3))
		sim_after(sim_delay("exec life", rt->ct), ends_by_itself, p, p->serial);
	leave_behind(rt, p);
}

static void do_start(struct sim_proc *rt)
{
	struct sim_ct *c = find_ct(rt->ct);

	if (!c || c->is_running || c->init->is_dead) {
		fail(rt, "cannot start a container that has stopped");
		return;
	}
	c->is_running = true;
	if (sim_fate("long init", rt->ct, 2))
		sim_after(sim_delay("init life", rt->ct), ends_by_itself, c->init, c->init->serial);
	sim_after(sim_delay("started", rt->ct), exits_well, rt, rt->serial);
}

static void do_delete(struct sim_proc *rt)
{
	struct sim_ct *c = find_ct(rt->ct);

	if (!c) {
		if (rt->force)
			sim_die(rt, 0, 0);
		else
			fail(rt, "container does not exist");
		return;
	}
	if (c->is_running && !c->init->is_dead && !rt->force) {
		fail(rt, "cannot delete container that is not stopped: running");
		return;
	}
	sim_die(c->init, 0, SIGKILL);
	*c = (struct sim_ct){ 0 };
	sim_after(sim_delay("deleted", rt->ct), exits_well, rt, rt->serial);
}

void sim_runtime_work(void *arg, unsigned serial)
{
	struct sim_proc *rt = arg;
	unsigned fate = sim_fate(rt->verb, rt->ct, 24);

	(void)serial;
	if (rt->is_dead)
		return; /* killed before it could do anything */
	if (!rt->verb[0]) {
		sim_die(rt, 1, 0); /* it has no command "features" */
		return;
	}
	if (fate == 0)
		return; /* hangs for ever */
	if (fate == 1)
		fail(rt, "something went wrong early");
	else if (strcmp(rt->verb, "create") == 0)
		do_create(rt);
	else if (strcmp(rt->verb, "start") == 0)
		do_start(rt);
	else if (strcmp(rt->verb, "exec") == 0)
		do_exec(rt);
	else if (strcmp(rt->verb, "delete") == 0)
		do_delete(rt);
	else
		sim_die(rt, 0, 0); /* pause, resume, update */
}

/* "…/e1.process.json": which exec it is for. */
static void take_exec(struct sim_proc *rt, const char *process)
{
	const char *name = strrchr(process, '/') + 1;

	snprintf(rt->exec, sizeof(rt->exec), "%.*s", (int)strcspn(name, "."), name);
}

static bool is_verb(const char *word)
{
	static const char *const verbs[] = { "create", "start", "exec", "delete", "pause", "resume",
		"update" };

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(word, verbs[i]) == 0)
			return true;
	return false;
}

void sim_runtime_begin(struct sim_proc *rt, const char *const *argv)
{
	const char *last = "";

	for (size_t i = 1; argv[i]; i++) {
		last = argv[i];
		if (is_verb(last) && !rt->verb[0])
			snprintf(rt->verb, sizeof(rt->verb), "%s", last);
		else if (strcmp(last, "--pid-file") == 0)
			snprintf(rt->pid_file, sizeof(rt->pid_file), "%s", argv[i + 1]);
		else if (strcmp(last, "--log") == 0)
			snprintf(rt->log, sizeof(rt->log), "%s", argv[i + 1]);
		else if (strcmp(last, "--process") == 0)
			take_exec(rt, argv[i + 1]);
		else if (strcmp(last, "--force") == 0)
			rt->force = true;
	}
	snprintf(rt->ct, sizeof(rt->ct), "%s", last);
}

void sim_runtime_reset(void)
{
	memset(ct, 0, sizeof(ct));
}
