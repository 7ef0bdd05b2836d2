/* SPDX-License-Identifier: Apache-2.0 */

/*
 * measure.c - one shim, one container.
 */

#include "tests/bench/measure.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>

/* Nobody in the container cares about it. */
#define HARMLESS_SIGNAL SIGWINCH

/* Kill, Pause and Resume of the stock shim run the runtime, so fewer of them. */
#define SLOW_CALLS 5

static double number_after(const char *text, const char *key)
{
	const char *at = text ? strstr(text, key) : NULL;

	return at ? strtod(at + strlen(key), NULL) : 0;
}

static double read_number(const struct guest *g, const char *file, const char *key)
{
	auto_buf struct buf text = BUF_INIT(64 * 1024);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)g->daemon.pid, file);
	if (fd_read_file(AT_FDCWD, path, &text) < 0)
		bench_give_up("%s cannot be read", path);
	return number_after(buf_text(&text), key);
}

struct memory memory_of(const struct guest *g)
{
	return (struct memory){
		.pss = read_number(g, "smaps_rollup", "\nPss:"),
		.anon = read_number(g, "smaps_rollup", "\nAnonymous:"),
		.threads = read_number(g, "status", "\nThreads:"),
	};
}

int64_t cpu_ns_of(const struct guest *g)
{
	struct timespec ts = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(g->daemon.pid, &clock) == 0)
		clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The same call over and over; the median, and the shim's CPU time for each. */
static void measure_call(
	struct guest *g, const struct inmate *i, const char *method, size_t n, struct samples *ret)
{
	struct samples us = { .n = 0 };
	int64_t cpu;

	for (size_t k = 0; k < 16; k++)
		(void)guest_ask_of(g, method, i->id, NULL);
	cpu = cpu_ns_of(g);
	for (size_t k = 0; k < n; k++) {
		double ms = guest_ask_of(g, method, i->id, NULL);

		samples_add(&us, ms * 1000);
	}
	samples_add(&ret[0], samples_median(&us));
	samples_add(&ret[1], (double)(cpu_ns_of(g) - cpu) / 1000 / (double)n);
}

static void measure_signals(struct guest *g, const struct inmate *i, struct subject *s)
{
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;

	req.id = (char *)i->id;
	req.signal = HARMLESS_SIGNAL;
	for (size_t k = 0; k < SLOW_CALLS; k++) {
		samples_add(&s->of[FIGURE_KILL], guest_ask(g, "Kill", &req.base));
		samples_add(&s->of[FIGURE_PAUSE], guest_ask_of(g, "Pause", i->id, NULL));
		samples_add(&s->of[FIGURE_RESUME], guest_ask_of(g, "Resume", i->id, NULL));
	}
}

static double own_ms(struct bench *b, double all)
{
	double own = all - bench_runtime_ms(b);

	bench_clear_timings(b);
	return own;
}

static void measure_exec(struct guest *g, const struct inmate *i, struct subject *s)
{
	for (size_t k = 0; k < SLOW_CALLS; k++) {
		double took;

		bench_clear_timings(g->b);
		took = guest_exec(g, i, "e", "/bin/true");
		samples_add(&s->of[FIGURE_EXEC], own_ms(g->b, took));
		(void)guest_ask_of(g, "Wait", i->id, "e");
		(void)guest_ask_of(g, "Delete", i->id, "e");
	}
}

/* The kernel's own news: what anybody sees who polls a pidfd of the init. */
struct death {
	ev_io watcher;
	int64_t at_ns;
	bool is_over;
};

static void on_death(struct ev_loop *loop, ev_io *w, int revents)
{
	struct death *d = container_of(w, struct death, watcher);

	(void)revents;
	d->at_ns = clock_mono_ns();
	d->is_over = true;
	ev_io_stop(loop, w);
}

static void measure_exit(struct guest *g, const struct inmate *i, struct subject *s)
{
	struct bench *b = g->b;
	struct death d = { .is_over = false };
	struct asked wait = { 0 };
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;
	auto_fd int pidfd = pidfd_open(i->pid, 0);
	int64_t began;

	if (pidfd < 0)
		bench_give_up("%s: pidfd_open: %s", i->id, strerror(errno));
	req.id = (char *)i->id;
	guest_ask_begin(g, &wait, "Wait", &req.base);
	(void)guest_ask_of(g, "State", i->id, NULL); /* so that the Wait has arrived */
	ev_io_init(&d.watcher, on_death, pidfd, EV_READ);
	ev_io_start(b->loop, &d.watcher);
	b->has_exit_event = false;
	began = clock_mono_ns();
	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	bench_run_until(b, &d.is_over, "death");
	(void)guest_ask_end(g, &wait);
	bench_run_until(b, &b->has_exit_event, "exit event");
	samples_add(&s->of[FIGURE_EXIT_KERNEL], (double)(d.at_ns - began) / 1e6);
	samples_add(&s->of[FIGURE_EXIT_WAIT], (double)(wait.ended_ns - d.at_ns) / 1e6);
	samples_add(&s->of[FIGURE_EXIT_EVENT], (double)(b->exit_event_ns - d.at_ns) / 1e6);
}

static void measure_memory(const struct guest *g, struct subject *s)
{
	struct memory m = memory_of(g);

	samples_add(&s->of[FIGURE_ANON], m.anon);
	samples_add(&s->of[FIGURE_THREADS], m.threads);
}

void measure_life(struct bench *b, struct subject *s, size_t n_calls)
{
	struct guest g;
	struct inmate i;
	double took;

	guest_start(&g, b, s->path);
	samples_add(&s->of[FIGURE_START], g.start_ms);
	bench_clear_timings(b);
	took = guest_create(&g, &i, "exec sleep 1000000", NULL);
	samples_add(&s->of[FIGURE_CREATE], own_ms(b, took));
	took = guest_ask_of(&g, "Start", i.id, NULL);
	samples_add(&s->of[FIGURE_START_TASK], own_ms(b, took));
	measure_memory(&g, s);
	measure_call(&g, &i, "State", n_calls, &s->of[FIGURE_STATE]);
	measure_call(&g, &i, "Stats", n_calls / 4, &s->of[FIGURE_STATS]);
	measure_signals(&g, &i, s);
	measure_exec(&g, &i, s);
	measure_exit(&g, &i, s);
	bench_clear_timings(b);
	took = guest_ask_of(&g, "Delete", i.id, NULL);
	samples_add(&s->of[FIGURE_DELETE], own_ms(b, took));
	guest_end(&g);
}
