/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/figures.h"

#include "base/attr.h"
#include "base/auto.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* @ratio_max: of a shim to the stock one where a test fails; 0: none, for noise would decide. */
static const struct {
	const char *key, *title, *unit;
	double ratio_max;
} about[FIGURES] = {
	[FIGURE_START] = { "start", "`start` to address", "ms", 0.8 },
	[FIGURE_PSS] = { "pss", "PSS of each of several shims", "KiB", 0.25 },
	[FIGURE_ANON] = { "anon", "anonymous memory of one", "KiB", 0.25 },
	[FIGURE_ANON_EACH] = { "anon_each", "anonymous memory per further container in one", "KiB",
		1 },
	[FIGURE_THREADS] = { "threads", "threads", "", 0.5 },
	[FIGURE_STATE] = { "state", "State", "us", 0.8 },
	[FIGURE_STATE_CPU] = { "state_cpu", "State, CPU of the shim", "us", 0.6 },
	[FIGURE_STATS] = { "stats", "Stats", "us", 0.7 },
	[FIGURE_STATS_CPU] = { "stats_cpu", "Stats, CPU of the shim", "us", 0.6 },
	[FIGURE_KILL] = { "kill", "Kill", "ms", 0.3 },
	[FIGURE_PAUSE] = { "pause", "Pause", "ms", 0 },
	[FIGURE_RESUME] = { "resume", "Resume", "ms", 0 },
	[FIGURE_EXIT_KERNEL] = { "exit_kernel", "SIGKILL to the kernel's own news of the exit",
		"ms", 0 },
	[FIGURE_EXIT_WAIT] = { "exit_wait", "from there to the reply to Wait", "ms", 0 },
	[FIGURE_EXIT_EVENT] = { "exit_event", "from there to the exit event", "ms", 0 },
	[FIGURE_CREATE] = { "create", "Create, beside the runtime's own time", "ms", 0 },
	[FIGURE_START_TASK] = { "start_task", "Start, beside the runtime's own time", "ms", 0 },
	[FIGURE_EXEC] = { "exec", "Exec and its Start, beside the runtime's own time", "ms", 0 },
	[FIGURE_DELETE] = { "delete", "Delete, beside the runtime's own time", "ms", 0 },
	[FIGURE_RELAY] = { "relay", "stdout in 64 KiB writes", "MB/s", 0 },
	[FIGURE_RELAY_CPU] = { "relay_cpu", "stdout, CPU of the shim per GiB", "ms", 0.6 },
	[FIGURE_EXEC_GROWTH] = { "exec_growth",
		"anonymous memory after many execs, more than before", "KiB", 0 },
};

void samples_add(struct samples *s, double v)
{
	if (s->n < SAMPLES_MAX)
		s->v[s->n++] = v;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

double samples_median(const struct samples *s)
{
	struct samples sorted = *s;

	if (s->n == 0)
		return NAN;
	qsort(sorted.v, sorted.n, sizeof(sorted.v[0]), by_value);
	return (sorted.v[(sorted.n - 1) / 2] + sorted.v[sorted.n / 2]) / 2;
}

double curve_slope(const struct curve *c)
{
	const struct point *first = &c->at[0], *last = c->n ? &c->at[c->n - 1] : first;

	return last->n > first->n ? (last->anon - first->anon) / (double)(last->n - first->n) : NAN;
}

/* --- for people --- */

static void print_value(FILE *f, double v)
{
	if (isnan(v))
		fputs(" - |", f);
	else
		fprintf(f, fabs(v) >= 100 ? " %.0f |" : fabs(v) >= 10 ? " %.1f |" : " %.2f |", v);
}

static void print_row(const struct report *r, enum figure which, FILE *f)
{
	const char *title = about[which].title, *unit = about[which].unit;
	double first = samples_median(&r->shim[0].of[which]);
	double last = samples_median(&r->shim[r->n_shims - 1].of[which]);

	if (isnan(first) && isnan(last))
		return;
	fprintf(f, "| %s%s%s |", title, unit[0] ? ", " : "", unit);
	for (size_t i = 0; i < r->n_shims; i++)
		print_value(f, samples_median(&r->shim[i].of[which]));
	if (r->n_shims > 1 && first > 0 && last > 0)
		fprintf(f, " %.3f |\n", last / first);
	else
		fputs(" |\n", f);
}

void report_print(const struct report *r, FILE *f)
{
	fputs("| median |", f);
	for (size_t i = 0; i < r->n_shims; i++)
		fprintf(f, " %s |", r->shim[i].name);
	fputs(" ratio |\n|---|", f);
	for (size_t i = 0; i <= r->n_shims; i++)
		fputs("---|", f);
	fputc('\n', f);
	for (enum figure w = 0; w < FIGURES; w++)
		print_row(r, w, f);
}

/* What else the machine does only adds to a figure, and in few rounds it may be in most of them. */
static double least(const struct samples *s)
{
	double v = NAN;

	for (size_t i = 0; i < s->n; i++)
		v = isnan(v) || s->v[i] < v ? s->v[i] : v;
	return v;
}

bool report_is_fine(const struct report *r, FILE *f)
{
	bool fine = true;

	for (enum figure w = 0; w < FIGURES; w++) {
		double first = least(&r->shim[0].of[w]);
		double last = least(&r->shim[r->n_shims - 1].of[w]);

		if (about[w].ratio_max <= 0 || isnan(first) || isnan(last) ||
			last <= first * about[w].ratio_max)
			continue;
		fprintf(f, "FAILED: %s: %.3f %s at best against %.3f, more than %.2f of it\n",
			about[w].title, last, about[w].unit, first, about[w].ratio_max);
		fine = false;
	}
	return fine;
}

/* --- for programs --- */

static json_t *figures_json(const struct subject *s)
{
	json_t *all = json_object();

	for (enum figure w = 0; w < FIGURES; w++) {
		const struct samples *of = &s->of[w];
		json_t *values = json_array();

		for (size_t i = 0; i < of->n; i++)
			json_array_append_new(values, json_real(of->v[i]));
		if (of->n > 0)
			json_object_set_new(all, about[w].key,
				json_pack("{s:s, s:f, s:o}", "unit", about[w].unit, "median",
					samples_median(of), "samples", values));
		else
			json_decref(values);
	}
	return all;
}

static json_t *curve_json(const struct curve *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(
			all, json_pack("{s:i, s:f, s:f}", "n", (int)c->at[i].n, "pss_kib",
				     c->at[i].pss, "anon_kib", c->at[i].anon));
	return all;
}

int report_write_json(const struct report *r, const char *path, const char *runtime)
{
	auto_json json_t *top = NULL;
	json_t *shims = json_array();
	struct utsname u = { 0 };

	uname(&u);
	for (size_t i = 0; i < r->n_shims; i++) {
		const struct subject *s = &r->shim[i];

		json_array_append_new(shims,
			json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", s->name, "path", s->path,
				"figures", figures_json(s), "by_shims", curve_json(&s->shims),
				"by_containers", curve_json(&s->containers)));
	}
	top = json_pack("{s:{s:s, s:s, s:i}, s:s, s:o}", "machine", "kernel", u.release, "arch",
		u.machine, "processors", (int)sysconf(_SC_NPROCESSORS_ONLN), "runtime", runtime,
		"shims", shims);
	return top && json_dump_file(top, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0
		       ? 0
		       : -EIO;
}

static FILE *open_plot(const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fopen(path, "we");
}

static void plot_curves(const struct report *r, bool by_shims, FILE *f)
{
	for (size_t i = 0; i < r->n_shims; i++) {
		const struct subject *s = &r->shim[i];
		const struct curve *c = by_shims ? &s->shims : &s->containers;

		fprintf(f, "\"%s\"\n", s->name);
		for (size_t k = 0; k < c->n; k++)
			fprintf(f, "%zu %f %f\n", c->at[k].n, c->at[k].pss, c->at[k].anon);
		fputs("\n\n", f);
	}
}

/* In microseconds, whatever the table has. */
static void plot_latency(const struct report *r, FILE *f)
{
	static const enum figure which[] = { FIGURE_START, FIGURE_STATE, FIGURE_STATS, FIGURE_KILL,
		FIGURE_PAUSE, FIGURE_CREATE, FIGURE_EXEC };
	static const char *const names[] = { "start", "State", "Stats", "Kill", "Pause",
		"Create (own)", "Exec (own)" };

	for (size_t i = 0; i < ARRAY_LEN(which); i++) {
		double scale = strcmp(about[which[i]].unit, "ms") == 0 ? 1000 : 1;

		fprintf(f, "\"%s\"", names[i]);
		for (size_t k = 0; k < r->n_shims; k++)
			fprintf(f, " %f", scale * samples_median(&r->shim[k].of[which[i]]));
		fputc('\n', f);
	}
}

int report_write_plots(const struct report *r, const char *dir)
{
	FILE *memory = open_plot(dir, "memory.dat"), *growth = open_plot(dir, "growth.dat");
	FILE *latency = open_plot(dir, "latency.dat");
	int rc = memory && growth && latency ? 0 : -errno;

	if (rc == 0) {
		plot_curves(r, true, memory);
		plot_curves(r, false, growth);
		fputs("call", latency);
		for (size_t i = 0; i < r->n_shims; i++)
			fprintf(latency, " \"%s\"", r->shim[i].name);
		fputc('\n', latency);
		plot_latency(r, latency);
	}
	if (memory)
		fclose(memory);
	if (growth)
		fclose(growth);
	if (latency)
		fclose(latency);
	return rc;
}
