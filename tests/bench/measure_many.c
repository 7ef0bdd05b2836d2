/* SPDX-License-Identifier: Apache-2.0 */

/*
 * measure_many.c - many shims, many containers, many bytes, many execs.
 */

#include "tests/bench/measure.h"

#include "base/auto.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SPLICE_MAX (1u << 20)

struct pair {
	struct guest guest;
	struct inmate inmate;
};

static void start_inmate(struct guest *g, struct inmate *i)
{
	(void)guest_create(g, i, "exec sleep 1000000", NULL);
	(void)guest_ask_of(g, "Start", i->id, NULL);
}

static void take_point(struct curve *c, const struct pair *p, size_t n_guests, size_t n)
{
	struct point at = { .n = n };

	for (size_t i = 0; i < n_guests; i++) {
		struct memory m = memory_of(&p[i].guest);

		at.pss += m.pss / (double)n_guests;
		at.anon += m.anon / (double)n_guests;
	}
	if (c->n < POINTS_MAX)
		c->at[c->n++] = at;
}

void measure_shims(struct bench *b, struct subject *s, const size_t *at, size_t n)
{
	auto_free struct pair *p = calloc(at[n - 1], sizeof(*p));
	size_t k = 0;

	if (!p)
		bench_give_up("out of memory");
	for (size_t i = 0; i < n; i++) {
		for (; k < at[i]; k++) {
			guest_start(&p[k].guest, b, s->path);
			start_inmate(&p[k].guest, &p[k].inmate);
		}
		take_point(&s->shims, p, k, k);
	}
	for (size_t i = 0; i < k; i++) {
		(void)guest_delete(&p[i].guest, &p[i].inmate);
		guest_end(&p[i].guest);
	}
}

void measure_containers(struct bench *b, struct subject *s, const size_t *at, size_t n)
{
	auto_free struct inmate *inmates = calloc(at[n - 1], sizeof(*inmates));
	struct pair p;
	size_t k = 0;

	if (!inmates)
		bench_give_up("out of memory");
	guest_start(&p.guest, b, s->path);
	for (size_t i = 0; i < n; i++) {
		for (; k < at[i]; k++)
			start_inmate(&p.guest, &inmates[k]);
		take_point(&s->containers, &p, 1, k);
	}
	for (size_t i = 0; i < k; i++)
		(void)guest_delete(&p.guest, &inmates[i]);
	guest_end(&p.guest);
}

/* To nowhere, without looking at it: the reader is not what is measured. */
static size_t drain(int from, int to, size_t wanted)
{
	struct pollfd p = { .fd = from, .events = POLLIN };
	size_t total = 0;

	while (total < wanted && poll(&p, 1, (int)(BENCH_PATIENCE_S * 1000)) > 0) {
		ssize_t n = splice(from, NULL, to, NULL, SPLICE_MAX, SPLICE_F_NONBLOCK);

		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			break;
		total += (size_t)n;
	}
	return total;
}

static int open_fifo(const char *path)
{
	int fd;

	if (mkfifo(path, 0600) < 0)
		bench_give_up("%s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd;
}

/* Start to the last byte; seconds. */
static double time_stream(struct guest *g, const struct inmate *i, int out, size_t bytes)
{
	auto_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int64_t began = clock_mono_ns();

	(void)guest_ask_of(g, "Start", i->id, NULL);
	if (drain(out, null, bytes) < bytes)
		bench_give_up("%s: the output ended early", g->shim);
	return (double)(clock_mono_ns() - began) / 1e9;
}

void measure_relay(struct bench *b, struct subject *s, size_t mib)
{
	auto_fd int out = -1, err = -1;
	char out_path[PATH_MAX + 16], err_path[PATH_MAX + 16], script[128];
	const struct guest_io io = { out_path, err_path };
	struct guest g;
	struct inmate i;
	int64_t cpu;

	guest_start(&g, b, s->path);
	snprintf(out_path, sizeof(out_path), "%s/out", g.bundle);
	snprintf(err_path, sizeof(err_path), "%s/err", g.bundle);
	out = open_fifo(out_path);
	err = open_fifo(err_path);
	snprintf(script, sizeof(script), "exec dd if=/dev/zero bs=65536 count=%zu 2>/dev/null",
		mib * 16);
	(void)guest_create(&g, &i, script, &io);
	cpu = cpu_ns_of(&g);
	samples_add(&s->of[FIGURE_RELAY],
		(double)(mib << 20) / 1e6 / time_stream(&g, &i, out, mib << 20));
	samples_add(&s->of[FIGURE_RELAY_CPU],
		(double)(cpu_ns_of(&g) - cpu) / 1e6 / ((double)mib / 1024));
	(void)guest_ask_of(&g, "Wait", i.id, NULL);
	(void)guest_ask_of(&g, "Delete", i.id, NULL);
	guest_end(&g);
}

void measure_execs(struct bench *b, struct subject *s, size_t n)
{
	struct guest g;
	struct inmate i;
	double before = 0;

	guest_start(&g, b, s->path);
	start_inmate(&g, &i);
	for (size_t k = 0; k < n; k++) {
		if (k == n / 10) /* what is allocated once has been by then */
			before = memory_of(&g).anon;
		(void)guest_exec(&g, &i, "e", "/bin/true");
		(void)guest_ask_of(&g, "Wait", i.id, "e");
		(void)guest_ask_of(&g, "Delete", i.id, "e");
	}
	samples_add(&s->of[FIGURE_EXEC_GROWTH], memory_of(&g).anon - before);
	(void)guest_delete(&g, &i);
	guest_end(&g);
}
