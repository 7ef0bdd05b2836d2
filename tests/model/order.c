/* SPDX-License-Identifier: Apache-2.0 */

/*
 * order.c - what a client may count on, held against random lives of a pod.
 *
 *	order [SCRIPTS [FIRST-SEED [log]]]
 *
 * A script asks the service all sorts of things at all sorts of moments. Afterwards everything is
 * killed and deleted, and whatever has been said must make sense:
 *
 *	- every call is answered, once;
 *	- events: create, start, exit, delete; of an exec: added, started, exit; the exits of all
 *	  execs before that of the init; each exit once, and none without a start or create;
 *	- a reply comes after its event; a Wait's after the exit, with its code;
 *	- code and pid of an exit are those of that very process;
 *	- in the end there is nothing left: no process, no hold, no timer.
 *
 * A script that fails, or in which the product ends, is cut down to what is needed, and printed
 *with its seed. What the scripts have reached is counted: lives that get nowhere prove nothing.
 */

#include "base/log.h"
#include "proto/api/task.pb-c.h"
#include "shim/service.h"
#include "tests/model/script.h"
#include "tests/model/sim.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long, in simulated seconds, an answer may take: some deadlines and graces one after the
 * other. */
#define PATIENCE_S 5000.

static char dir[] = "/tmp/belay-model.XXXXXX";
static struct daemon d;

/* Valid until the next one. */
static const char *path_of(unsigned ct, const char *name)
{
	static char path[sizeof(dir) + 32];

	snprintf(path, sizeof(path), "%s/c%u/%s", dir, ct, name);
	return path;
}

/* --- what is asked --- */

static void ask_create(const char *id)
{
	Pb__CreateTaskRequest m = PB__CREATE_TASK_REQUEST__INIT;
	char bundle[sizeof(dir) + 8];

	snprintf(bundle, sizeof(bundle), "%s/%s", dir, id);
	m.id = (char *)(uintptr_t)id;
	m.bundle = bundle;
	sim_ask(&d, "Create", id, "", &m.base);
}

static void ask_exec(const char *id, const char *exec)
{
	Pb__ExecProcessRequest m = PB__EXEC_PROCESS_REQUEST__INIT;
	Pb__Any spec = PB__ANY__INIT;
	char text[] = "{\"args\":[\"x\"]}";

	spec.value.data = (uint8_t *)text;
	spec.value.len = strlen(text);
	m.id = (char *)(uintptr_t)id;
	m.exec_id = (char *)(uintptr_t)exec;
	m.spec = &spec;
	sim_ask(&d, "Exec", id, exec, &m.base);
}

static void ask_kill(const char *id, const char *exec, unsigned how)
{
	Pb__KillRequest m = PB__KILL_REQUEST__INIT;

	m.id = (char *)(uintptr_t)id;
	m.exec_id = (char *)(uintptr_t)exec;
	m.signal = how % 3 ? SIGKILL : SIGTERM;
	m.all = how % 5 == 0;
	sim_ask(&d, "Kill", id, exec, &m.base);
}

static void ask_update(const char *id)
{
	Pb__UpdateTaskRequest m = PB__UPDATE_TASK_REQUEST__INIT;
	Pb__Any resources = PB__ANY__INIT;
	char text[] = "{}";

	resources.value.data = (uint8_t *)text;
	resources.value.len = 2;
	m.id = (char *)(uintptr_t)id;
	m.resources = &resources;
	sim_ask(&d, "Update", id, "", &m.base);
}

static void ask_shutdown(const char *id)
{
	Pb__ShutdownRequest m = PB__SHUTDOWN_REQUEST__INIT;

	m.id = (char *)(uintptr_t)id;
	sim_ask(&d, "Shutdown", id, "", &m.base);
}

/* Start, Delete, Wait, State, Pause and Resume: an id and perhaps an exec, in these two fields. */
static void ask(const char *method, const char *id, const char *exec)
{
	Pb__StateRequest m = PB__STATE_REQUEST__INIT;

	m.id = (char *)(uintptr_t)id;
	m.exec_id = (char *)(uintptr_t)exec;
	sim_ask(&d, method, id, exec, &m.base);
}

static void take(const struct step *s)
{
	char id[] = { 'c', (char)('0' + s->ct), '\0' };
	char exec[] = { 'e', (char)('0' + s->exec), '\0' };

	switch (s->action) {
	case CREATE:
		ask_create(id);
		break;
	case EXEC:
		ask_exec(id, exec);
		break;
	case KILL:
		ask_kill(id, "", s->how);
		break;
	case KILL_EXEC:
		ask_kill(id, exec, s->how);
		break;
	case UPDATE:
		ask_update(id);
		break;
	case HANG_UP:
		sim_hang_up(s->how);
		break;
	case SHUTDOWN:
		ask_shutdown(id);
		break;
	case START_EXEC:
	case DELETE_EXEC:
	case WAIT_EXEC:
		ask(s->action == START_EXEC      ? "Start"
			: s->action == WAIT_EXEC ? "Wait"
						 : "Delete",
			id, exec);
		break;
	default:
		ask(action_name(s->action), id, "");
	}
}

/* --- a life --- */

static void pass(double seconds)
{
	bool is_over = false;
	double until = sim_now + seconds;

	while (!sim_reason()[0] && sim_now < until && !is_over)
		is_over = !sim_step();
	if (sim_now < until)
		sim_now = until;
}

/* A runtime that hangs would be waited for until somebody's patience ends. */
static void pass_until_answered(unsigned ct)
{
	char id[] = { 'c', (char)('0' + ct), '\0' };
	double until = sim_now + 30;

	while (!sim_reason()[0] && sim_now < until && sim_is_busy(id) && sim_step())
		;
}

static bool is_empty(void)
{
	return list_is_empty(&d.containers.all);
}

/* As containerd does with a pod that has to go. */
static void end_all(void)
{
	for (int round = 0;
		round < 20 && !sim_reason()[0] && !(is_empty() && sim_open_calls() == 0); round++) {
		for (unsigned i = 0; i < CTS && !sim_reason()[0]; i++) {
			struct step s = { .ct = i, .action = KILL, .how = 10 };

			take(&s);
			for (s.exec = 0; s.exec < EXECS; s.exec++) {
				s.action = KILL_EXEC;
				take(&s);
			}
			pass(1);
			s.action = DELETE_EXEC;
			for (s.exec = 0; s.exec < EXECS; s.exec++)
				take(&s);
			s.action = DELETE;
			take(&s);
		}
		pass(PATIENCE_S);
	}
}

static void check_end(void)
{
	sim_demand(is_empty(), "a container cannot be deleted", "", "");
	sim_demand(sim_open_calls() == 0, "a call was never answered", "", "");
	sim_demand(sim_unreaped() == 0, "a process was never reaped", "", "");
	sim_demand(sim_holds() == 0, "a hold was never released", "", "");
	sim_demand(sim_timers() == 0, "a timer runs on", "", "");
	checks_at_end();
}

static void begin(const struct script *s)
{
	checks_reset();
	sim_calls_reset();
	sim_time_reset();
	sim_world_reset(s->seed);
	memset(&d, 0, sizeof(d));
	containers_init(&d.containers);
	list_init(&d.reaper.children);
	list_init(&d.creates);
	d.observer = (struct observer){ service_exited, service_oom };
	d.containers.reaper = &d.reaper;
	d.containers.observer = &d.observer;
	d.containers.ns = "n";
	for (unsigned i = 0; i < CTS; i++)
		(void)unlink(path_of(i, "log.json"));
}

/* What a failed script leaves is not taken apart: it may be broken. */
static bool holds_for(const struct script *s)
{
	begin(s);
	for (size_t i = 0; i < s->n && !sim_reason()[0]; i++) {
		if (s->step[i].after_s < 0)
			pass_until_answered(s->step[i].ct);
		else
			pass(s->step[i].after_s);
		if (!sim_reason()[0])
			take(&s->step[i]);
	}
	end_all();
	pass(60); /* what was killed takes its time */
	check_end();
	if (!sim_reason()[0])
		containers_fini(&d.containers);
	return !sim_reason()[0];
}

/* --- many lives, each where it can do no harm --- */

#define BATCH         100
#define BATCH_LIMIT_S 100

/* Of the child that lives them; shared with it, so that a crash has a seed, too. */
struct verdict {
	uint64_t seed;
	char reason[256]; /* "": it held */
	unsigned long reached[N_REACHED];
};

static struct verdict *verdict;

static void judge(const struct script *s)
{
	verdict->seed = s->seed;
	if (holds_for(s))
		return;
	snprintf(verdict->reason, sizeof(verdict->reason), "%s", sim_reason());
	_exit(1); /* it may be broken: no destructor, no count of what is left */
}

/* Runs @body(@arg) in a process of its own, which an assertion of the product may end. */
static bool held(void (*body)(const void *arg), const void *arg)
{
	siginfo_t si = { 0 };
	pid_t pid;

	verdict->reason[0] = '\0';
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(BATCH_LIMIT_S);
		body(arg);
		exit(0); /* by way of a sanitizer that counts leaks */
	}
	if (pid < 0 || waitid(P_PID, (id_t)pid, &si, WEXITED) < 0)
		abort();
	if (si.si_code == CLD_EXITED && si.si_status == 0)
		return true;
	if (!verdict->reason[0])
		snprintf(verdict->reason, sizeof(verdict->reason), "%s %d",
			si.si_code == CLD_EXITED ? "ended with status" : "ended by signal",
			si.si_status);
	return false;
}

static void live_batch(const void *arg)
{
	const uint64_t *range = arg;

	for (uint64_t seed = range[0]; seed < range[1]; seed++) {
		struct script s = script_of(seed);

		judge(&s);
	}
}

static void live_one(const void *arg)
{
	judge(arg);
}

/* What it says while it is cut down, it has said. */
static void live_quietly(const void *arg)
{
	if (!freopen("/dev/null", "we", stderr))
		abort();
	judge(arg);
}

/* Leaves out a step at a time, as long as it still fails for that reason. */
static void shrink(struct script *s)
{
	char reason[24];

	snprintf(reason, sizeof(reason), "%.20s", verdict->reason);
	for (size_t i = s->n; i-- > 0;) {
		struct script less = *s;

		memmove(&less.step[i], &less.step[i + 1], (less.n - i - 1) * sizeof(less.step[0]));
		less.n--;
		if (!held(live_quietly, &less) &&
			strncmp(verdict->reason, reason, strlen(reason)) == 0)
			*s = less;
	}
}

static void report(uint64_t seed)
{
	struct script s = script_of(seed);

	printf("FAILED seed %llu: %s\n", (unsigned long long)seed, verdict->reason);
	if (held(live_quietly, &s)) {
		printf("not by itself: only after those before it\n");
		return;
	}
	shrink(&s);
	(void)held(live_one, &s);
	printf("in short: %s\n", verdict->reason);
	script_print(&s);
}

/* Scripts that get nowhere prove nothing. */
static bool is_enough(unsigned long n)
{
	bool ok = true;

	for (enum reached i = 0; i < N_REACHED; i++) {
		unsigned long least = reached_floor[i] * n / 10000;

		printf("%s %lu %s\n", verdict->reached[i] < least ? "FAILED only" : "  ",
			verdict->reached[i], reached_names[i]);
		ok = ok && verdict->reached[i] >= least;
	}
	return ok;
}

static void make_bundles(void)
{
	static const char config[] = "{\"process\":{\"args\":[\"x\"]}%s}";

	if (!mkdtemp(dir))
		abort();
	for (unsigned i = 0; i < CTS; i++) {
		FILE *f;

		if (mkdir(path_of(i, ""), 0700) < 0 ||
			!(f = fopen(path_of(i, "config.json"), "we")))
			abort();
		fprintf(f, config,
			i == 1 ? "" : ",\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}");
		fclose(f);
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static bool live_all(uint64_t first, unsigned long n)
{
	uint64_t range[] = { first, first };

	while (range[0] < first + n) {
		range[1] = range[0] + BATCH < first + n ? range[0] + BATCH : first + n;
		if (!held(live_batch, range)) {
			report(verdict->seed);
			return false;
		}
		range[0] = range[1];
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	bool ok;

	log_to(argc > 3 ? STDERR_FILENO : -1, LOG_DEBUG); /* the times in it are the real ones */
	setvbuf(stdout, NULL, _IOLBF, 0);
	verdict = mmap(
		NULL, sizeof(*verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (verdict == MAP_FAILED)
		abort();
	checks_count(verdict->reached);
	make_bundles();
	ok = live_all(first, n) && (n < BATCH || is_enough(n));
	if (ok)
		printf("ok %lu scripts from seed %llu\n", n, (unsigned long long)first);
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return !ok;
}
