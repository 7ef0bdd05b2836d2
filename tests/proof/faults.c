/* SPDX-License-Identifier: Apache-2.0 */

/*
 * faults - each call that may fail is made to fail, one after the other.
 *
 *	faults SHIM STEP [SCENE [KIND [N]]]
 *
 * A scene is the life of a container through the shim. It is played again and
 * again: the first time the first allocation or system call fails, then the
 * STEP-th after it, and so on until the scene has no more of them. An answer
 * may be a refusal. But there must be one; the shim must live; what was created
 * must be told to have ended; once the fault is over the container can be
 * deleted, and then the shim holds what it held before.
 */

#include "base/auto.h"
#include "process/runtime/features.h"
#include "tests/proof/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const sweep_kind_names[N_FAULT_KINDS] = { "allocations", "system calls" };

static long n_complaints;

static const char *const forever[] = { MAYFLY, "-", "-", "0", "-1", NULL };
static const char *const at_once[] = { MAYFLY, "-", "-", "7", "0", NULL };
static const char *const really_forever[] = { "/mayfly", "-", "-", "0", "-1", NULL };
static const char *const really_at_once[] = { "/mayfly", "-", "-", "7", "0", NULL };

void sweep_complain(struct sweep *s, const char *what)
{
	fprintf(stderr, "%s, %s %ld, which is a %s: %s\n", s->scene,
		s->faults->kind == FAULT_MEMORY ? "allocation" : "call", s->n,
		s->faults->hit[0] ? s->faults->hit : "(not reached)", what);
	n_complaints++;
	if (s->stage.has_ended)
		stage_broken(&s->stage, "the shim ended with status %d", s->stage.end.code);
	s->n_begun = s->n_ended = 0;
	s->before = holdings_of(s->stage.daemon.pid);
	s->cgroups_before = count_cgroups(&s->stage);
}

/* --- calls, of which any may be refused --- */

/* False: it was not answered with what was asked for. */
static bool over(struct sweep *s, struct ask *a)
{
	bool ok = ask_await(&s->stage.caller, a);

	s->n_refused += !ok;
	s->is_closed |= !ok && strcmp(a->err.msg, "ttrpc: closed") == 0;
	ask_fini(a);
	return ok;
}

static bool attempt(struct sweep *s, const char *method, const char *exec)
{
	struct ask a;

	if (s->is_closed)
		return false;
	ask_begin_of(&s->stage.caller, &a, method, s->vessel.id, exec, NULL);
	return over(s, &a);
}

static bool attempt_kill(struct sweep *s)
{
	struct ask a;

	if (s->is_closed)
		return false;
	ask_begin_kill(&s->stage.caller, &a, s->vessel.id, "", SIGKILL);
	return over(s, &a);
}

static void attempt_exec(struct sweep *s)
{
	struct ask a;

	if (s->is_closed)
		return;
	ask_begin_exec(&s->stage.caller, &a, s->vessel.id, "e",
		s->vessel.real ? really_at_once : at_once, NULL);
	if (over(s, &a) && attempt(s, "Start", "e"))
		(void)attempt(s, "Wait", "e");
	(void)attempt(s, "Delete", "e");
}

/* Its connection is what may fail. */
static void attempt_visit(struct sweep *s)
{
	struct caller passing = s->stage.caller;

	if (s->stage.has_ended)
		return;
	caller_open(&passing, s->stage.loop, s->stage.socket);
	(void)ask_of(&passing, "State", s->vessel.id, "", NULL);
	caller_close(&passing);
}

static void attempt_update(struct sweep *s)
{
	struct ask a;

	if (s->is_closed)
		return;
	ask_begin_update(&s->stage.caller, &a, s->vessel.id);
	(void)over(s, &a);
}

/* Of a real container it needs criu. */
static void attempt_checkpoint(struct sweep *s)
{
	struct ask a;

	if (s->is_closed || s->vessel.real)
		return;
	ask_begin_checkpoint(&s->stage.caller, &a, s->vessel.id, s->stage.dir);
	(void)over(s, &a);
}

/* The same of both containers, at a time. False: one was refused. */
static bool attempt_both(struct sweep *s, const char *method)
{
	struct ask a, b;
	bool ok;

	if (s->is_closed)
		return false;
	ask_begin_of(&s->stage.caller, &a, method, s->vessel.id, "", NULL);
	ask_begin_of(&s->stage.caller, &b, method, s->other.id, "", NULL);
	ok = over(s, &a);
	return over(s, &b) && ok;
}

/* Those of a pod that are made, started and deleted side by side. */
static void play_two(struct sweep *s)
{
	struct ask a, b;
	bool ok;

	ask_begin_create(&s->stage.caller, &a, &s->vessel);
	ask_begin_create(&s->stage.caller, &b, &s->other);
	ok = over(s, &a);
	if (!over(s, &b) || !ok || !attempt_both(s, "Start"))
		return;
	ask_begin_kill(&s->stage.caller, &a, s->vessel.id, "", SIGKILL);
	ask_begin_kill(&s->stage.caller, &b, s->other.id, "", SIGKILL);
	ok = over(s, &a);
	if (over(s, &b) && ok && attempt_both(s, "Wait"))
		(void)attempt_both(s, "Delete");
}

static void play_life(struct sweep *s)
{
	struct ask a;

	if (s->other.id[0]) {
		play_two(s);
		return;
	}

	ask_begin_create(&s->stage.caller, &a, &s->vessel);
	if (!over(s, &a))
		return;
	if (!attempt(s, "Start", ""))
		return;
	(void)attempt(s, "Pids", "");
	attempt_exec(s);
	attempt_visit(s);
	(void)attempt(s, "Pause", "");
	(void)attempt(s, "Resume", "");
	attempt_update(s);
	attempt_checkpoint(s);
	if (s->vessel.real)
		(void)attempt(s, "Stats", "");
	if (attempt_kill(s))
		(void)attempt(s, "Wait", "");
	(void)attempt(s, "Delete", "");
}

/* --- and what must be so afterwards --- */

/*
 * An event whose answer was lost is told again. Each of those that are counted
 * has a pid, so that no two are alike.
 */
static bool is_told_again(struct sweep *s, const Pb__Any *any)
{
	bool again =
		any->value.len == s->last_len && memcmp(any->value.data, s->last, s->last_len) == 0;

	s->last_len = any->value.len < sizeof(s->last) ? any->value.len : 0;
	memcpy(s->last, any->value.data, s->last_len);
	s->n_again += again;
	return again;
}

static void on_event(struct stage *stage, const char *topic, const Pb__Any *any)
{
	struct sweep *s = container_of(stage, struct sweep, stage);

	if (strcmp(topic, "/tasks/create") != 0 && strcmp(topic, "/tasks/exec-started") != 0 &&
		strcmp(topic, "/tasks/exit") != 0)
		return;
	if (is_told_again(s, any))
		return;
	s->n_begun +=
		strcmp(topic, "/tasks/create") == 0 || strcmp(topic, "/tasks/exec-started") == 0;
	s->n_ended += strcmp(topic, "/tasks/exit") == 0;
}

#define WHY 192

static bool is_as_before(const struct sweep *s, char why[WHY])
{
	struct holdings now = holdings_of(s->stage.daemon.pid);
	const struct holdings *was = &s->before;

	long cgroups = count_cgroups(&s->stage);

	snprintf(why, WHY,
		"descriptors %ld, now %ld; children %ld, now %ld; mounts %ld, now %ld; "
		"control groups %ld, now %ld",
		was->fds, now.fds, was->children, now.children, was->mounts, now.mounts,
		s->cgroups_before, cgroups);
	return cgroups == s->cgroups_before && now.fds == was->fds &&
	       now.children == was->children && now.mounts == was->mounts;
}

static void reconnect(struct sweep *s)
{
	s->n_closed++;
	s->is_closed = false;
	caller_close(&s->stage.caller);
	caller_open(&s->stage.caller, s->stage.loop, s->stage.socket);
}

static void clean_up(struct sweep *s, const char *id)
{
	struct caller *c = &s->stage.caller;
	struct err e;

	if (s->is_closed)
		reconnect(s);
	/* A client whose reply was lost finds out like this. */
	if (!ask_of(c, "State", id, "", &e)) {
		if (e.status != STATUS_NOT_FOUND)
			sweep_complain(s, e.msg);
		return;
	}
	(void)ask_kill(c, id, "", SIGCONT, NULL); /* the fake runtime pauses with SIGSTOP */
	(void)ask_kill(c, id, "", SIGKILL, NULL);
	/* A Delete whose client was lost may have been faster. */
	if ((!ask_of(c, "Wait", id, "", &e) || !ask_of(c, "Delete", id, "", &e)) &&
		e.status != STATUS_NOT_FOUND)
		sweep_complain(s, e.msg);
}

static void clean_up_all(struct sweep *s)
{
	clean_up(s, s->vessel.id);
	if (s->other.id[0])
		clean_up(s, s->other.id);
}

/*
 * Events and the ends of what was killed are on their way; so may be a Create whose client was
 * lost, and nobody but we would delete what it makes.
 */
static void await_as_before(struct sweep *s)
{
	char why[WHY];

	for (int i = 0; i < 3000; i++) {
		if (s->n_begun == s->n_ended && is_as_before(s, why))
			return;
		if (s->stage.has_ended)
			break;
		if (i % 100 == 99)
			clean_up_all(s);
		ev_run(s->stage.loop, EVRUN_NOWAIT);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	if (s->n_begun != s->n_ended)
		snprintf(why, sizeof(why), "%ld processes were told to begin, %ld to end",
			s->n_begun, s->n_ended);
	sweep_complain(s, why);
}

/* What runtimes said of themselves: so that they are asked again. */
static void forget_features(void)
{
	DIR *d = opendir(FEATURES_CACHE_DIR);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(d), entry->d_name, 0); /* or a folder, which stays */
	if (d)
		closedir(d);
}

void sweep_arm(struct sweep *s, enum fault_kind kind)
{
	s->faults->kind = kind;
	s->faults->count = 0;
	s->faults->at = s->n;
	s->faults->hit[0] = '\0';
	s->faults->is_armed = true;
}

static void prepare_vessels(const struct sweep *s)
{
	vessel_prepare(&s->vessel);
	if (s->other.id[0])
		vessel_prepare(&s->other);
}

/* Returns false if the scene had no n-th call. */
static bool play_with_fault(struct sweep *s, enum fault_kind kind)
{
	struct err e;

	prepare_vessels(s);
	forget_features();
	sweep_arm(s, kind);
	play_life(s);
	s->faults->is_armed = false;
	clean_up_all(s);
	if (!ask_of(&s->stage.caller, "State", "neighbour", "", &e))
		sweep_complain(s, e.msg);
	await_as_before(s);
	return s->faults->hit[0] != '\0';
}

/* --- scenes --- */

struct scene {
	const char *name;
	bool mounts, terminal, fifo, logger, two;
	const char *real; /* NULL, or a runtime in $PATH: control groups, and what watches them */
};

static const struct scene scenes[] = {
	{ .name = "mounts and FIFOs", .mounts = true, .fifo = true },
	{ .name = "terminal", .terminal = true, .fifo = true },
	{ .name = "logger", .logger = true },
	{ .name = "two at a time", .mounts = true, .fifo = true, .two = true },
	{ .name = "control groups", .mounts = true, .real = "crun" },
};

static void set_scene(struct sweep *s, const struct scene *scene)
{
	static char in[128], out[256];

	s->scene = scene->name;
	s->reader = -1;
	s->vessel = (struct vessel){ .dir = s->stage.dir,
		.argv = scene->real ? really_forever : forever,
		.real = scene->real,
		.id = "c",
		.lower = scene->mounts ? "lower" : NULL,
		.terminal = scene->terminal };
	if (scene->two)
		s->other = (struct vessel){
			.dir = s->stage.dir, .argv = forever, .id = "d", .terminal = true
		};
	if (scene->real)
		stage_furnish(&s->stage);
	if (scene->fifo) {
		snprintf(in, sizeof(in), "%s/in", s->stage.dir);
		snprintf(out, sizeof(out), "%s/out", s->stage.dir);
		if (mkfifo(in, 0600) < 0 || mkfifo(out, 0600) < 0)
			give_up("FIFOs: %s", strerror(errno));
		s->reader =
			open(out, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* or Create waits for one */
		s->vessel.in = in;
		s->vessel.out = out;
	}
	if (scene->logger) {
		snprintf(out, sizeof(out), "binary://%s?file=/dev/null", FAKE_LOGGER);
		s->vessel.out = out;
	}
}

void sweep_lost(struct caller *c)
{
	struct sweep *s = c->user;

	sweep_complain(s, "a call is stuck");
	stage_broken(&s->stage, "it was");
}

static void create_neighbour(struct sweep *s)
{
	struct ask a;

	s->neighbour = (struct vessel){ .dir = s->stage.dir, .argv = forever, .id = "neighbour" };
	vessel_prepare(&s->neighbour);
	ask_begin_create(&s->stage.caller, &a, &s->neighbour);
	if (!ask_await(&s->stage.caller, &a))
		stage_broken(&s->stage, "%s: %s", a.about, a.err.msg);
	ask_fini(&a);
	if (!ask_of(&s->stage.caller, "Start", "neighbour", "", NULL))
		stage_broken(&s->stage, "the neighbour does not start");
}

static void end_neighbour(struct sweep *s)
{
	struct caller *c = &s->stage.caller;
	struct err e;

	if (!ask_kill(c, "neighbour", "", SIGKILL, &e) || !ask_of(c, "Wait", "neighbour", "", &e) ||
		!ask_of(c, "Delete", "neighbour", "", &e))
		sweep_complain(s, e.msg);
}

/* The first time round fills what is kept. */
static void warm_up(struct sweep *s)
{
	s->n = 0;
	create_neighbour(s);
	prepare_vessels(s);
	play_life(s);
	if (s->n_refused > 0)
		stage_broken(&s->stage, "%s: refused without a fault", s->scene);
	while (s->n_begun != s->n_ended + 1)
		ev_run(s->stage.loop, EVRUN_ONCE);
	s->n_begun = s->n_ended = 0;
	/* By its answer to this one the client that has left is gone. */
	(void)ask_of(&s->stage.caller, "State", "nobody", "", NULL);
	s->before = holdings_of(s->stage.daemon.pid);
	s->cgroups_before = count_cgroups(&s->stage);
}

static void sweep_scene(struct sweep *s, const struct scene *scene, enum fault_kind kind, long step)
{
	*s = (struct sweep){ .faults = s->faults, .stage.shim = s->stage.shim };
	stage_prepare(&s->stage, s->stage.shim);
	s->stage.on_event = on_event;
	s->stage.caller.on_lost = sweep_lost;
	s->stage.caller.user = s;
	stage_start(&s->stage);
	set_scene(s, scene);
	warm_up(s);
	s->n = 1;
	while (play_with_fault(s, kind))
		s->n += step;
	printf("%-18s each %ld. of %ld %s failed: %ld calls refused, %ld connections lost, %ld "
	       "events told again\n",
		scene->name, step, (long)s->faults->count, sweep_kind_names[kind], s->n_refused,
		s->n_closed, s->n_again);
	fflush(stdout);
	s->faults->looks_for_leaks = true;
	attempt_visit(s);
	s->faults->looks_for_leaks = false;
	if (s->faults->n_leaks > 0)
		sweep_complain(s, "memory has leaked");
	s->faults->n_leaks = 0;
	end_neighbour(s);
	stage_close(&s->stage);
	fd_drop(&s->reader);
	(void)unlink("in");
	(void)unlink("out");
}

int main(int argc, char **argv)
{
	struct sweep s = { .faults = stage_share(FAULTS_ENV, sizeof(*s.faults)) };

	if (argc < 3)
		give_up("usage: faults SHIM STEP, by way of tests/proof/run");
	s.stage.shim = argv[1];
	before_broken = stage_thaw;
	for (int kind = 0; kind < N_FAULT_KINDS && argc == 3; kind++) {
		sweep_births(&s, (enum fault_kind)kind);
		sweep_programs(&s, (enum fault_kind)kind);
	}
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		for (int kind = 0; kind < N_FAULT_KINDS; kind++)
			if (scenes[i].real && !getenv("PROOF_REAL"))
				printf("SKIPPED faults, %s: there is no %s\n", scenes[i].name,
					scenes[i].real);
			else if (argc == 3 ||
				 strtol(argv[3], NULL, 10) == (long)i * N_FAULT_KINDS + kind)
				sweep_scene(&s, &scenes[i], (enum fault_kind)kind,
					strtol(argv[2], NULL, 10));
	return n_complaints ? PROOF_BROKEN : 0;
}
