/* SPDX-License-Identifier: Apache-2.0 */

/*
 * ps.c - `belayctl ps`: every container of this host, and its shim.
 */

#include "base/json.h"
#include "shim/ctl/commands.h"
#include "shim/ctl/format.h"
#include "shim/ctl/survey.h"
#include "shim/ctl/target.h"

#include <stdio.h>

struct ps_args {
	struct where where;
	bool json;
};

static int add_row(struct table *t, const struct seen *s)
{
	char age[FORMAT_MAX], pss[FORMAT_MAX];
	uint32_t pid = s->state ? s->state->pid : 0;

	if (table_add(t, "%s", s->found->ns) < 0 || table_add(t, "%s", s->found->id) < 0 ||
		table_add(t, "%s", survey_status(s)) < 0)
		return -1;
	if ((pid ? table_add(t, "%u", pid) : table_add(t, "-")) < 0 ||
		table_add(t, "%s", format_age(s->age_s, age)) < 0 ||
		table_add(t, "%s", s->shim_name[0] ? s->shim_name : "-") < 0)
		return -1;
	if ((s->shim_pid ? table_add(t, "%u", s->shim_pid) : table_add(t, "-")) < 0 ||
		table_add(t, "%s", s->version[0] ? s->version : "-") < 0)
		return -1;
	return table_add(
		t, "%s", format_bytes(s->shim_pss < 0 ? UINT64_MAX : (uint64_t)s->shim_pss, pss));
}

static int print_table(const struct seen *seen, size_t n, struct err *e)
{
	static const char *const heads[] = { "NAMESPACE", "ID", "STATUS", "PID", "AGE", "SHIM",
		"SHIM PID", "VERSION", "PSS" };
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

/* What is not known is null: a number that is not one would be believed. */
static json_t *number_or_null(int64_t n, bool known)
{
	return known ? json_integer(n) : json_null();
}

static json_t *row_json(const struct seen *s)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s}", "namespace", s->found->ns, "id",
		s->found->id, "status", survey_status(s), "bundle", s->found->bundle, "shim",
		s->shim_name);
	uint32_t pid = s->state ? s->state->pid : 0;

	json_object_set_new(row, "pid", number_or_null(pid, pid));
	json_object_set_new(row, "age_seconds", number_or_null(s->age_s, s->age_s >= 0));
	json_object_set_new(row, "shim_pid", number_or_null(s->shim_pid, s->shim_pid));
	json_object_set_new(row, "shim_pss_bytes", number_or_null(s->shim_pss, s->shim_pss >= 0));
	json_object_set_new(
		row, "shim_version", s->version[0] ? json_string(s->version) : json_null());
	json_object_set_new(row, "error", s->state ? json_null() : json_string(s->why.msg));
	return row;
}

static int print_json(const struct seen *seen, size_t n, struct err *e)
{
	auto_json json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, row_json(&seen[i]));
	if (json_array_size(all) != n || json_dumpf(all, stdout, JSON_INDENT(2)) < 0)
		return err_oom(e);
	putchar('\n');
	return 0;
}

/* Below the table, so that it is not wider than it needs to be. */
static int tell_failures(struct seen *seen, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (survey_has_answer(&seen[i]))
			continue;
		fprintf(stderr, "belayctl ps: %s/%s: %s\n", seen[i].found->ns, seen[i].found->id,
			format_tame(seen[i].why.msg));
		rc = EXIT_CTL_BAD_NEWS;
	}
	return rc;
}

static int show(struct target *t, const void *args, char **words, struct err *e)
{
	const struct ps_args *a = args;
	struct seen *seen = NULL;
	int rc;

	(void)words;
	if (survey_all(&t->all, t->loop, SURVEY_SHIMS, &seen, e) < 0)
		return -1;
	rc = a->json ? print_json(seen, t->all.n, e) : print_table(seen, t->all.n, e);
	if (rc == 0)
		rc = tell_failures(seen, t->all.n);
	survey_free(seen, t->all.n);
	return rc;
}

static int ps_run(const struct command *c, int argc, char **argv)
{
	struct ps_args args = { 0 };
	const struct errand what = { c, &args, &args.where, show };

	return target_run_all(&what, argc, argv);
}

static const struct option_row rows[] = {
	OPTIONS_WHERE(struct ps_args, where),
	{ "json", 0, OPTION_FLAG, offsetof(struct ps_args, json), NULL, "print JSON" },
	OPTIONS_END,
};

const struct command command_ps = {
	.name = "ps",
	.summary = "list all containers, their shims, and the memory of those",
	.synopsis = { "[OPTIONS]" },
	.about = "Lists the containers of this host, those of any shim of containerd's and those "
		 "of\n"
		 "belayctl run. AGE is that of the bundle, PSS the memory of the shim, its share "
		 "of\n"
		 "what it shares; a shim with several containers is listed with each. A bundle\n"
		 "without a shim is listed too.\n"
		 "\n"
		 "Exit status: 0; 1 if a shim did not answer; 125 if belayctl itself failed.\n",
	.rows = rows,
	.least = 0,
	.most = 0,
	.run = ps_run,
};
