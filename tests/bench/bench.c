/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bench.c - the ground the guests stand on: the loop, the ear for events, and
 * programs that are run and timed.
 */

#include "base/auto.h"
#include "base/clock.h"
#include "proto/api/events.pb-c.h"
#include "shim/socket.h"
#include "tests/bench/guest.h"
#include "tests/bench/timed_runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Runs of the timing program by itself, of which the median counts. */
#define BARE_RUNS 41

void bench_give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bench: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

struct patience {
	ev_timer timer;
	bool is_over;
};

static void on_impatient(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	container_of(timer, struct patience, timer)->is_over = true;
}

void bench_run_until(struct bench *b, const bool *flag, const char *what)
{
	struct patience p = { .is_over = false };

	ev_timer_init(&p.timer, on_impatient, BENCH_PATIENCE_S, 0.);
	ev_now_update(b->loop);
	ev_timer_start(b->loop, &p.timer);
	while (!*flag && !p.is_over)
		ev_run(b->loop, EVRUN_ONCE);
	ev_timer_stop(b->loop, &p.timer);
	if (!*flag)
		bench_give_up("no %s in %.0f s", what, BENCH_PATIENCE_S);
}

static const Pb__Empty nothing = PB__EMPTY__INIT;

static void on_forward(struct call *c)
{
	struct bench *b = call_user(c);
	int64_t now = clock_mono_ns();
	Pb__ForwardRequest *req = call_unpack(c, &pb__forward_request__descriptor);

	if (!req || !req->envelope)
		bench_give_up("what kind of event is that?");
	if (strcmp(req->envelope->topic, "/tasks/exit") == 0) {
		b->has_exit_event = true;
		b->exit_event_ns = now;
	}
	message_free(&req->base);
	call_reply(c, &nothing.base);
}

static const struct server_method ear_methods[] = { { "Forward", on_forward }, { NULL, NULL } };
static const struct server_service ear_services[] = {
	{ "containerd.services.events.ttrpc.v1.Events", ear_methods },
	{ NULL, NULL },
};

static void open_ear(struct bench *b)
{
	struct err e = ERR_INIT;
	int fd;

	snprintf(b->ear_path, sizeof(b->ear_path), "%s/events", b->dir);
	if (socket_listen(b->ear_path, &fd, &e) < 0)
		bench_give_up("%s", e.msg);
	if (server_init(&b->ear, b->loop, fd, ear_services, b) < 0)
		bench_give_up("no server");
	setenv("TTRPC_ADDRESS", b->ear_path, 1);
	setenv("GOMAXPROCS", "2", 1); /* as containerd sets it for every shim */
}

struct running {
	struct child child;
	int code;
	int64_t ended_ns;
	bool is_over;
};

static void on_ran(struct child *c, const struct exit_status *st)
{
	struct running *r = container_of(c, struct running, child);

	r->ended_ns = clock_mono_ns();
	r->code = st->code;
	r->is_over = true;
}

double bench_run_program(struct bench *b, const char *const *argv, int output, int *ret_code)
{
	struct running r = { .child = CHILD_NONE };
	struct spawn spawn = { .argv = argv, .stdio = { -1, output, output } };
	int64_t began = clock_mono_ns();

	if (child_spawn(&r.child, &b->reaper, &spawn, on_ran) < 0)
		bench_give_up("cannot run %s", argv[0]);
	bench_run_until(b, &r.is_over, "end of the program");
	*ret_code = r.code;
	return (double)(r.ended_ns - began) / 1e6;
}

void bench_clear_timings(struct bench *b)
{
	if (ftruncate(b->timings, 0) < 0)
		bench_give_up("%s: %s", TIMED_LOG, strerror(errno));
}

double bench_runtime_ms(struct bench *b)
{
	struct timed_record rec;
	double sum = 0;

	for (off_t at = 0; pread(b->timings, &rec, sizeof(rec), at) == sizeof(rec);
		at += (off_t)sizeof(rec))
		sum += (double)(rec.ended_ns - rec.began_ns) / 1e6 + b->bare_ms;
	return sum;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

/* The timing program runs nothing worth speaking of: what is left is the cost of itself. */
static void measure_bare(struct bench *b)
{
	const char *argv[] = { b->runtime, NULL };
	const char *real = getenv(TIMED_PROGRAM);
	auto_free char *before = strdup(real ? real : "runc");
	double ms[BARE_RUNS];
	int code;

	setenv(TIMED_PROGRAM, "/bin/true", 1);
	for (size_t i = 0; i < BARE_RUNS; i++) {
		bench_clear_timings(b);
		ms[i] = bench_run_program(b, argv, -1, &code);
		ms[i] -= bench_runtime_ms(b);
	}
	setenv(TIMED_PROGRAM, before, 1);
	qsort(ms, BARE_RUNS, sizeof(ms[0]), by_value);
	b->bare_ms = ms[BARE_RUNS / 2];
}

void bench_open(struct bench *b)
{
	const char *log = getenv(TIMED_LOG);

	b->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!b->loop || reaper_init(&b->reaper, b->loop) < 0)
		bench_give_up("no loop");
	b->timings = log ? open(log, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (b->timings < 0)
		bench_give_up("$%s names no file: use tests/bench/run", TIMED_LOG);
	open_ear(b);
	measure_bare(b);
}
