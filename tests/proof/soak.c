/* SPDX-License-Identifier: Apache-2.0 */

/*
 * soak - one shim that serves for long is at the end what it was at the beginning.
 *
 *	soak SHIM RUNTIME STATES EXECS CONTAINERS IDLE_SECONDS
 *
 * RUNTIME is "fake", whose containers cost next to nothing, or one in $PATH. The
 * three are done in SLICES slices each, after a warm-up of one; after each
 * slice the shim holds what it held before: descriptors (sockets, ptys and
 * inotify among them), children, mounts, control groups, and no zombie. Its
 * anonymous memory may waver, but not rise: the slope is told. Then it is left
 * alone, and must not run at all.
 */

#include "base/attr.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/fd.h"
#include "tests/proof/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SLICES 20

/* What the mean of the last quarter may be above that of the first: arenas waver by a few pages. */
#define RISE_MAX_KIB 48

/* What a thousand may cost, by the slope over all slices, where a page or two are not most of it.
 */
#define SLOPE_MAX_KIB 4.
#define SLOPE_LEAST_N 5000

struct soak {
	struct stage stage;
	struct vessel base, guest;
	const char *const *at_once; /* what an exec runs */
	long done;                  /* makes names */
	int reader;                 /* of the stdout of every other exec, as of a health check */
};

/* What lives for ever, and what ends at once; on the host, and in a container. */
static const char *const fake_forever[] = { MAYFLY, "-", "-", "0", "-1", NULL };
static const char *const fake_at_once[] = { MAYFLY, "-", "-", "7", "0", NULL };
static const char *const real_forever[] = { "/mayfly", "-", "-", "0", "-1", NULL };
static const char *const real_at_once[] = { "/mayfly", "-", "-", "7", "0", NULL };

static void must(struct soak *s, const char *method, const char *id, const char *exec)
{
	struct err e;

	if (!ask_of(&s->stage.caller, method, id, exec, &e))
		stage_broken(&s->stage, "%s %s %s: %s", method, id, exec, e.msg);
}

static void must_end(struct soak *s, struct ask *a)
{
	if (!ask_await(&s->stage.caller, a))
		stage_broken(&s->stage, "%s: %s", a->about, a->err.msg);
	ask_fini(a);
}

static void create(struct soak *s, struct vessel *v)
{
	struct ask a;

	vessel_prepare(v);
	ask_begin_create(&s->stage.caller, &a, v);
	must_end(s, &a);
	must(s, "Start", v->id, "");
}

static void end(struct soak *s, const struct vessel *v)
{
	if (!ask_kill(&s->stage.caller, v->id, "", SIGKILL, NULL))
		stage_broken(&s->stage, "Kill %s", v->id);
	must(s, "Wait", v->id, "");
	must(s, "Delete", v->id, "");
}

/* --- what is done over and over --- */

static void do_state(struct soak *s)
{
	struct caller passing = { .patience_s = s->stage.caller.patience_s };

	must(s, "State", "base", "");
	if (s->done++ % 1000)
		return;
	caller_open(&passing, s->stage.loop, s->stage.socket);
	if (!ask_of(&passing, "State", "base", "", NULL))
		stage_broken(&s->stage, "State of a passing client");
	caller_close(&passing);
}

static void do_exec(struct soak *s)
{
	char out[sizeof(s->stage.dir) + 8];
	struct ask a;

	snprintf(out, sizeof(out), "%s/out", s->stage.dir);
	ask_begin_exec(&s->stage.caller, &a, "base", "e", s->at_once, s->done++ % 2 ? out : NULL);
	must_end(s, &a);
	must(s, "Start", "base", "e");
	must(s, "Wait", "base", "e");
	must(s, "Delete", "base", "e");
}

/* With a rootfs to mount, and every other one with a terminal. */
static void do_container(struct soak *s)
{
	s->guest.terminal = s->done++ % 2;
	create(s, &s->guest);
	end(s, &s->guest);
}

/* --- and what becomes of the shim --- */

static void check_same(struct soak *s, const char *what, long before, long now)
{
	if (now != before)
		stage_broken(&s->stage, "%s: %ld before, %ld now", what, before, now);
}

/* What is on its way out, such as a client's descriptor, is given a moment: a State of it. */
static struct holdings settled(struct soak *s)
{
	must(s, "State", "base", "");
	return holdings_of(s->stage.daemon.pid);
}

static void check_holdings(struct soak *s, const struct holdings *before, long cgroups)
{
	struct holdings now = settled(s);

	check_same(s, "descriptors", before->fds, now.fds);
	check_same(s, "children", before->children, now.children);
	check_same(s, "zombies", 0, now.zombies);
	check_same(s, "mounts", before->mounts, now.mounts);
	check_same(s, "control groups", cgroups, count_cgroups(&s->stage));
}

/* In KiB for each step; by least squares. */
static double slope(const double *y)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0;

	for (int i = 0; i < SLICES; i++) {
		sx += i;
		sy += y[i];
		sxx += (double)i * i;
		sxy += i * y[i];
	}
	return (SLICES * sxy - sx * sy) / (SLICES * sxx - sx * sx);
}

static double mean(const double *y, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += y[i];
	return sum / n;
}

static double cpu_s(pid_t pid)
{
	struct timespec ts = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void soak(struct soak *s, const char *what, void (*once)(struct soak *s), long n)
{
	struct holdings before;
	double kib[SLICES], rise, cpu;
	long cgroups;
	int64_t began;

	for (long i = 0; i < n / SLICES; i++)
		once(s);
	before = settled(s);
	cgroups = count_cgroups(&s->stage);
	cpu = cpu_s(s->stage.daemon.pid);
	began = clock_mono_ns();
	for (int slice = 0; slice < SLICES; slice++) {
		for (long i = 0; i < n / SLICES; i++)
			once(s);
		check_holdings(s, &before, cgroups);
		kib[slice] = (double)holdings_of(s->stage.daemon.pid).anon_kib;
	}
	cpu = cpu_s(s->stage.daemon.pid) - cpu;
	rise = mean(kib + SLICES * 3 / 4, SLICES / 4) - mean(kib, SLICES / 4);
	printf("%8ld %-10s %6.1f s, %7.1f us of the shim's CPU each; %ld descriptors, %ld groups, "
	       "%.0f KiB, slope %+.3f KiB per 1000\n",
		n, what, (double)(clock_mono_ns() - began) / 1e9, cpu * 1e6 / (double)n, before.fds,
		cgroups, kib[SLICES - 1], slope(kib) * SLICES * 1000 / (double)n);
	fflush(stdout);
	if (n >= SLOPE_LEAST_N && slope(kib) * SLICES * 1000 / (double)n > SLOPE_MAX_KIB)
		stage_broken(&s->stage, "%s: anonymous memory rises", what);
	if (rise > RISE_MAX_KIB)
		stage_broken(&s->stage, "%s: anonymous memory has risen by %.0f KiB", what, rise);
}

static void on_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(loop, EVBREAK_ONE);
}

static void let_pass(struct soak *s, double seconds)
{
	ev_timer timer;

	ev_timer_init(&timer, on_over, seconds, 0.);
	ev_now_update(s->stage.loop);
	ev_timer_start(s->stage.loop, &timer);
	ev_run(s->stage.loop, 0);
	ev_timer_stop(s->stage.loop, &timer);
}

/* What the last operation left to do, such as giving memory back, is over within two seconds. */
static void idle(struct soak *s, double seconds)
{
	struct holdings before, after;

	let_pass(s, 2.);
	before = holdings_of(s->stage.daemon.pid);
	let_pass(s, seconds);
	after = holdings_of(s->stage.daemon.pid);
	printf("%8.0f s idle: %ld switches to the shim\n", seconds,
		after.sleeps - before.sleeps + after.preemptions - before.preemptions);
	check_same(s, "sleeps of an idle shim", before.sleeps, after.sleeps);
	check_same(s, "preemptions of an idle shim", before.preemptions, after.preemptions);
}

static void choose_runtime(struct soak *s, const char *runtime)
{
	bool is_fake = !strcmp(runtime, "fake");
	struct vessel v = { .dir = s->stage.dir,
		.argv = is_fake ? fake_forever : real_forever,
		.real = is_fake ? NULL : runtime,
		.lower = "lower" };

	s->at_once = is_fake ? fake_at_once : real_at_once;
	s->base = s->guest = v;
	snprintf(s->base.id, sizeof(s->base.id), "base");
	snprintf(s->guest.id, sizeof(s->guest.id), "guest");
	if (!is_fake)
		stage_furnish(&s->stage);
}

int main(int argc, char **argv)
{
	struct soak s = { .done = 0 };

	if (argc != 7)
		give_up("usage: soak SHIM RUNTIME STATES EXECS CONTAINERS IDLE_SECONDS, by way of "
			"tests/proof/run");
	stage_open(&s.stage, argv[1]);
	choose_runtime(&s, argv[2]);
	if (mkfifo("out", 0600) < 0)
		give_up("out: %s", strerror(errno));
	s.reader = open("out", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	create(&s, &s.base);
	printf("%s\n", argv[2]);
	soak(&s, "State", do_state, strtol(argv[3], NULL, 10));
	soak(&s, "exec", do_exec, strtol(argv[4], NULL, 10));
	soak(&s, "container", do_container, strtol(argv[5], NULL, 10));
	idle(&s, strtod(argv[6], NULL));
	end(&s, &s.base);
	if (s.base.real)
		check_same(&s, "control groups in the end", 0, count_cgroups(&s.stage));
	fd_drop(&s.reader);
	stage_close(&s.stage);
	return 0;
}
