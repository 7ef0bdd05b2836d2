/* SPDX-License-Identifier: Apache-2.0 */

/*
 * stats.c - `belayctl stats`: what containers use, once.
 */

#include "base/json.h"
#include "shim/ctl/commands.h"
#include "shim/ctl/format.h"
#include "shim/ctl/prometheus.h"
#include "shim/ctl/survey.h"
#include "shim/ctl/target.h"

#include <stdio.h>

#define NS_PER_S 1e9

struct stats_args {
	struct where where;
	bool json, prometheus;
};

static int add_figures(struct table *t, const struct usage *u)
{
	char memory[FORMAT_MAX], limit[FORMAT_MAX], cache[FORMAT_MAX];
	char in[FORMAT_MAX], out[FORMAT_MAX];

	if (table_add(t, "%.3fs", (double)u->cpu_ns / NS_PER_S) < 0 ||
		table_add(t, "%.3fs", (double)u->throttled_ns / NS_PER_S) < 0 ||
		table_add(t, "%s", format_bytes(u->memory, memory)) < 0 ||
		table_add(t, "%s", format_bytes(u->memory_limit, limit)) < 0 ||
		table_add(t, "%s", format_bytes(u->cache, cache)) < 0)
		return -1;
	if (table_add(t, "%llu", (unsigned long long)u->pids) < 0 ||
		table_add(t, "%s", format_bytes(u->read_bytes, in)) < 0)
		return -1;
	return table_add(t, "%s", format_bytes(u->written_bytes, out));
}

static int add_row(struct table *t, const struct seen *s)
{
	size_t before = t->n;

	if (table_add(t, "%s", s->found->ns) < 0 || table_add(t, "%s", s->found->id) < 0)
		return -1;
	if (s->has_usage)
		return add_figures(t, &s->usage);
	if (table_add(t, "%s", survey_status(s)) < 0)
		return -1;
	while (t->n < before + t->columns)
		if (table_add(t, "-") < 0)
			return -1;
	return 0;
}

static int print_table(const struct seen *seen, size_t n, struct err *e)
{
	static const char *const heads[] = { "NAMESPACE", "ID", "CPU", "THROTTLED", "MEMORY",
		"LIMIT", "CACHE", "PIDS", "READ", "WRITTEN" };
	struct table t = { .columns = ARRAY_LEN(heads) };
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(heads); i++)
		rc = table_add(&t, "%s", heads[i]);
	for (size_t i = 0; rc >= 0 && i < n; i++)
		rc = add_row(&t, &seen[i]);
	if (rc >= 0)
		table_print(&t, stdout, 0);
	table_fini(&t);
	return rc < 0 ? err_oom(e) : 0;
}

/* null for no limit. Beyond 2^63 - 1 nothing that is counted here gets. */
static json_t *limit_json(uint64_t n)
{
	return n == USAGE_NO_LIMIT ? json_null() : json_integer((json_int_t)n);
}

static json_t *usage_json(const struct usage *u)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "cpu_ns",
		(json_int_t)u->cpu_ns, "cpu_user_ns", (json_int_t)u->user_ns, "cpu_system_ns",
		(json_int_t)u->system_ns, "cpu_throttled_ns", (json_int_t)u->throttled_ns,
		"memory_bytes", (json_int_t)u->memory, "memory_cache_bytes", (json_int_t)u->cache,
		"pids", (json_int_t)u->pids, "read_bytes", (json_int_t)u->read_bytes,
		"written_bytes", (json_int_t)u->written_bytes, "oom_kills",
		(json_int_t)u->oom_kills);

	json_object_set_new(o, "memory_limit_bytes", limit_json(u->memory_limit));
	json_object_set_new(o, "pids_limit", limit_json(u->pids_limit));
	return o;
}

static int print_json(const struct seen *seen, size_t n, struct err *e)
{
	auto_json json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *row = json_pack("{s:s, s:s, s:s}", "namespace", seen[i].found->ns, "id",
			seen[i].found->id, "status", survey_status(&seen[i]));

		json_object_set_new(
			row, "usage", seen[i].has_usage ? usage_json(&seen[i].usage) : json_null());
		json_array_append_new(all, row);
	}
	if (json_array_size(all) != n || json_dumpf(all, stdout, JSON_INDENT(2)) < 0)
		return err_oom(e);
	putchar('\n');
	return 0;
}

static int print(const struct stats_args *a, const struct seen *seen, size_t n, struct err *e)
{
	if (a->json)
		return print_json(seen, n, e);
	if (!a->prometheus)
		return print_table(seen, n, e);
	prometheus_print(seen, n, stdout);
	return 0;
}

static int show(struct target *t, const void *args, char **words, struct err *e)
{
	const struct stats_args *a = args;
	/* The one that was named is one of all. */
	const struct found_list list =
		t->found ? (struct found_list){ (struct found *)t->found, 1 } : t->all;
	struct seen *seen = NULL;
	int rc;

	(void)words;
	if (survey_all(&list, t->loop, SURVEY_USAGE | (a->prometheus ? SURVEY_SHIMS : 0), &seen,
		    e) < 0)
		return -1;
	rc = print(a, seen, list.n, e);
	survey_free(seen, list.n);
	return rc;
}

static int stats_run(const struct command *c, int argc, char **argv)
{
	struct stats_args args = { 0 };
	const struct errand what = { c, &args, &args.where, show };

	return target_run_all(&what, argc, argv);
}

static const struct option_row rows[] = {
	OPTIONS_WHERE(struct stats_args, where),
	{ "json", 0, OPTION_FLAG, offsetof(struct stats_args, json), NULL, "print JSON" },
	{ "prometheus", 0, OPTION_FLAG, offsetof(struct stats_args, prometheus), NULL,
		"print what Prometheus reads" },
	OPTIONS_END,
};

const struct command command_stats = {
	.name = "stats",
	.summary = "show what containers use, once",
	.synopsis = { "[OPTIONS] [CONTAINER]" },
	.about = "Shows what CONTAINER, or each, has used and uses, as its shim reads it from its\n"
		 "control group: processor time, memory, processes, block devices.\n"
		 "CONTAINER is an id, the beginning of only one, or NAMESPACE/ID.\n"
		 "\n"
		 "Exit status: 0; 125 if it failed, with the reason.\n",
	.rows = rows,
	.least = 0,
	.most = 1,
	.run = stats_run,
};
