/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_BENCH_FIGURES_H
#define TESTS_BENCH_FIGURES_H

/*
 * figures.h - samples of every figure for every shim, and what is told of them: medians.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define SHIMS_MAX   8
#define SAMPLES_MAX 512

enum figure {
	FIGURE_START,
	FIGURE_PSS,
	FIGURE_ANON,
	FIGURE_ANON_EACH,
	FIGURE_THREADS,
	FIGURE_STATE,
	FIGURE_STATE_CPU,
	FIGURE_STATS,
	FIGURE_STATS_CPU,
	FIGURE_KILL,
	FIGURE_PAUSE,
	FIGURE_RESUME,
	FIGURE_EXIT_KERNEL,
	FIGURE_EXIT_WAIT,
	FIGURE_EXIT_EVENT,
	FIGURE_CREATE,
	FIGURE_START_TASK,
	FIGURE_EXEC,
	FIGURE_DELETE,
	FIGURE_RELAY,
	FIGURE_RELAY_CPU,
	FIGURE_EXEC_GROWTH,
	FIGURES
};

struct samples {
	double v[SAMPLES_MAX];
	size_t n;
};

/* How memory goes with the number of shims, or of containers in one. */
#define POINTS_MAX 12
struct point {
	size_t n;
	double pss, anon; /* KiB, of each shim */
};
struct curve {
	struct point at[POINTS_MAX];
	size_t n;
};

struct subject {
	const char *path; /* borrowed */
	const char *name;
	struct samples of[FIGURES];
	struct curve shims, containers;
};

struct report {
	struct subject shim[SHIMS_MAX]; /* the first one is what the others are compared to */
	size_t n_shims;
	size_t density; /* how many shims FIGURE_PSS was taken from */
};

void samples_add(struct samples *s, double v);
double samples_median(const struct samples *s); /* NaN if there are none */

/* In KiB for one more container: the line through first and last point. */
double curve_slope(const struct curve *c);

/* A table of medians in Markdown, with the ratio of the last shim to the first. */
void report_print(const struct report *r, FILE *f);
/* All of it; 0 or -errno. */
int report_write_json(const struct report *r, const char *path, const char *runtime);
/* For gnuplot: memory.dat, growth.dat, latency.dat in the folder @dir. */
int report_write_plots(const struct report *r, const char *dir);
/* Whether the last shim keeps its generous ratio to the first in every figure; says where not. */
bool report_is_fine(const struct report *r, FILE *f);

#endif
