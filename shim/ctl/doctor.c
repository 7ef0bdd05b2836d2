/* SPDX-License-Identifier: Apache-2.0 */

/*
 * doctor.c - `belayctl doctor`: would containers run on this host?
 */

#include "shim/ctl/doctor.h"

#include "base/auto.h"
#include "base/json.h"
#include "shim/ctl/commands.h"
#include "shim/ctl/format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_DEFAULT "/etc/containerd/config.toml"

struct doctor_args {
	const char *config;
	bool json;
};

static const char *const verdicts[] = {
	[VERDICT_OK] = "ok",
	[VERDICT_NOTE] = "note",
	[VERDICT_BAD] = "bad",
};
_Static_assert(ARRAY_LEN(verdicts) == N_VERDICTS, "a verdict has no name");

void doctor_tell(struct doctor *d, enum verdict verdict, const char *section, const char *what,
	const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	d->n[verdict]++;
	json_array_append_new(d->findings,
		json_pack("{s:s, s:s, s:s, s:s}", "section", section, "what", what, "verdict",
			verdicts[verdict], "text", text ? text : "out of memory"));
}

static void print(const struct doctor *d)
{
	const char *section = "";
	json_t *f;
	size_t i;

	format_tame_json(d->findings);
	json_array_foreach(d->findings, i, f)
	{
		const char *in = json_get_string(f, "section");

		if (strcmp(in, section) != 0)
			printf("%s%s\n", i > 0 ? "\n" : "", in);
		section = in;
		printf("  %-5s %-22s %s\n", json_get_string(f, "verdict"),
			json_get_string(f, "what"), json_get_string(f, "text"));
	}
	printf("\n%zu bad, %zu notes\n", d->n[VERDICT_BAD], d->n[VERDICT_NOTE]);
}

static void examine(struct doctor *d, const char *config)
{
	static const char *const runtimes[] = { "runc", "crun", "youki" };

	doctor_kernel(d);
	doctor_cgroup(d);
	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++)
		doctor_runtime(d, runtimes[i]);
	doctor_config(d, config);
}

static int doctor_run(const struct command *c, int argc, char **argv)
{
	struct doctor_args args = { .config = CONFIG_DEFAULT };
	struct doctor d = { .findings = json_array() };
	int first, rc = options_parse(c, argc, argv, &args, &first);

	if (rc == 0) {
		examine(&d, args.config);
		if (args.json && json_dumpf(d.findings, stdout, JSON_INDENT(2)) == 0)
			putchar('\n');
		if (!args.json)
			print(&d);
		rc = d.n[VERDICT_BAD] ? EXIT_CTL_BAD_NEWS : 0;
	} else {
		rc = rc < 0 ? EXIT_CTL_FAILED : 0;
	}
	json_decref(d.findings);
	return rc;
}

static const struct option_row rows[] = {
	{ "config", 0, OPTION_TEXT, offsetof(struct doctor_args, config), "FILE",
		"containerd's configuration (default " CONFIG_DEFAULT ")" },
	{ "json", 0, OPTION_FLAG, offsetof(struct doctor_args, json), NULL, "print JSON" },
	OPTIONS_END,
};

const struct command command_doctor = {
	.name = "doctor",
	.summary = "say what would break on this host, and why",
	.synopsis = { "[OPTIONS]" },
	.about =
		"Tries what belay needs of the kernel, looks at the control groups, asks each\n"
		"runtime what it honours, and follows containerd's configuration to the shims and\n"
		"runtimes it names. Changes nothing. Some of it needs root. Programs are looked\n"
		"for in our $PATH, which may not be that of containerd.\n"
		"\n"
		"Exit status: 0; 1 if something would break; 125 if belayctl itself failed.\n",
	.rows = rows,
	.least = 0,
	.most = 0,
	.run = doctor_run,
};
