/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sim_world.c - processes and a runtime: reaper/ as the operations see it.
 *
 * A number that was reaped is given to the next process, at once: the lowest free one. So whatever
 * confuses a number with a process is found.
 */

#include "reaper/child.h"
#include "reaper/reaper.h"
#include "tests/model/sim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond any real one (PID_MAX_LIMIT is 2^22): /proc has nothing of them. */
#define FIRST_PID 5000000

static struct sim_proc proc[SIM_PROCS_MAX];
static unsigned n_procs;
static int holds;
static uint64_t seed;
static struct {
	uint64_t what;
	unsigned n;
} asked[512];

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
	h *= 0xbf58476d1ce4e5b9u;
	return h ^ h >> 31;
}

static uint64_t mix_text(uint64_t h, const char *s)
{
	while (*s)
		h = mix(h, (unsigned char)*s++);
	return h;
}

/* How often that was asked before: the second create of a container has a fate of its own. */
static unsigned count(uint64_t what)
{
	size_t i = 0;

	while (i < ARRAY_LEN(asked) && asked[i].what && asked[i].what != what)
		i++;
	if (i == ARRAY_LEN(asked))
		abort();
	asked[i].what = what;
	return asked[i].n++;
}

unsigned sim_fate(const char *what, const char *who, unsigned n)
{
	uint64_t h = mix_text(mix_text(mix(seed, 1), what), who) | 1;

	return (unsigned)(mix(h, count(h)) % n);
}

/* Mostly milliseconds, sometimes seconds; often the very same, so that things meet. */
double sim_delay(const char *what, const char *who)
{
	static const double scale[] = { 0, 0.001, 0.001, 0.01, 0.1, 1 };

	return scale[sim_fate(what, who, ARRAY_LEN(scale))] * (1 + sim_fate("n", who, 4));
}

struct sim_proc *sim_fork(enum sim_kind kind, const char *of, const char *exec)
{
	struct sim_proc *p = &proc[n_procs];

	if (n_procs == SIM_PROCS_MAX)
		abort();
	*p = (struct sim_proc){ .kind = kind, .serial = ++n_procs, .pid = FIRST_PID };
	for (unsigned i = 0; i + 1 < n_procs; i++)
		if (proc[i].pid == p->pid && !proc[i].is_reaped) {
			p->pid++;
			i = UINT32_MAX; /* from the first again */
		}
	snprintf(p->ct, sizeof(p->ct), "%s", of);
	snprintf(p->exec, sizeof(p->exec), "%s", exec);
	return p;
}

static void tell(void *arg, unsigned serial)
{
	struct sim_proc *p = arg;
	struct child *c = p->tracker;
	const struct exit_status st = { .code = p->code, .signal = p->signal, .at = { 1, 0 } };

	(void)serial;
	if (!c || p->is_reaped)
		return;
	p->tracker = NULL;
	p->is_reaped = true;
	list_remove(&c->link);
	c->pidfd = -1;
	c->on_exit(c, &st);
}

static void bury(struct sim_proc *p)
{
	if (!p->is_dead || p->is_reaped)
		return;
	if (p->tracker)
		sim_after(sim_delay("tell", p->ct) / 100, tell, p, p->serial);
	else if (holds == 0)
		p->is_reaped = true;
}

void sim_die(struct sim_proc *p, int code, int signo)
{
	if (p->is_dead)
		return;
	p->is_dead = true;
	p->code = signo ? 128 + signo : code;
	p->signal = signo;
	/* The kernel ends a pid namespace with its init. */
	for (unsigned i = 0; p->kind == SIM_INIT && p->own_pidns && i < n_procs; i++)
		if (proc[i].kind == SIM_EXEC && strcmp(proc[i].ct, p->ct) == 0)
			sim_die(&proc[i], 0, SIGKILL);
	bury(p);
}

static void killed(void *arg, unsigned serial)
{
	(void)serial;
	sim_die(arg, 0, SIGKILL);
}

static void terminated(void *arg, unsigned serial)
{
	(void)serial;
	sim_die(arg, 0, SIGTERM);
}

/* --- reaper/ --- */

static void track(struct child *c, struct reaper *r, struct sim_proc *p, child_exit_fn *on_exit)
{
	*c = (struct child){
		.reaper = r, .pid = p->pid, .pidfd = (int)p->serial, .on_exit = on_exit
	};
	list_append(&r->children, &c->link);
	p->tracker = c;
	bury(p);
}

static struct sim_proc *tracked(const struct child *c)
{
	return child_is_tracked(c) ? &proc[c->pidfd - 1] : NULL;
}

int child_spawn(struct child *c, struct reaper *r, const struct spawn *s, child_exit_fn *on_exit)
{
	struct sim_proc *rt;

	if (sim_fate("spawn", "", 50) == 0)
		return -EAGAIN;
	rt = sim_fork(SIM_RUNTIME, "", "");
	sim_runtime_begin(rt, s->argv);
	track(c, r, rt, on_exit);
	sim_after(sim_delay("runtime", rt->ct), sim_runtime_work, rt, rt->serial);
	return 0;
}

int child_fork(struct child *c, struct reaper *r, int (*body)(void *arg), void *arg,
	child_exit_fn *on_exit)
{
	(void)c;
	(void)r;
	(void)body;
	(void)arg;
	(void)on_exit;
	abort(); /* there is nothing to mount */
}

int child_adopt(struct child *c, struct reaper *r, pid_t pid, child_exit_fn *on_exit)
{
	for (unsigned i = 0; i < n_procs; i++)
		if (proc[i].pid == pid && !proc[i].is_reaped) {
			if (proc[i].tracker)
				return -EBUSY;
			track(c, r, &proc[i], on_exit);
			return 0;
		}
	return -ESRCH;
}

int child_adopt_pidfd(struct child *c, struct reaper *r, int pidfd, child_exit_fn *on_exit)
{
	(void)c;
	(void)r;
	(void)pidfd;
	(void)on_exit;
	abort(); /* this runtime hands none over */
}

int child_pid_of(int pidfd, pid_t *ret)
{
	(void)pidfd;
	(void)ret;
	abort();
}

void child_move(struct child *to, struct child *from, child_exit_fn *on_exit)
{
	(void)to;
	(void)from;
	(void)on_exit;
	abort(); /* nor a logger */
}

int child_signal(struct child *c, int signo)
{
	struct sim_proc *p = tracked(c);

	if (!p)
		return -ESRCH;
	if (signo == SIGKILL)
		sim_after(sim_delay("kill", p->ct) / 10, killed, p, p->serial);
	else if (signo == SIGTERM && sim_fate("term", p->ct, 2))
		sim_after(sim_delay("term", p->ct), terminated, p, p->serial);
	return 0;
}

void child_forget(struct child *c)
{
	struct sim_proc *p = tracked(c);

	if (!p)
		return;
	list_remove(&c->link);
	c->pidfd = -1;
	p->tracker = NULL;
	bury(p);
}

void reaper_hold(struct reaper *r)
{
	(void)r;
	holds++;
}

void reaper_release(struct reaper *r)
{
	holds--;
	reaper_sweep(r);
}

bool reaper_tracks(const struct reaper *r, pid_t pid)
{
	(void)r;
	(void)pid;
	abort(); /* a question among those that are replaced here */
}

void exit_status_decode(const siginfo_t *si, struct exit_status *ret)
{
	(void)si;
	(void)ret;
	abort();
}

void reaper_sweep(struct reaper *r)
{
	(void)r;
	for (unsigned i = 0; holds == 0 && i < n_procs; i++)
		if (!proc[i].tracker)
			bury(&proc[i]);
}

/* --- what the checks ask --- */

const struct sim_proc *sim_find(enum sim_kind kind, const char *of, const char *exec)
{
	for (unsigned i = n_procs; i-- > 0;)
		if (proc[i].kind == kind && strcmp(proc[i].ct, of) == 0 &&
			strcmp(proc[i].exec, exec) == 0)
			return &proc[i];
	return NULL;
}

size_t sim_unreaped(void)
{
	size_t n = 0;

	for (unsigned i = 0; i < n_procs; i++)
		n += !proc[i].is_reaped;
	return n;
}

int sim_holds(void)
{
	return holds;
}

void sim_world_reset(uint64_t new_seed)
{
	seed = new_seed;
	n_procs = 0;
	holds = 0;
	sim_runtime_reset();
	memset(asked, 0, sizeof(asked));
}
