/* SPDX-License-Identifier: Apache-2.0 */

/*
 * inspect.c - `belayctl inspect`: what there is to know of one container.
 */

#include "base/json.h"
#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "proto/api/task.pb-c.h"
#include "shim/ctl/commands.h"
#include "shim/ctl/format.h"
#include "shim/ctl/procfs.h"
#include "shim/ctl/survey.h"
#include "shim/ctl/target.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct inspect_args {
	struct where where;
	bool json;
};

static json_t *state_json(const Pb__StateResponse *s)
{
	json_t *out = json_pack("{s:s, s:I, s:b, s:s, s:s, s:s}", "status",
		survey_status_name(s->status), "pid", (json_int_t)s->pid, "terminal",
		(int)s->terminal, "stdin", s->stdin, "stdout", s->stdout, "stderr", s->stderr);
	char at[40];
	time_t when;
	struct tm tm;

	/* Before the exit it is Go's zero time, long before 1970. */
	if (!s->exited_at || s->exited_at->seconds <= 0)
		return out;
	when = (time_t)s->exited_at->seconds;
	gmtime_r(&when, &tm);
	strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_object_set_new(out, "exit_status", json_integer(s->exit_status));
	json_object_set_new(out, "exited_at", json_string(at));
	return out;
}

static json_t *process_json(struct target *t, const Pb__ProcessInfo *p)
{
	auto_message Runc__ProcessDetails *details =
		any_unpack(p->info, &runc__process_details__descriptor);
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;
	auto_message Pb__StateResponse *state = NULL;
	struct err ignored = ERR_INIT; /* an exec may be gone by now */
	json_t *out = json_pack("{s:I}", "pid", (json_int_t)p->pid);
	char name[64];

	procfs_comm((pid_t)p->pid, name, sizeof(name));
	json_object_set_new(out, "name", json_string(name));
	if (!details || !details->exec_id[0])
		return out;
	json_object_set_new(out, "exec_id", json_string(details->exec_id));
	req.id = t->found->id;
	req.exec_id = details->exec_id;
	state = ask_get(&t->ask, "State", &req.base, &pb__state_response__descriptor, &ignored);
	if (state)
		json_object_set_new(out, "state", state_json(state));
	return out;
}

static json_t *processes_json(struct target *t, struct err *e)
{
	Pb__PidsRequest req = PB__PIDS_REQUEST__INIT;
	auto_message Pb__PidsResponse *reply = NULL;
	json_t *all = json_array();

	req.id = t->found->id;
	ask_begin(&t->ask, "Pids", &req.base, ASK_RUNTIME_MAX_S); /* the stock shim runs it */
	ask_await(&t->ask);
	reply = ask_take(&t->ask, &pb__pids_response__descriptor, e);
	for (size_t i = 0; reply && i < reply->n_processes; i++)
		json_array_append_new(all, process_json(t, reply->processes[i]));
	return all;
}

static Pb__StateResponse *get_state(struct target *t, struct err *e)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;

	req.id = t->found->id;
	return ask_get(&t->ask, "State", &req.base, &pb__state_response__descriptor, e);
}

static uint32_t get_shim_pid(struct target *t)
{
	Pb__ConnectRequest req = PB__CONNECT_REQUEST__INIT;
	struct err ignored = ERR_INIT; /* then nobody knows */
	auto_message Pb__ConnectResponse *reply = NULL;

	req.id = t->found->id;
	reply = ask_get(&t->ask, "Connect", &req.base, &pb__connect_response__descriptor, &ignored);
	return reply ? reply->shim_pid : 0;
}

static json_t *shim_json(struct target *t)
{
	uint32_t pid = get_shim_pid(t);
	json_t *out = json_pack(
		"{s:s, s:i}", "address", t->found->address, "task_version", t->found->version);
	char exe[4096] = "";
	int64_t pss = -1;

	if (pid) {
		procfs_exe((pid_t)pid, exe, sizeof(exe));
		pss = procfs_pss((pid_t)pid);
	}
	json_object_set_new(out, "binary", json_string(exe[0] ? exe : t->found->binary));
	json_object_set_new(out, "pid", pid ? json_integer(pid) : json_null());
	json_object_set_new(out, "pss_bytes", pss >= 0 ? json_integer(pss) : json_null());
	return out;
}

static json_t *collect(struct target *t, struct err *e)
{
	auto_message Pb__StateResponse *state = get_state(t, e);
	struct err why = ERR_INIT;
	json_t *out;

	if (!state)
		return NULL;
	out = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "namespace", t->found->ns, "id",
		t->found->id, "bundle", t->found->bundle, "state", state_json(state), "shim",
		shim_json(t), "processes", processes_json(t, &why));
	if (!out) {
		err_oom(e);
		return NULL;
	}
	if (err_is_set(&why))
		json_object_set_new(out, "processes_error", json_string(why.msg));
	if (state->pid && state->status != PB__PROCESS_STATUS__STOPPED) {
		json_object_set_new(out, "cgroups", procfs_cgroups((pid_t)state->pid));
		json_object_set_new(out, "mounts", procfs_mounts((pid_t)state->pid));
	}
	return out;
}

/* --- for people --- */

static const char *word(json_t *object, const char *key)
{
	const char *text = json_get_string(object, key);

	return text && text[0] ? text : "-";
}

static long long number(json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void print_state(json_t *out)
{
	json_t *s = json_object_get(out, "state");

	printf("Container:  %s/%s\n", word(out, "namespace"), word(out, "id"));
	printf("Status:     %s", word(s, "status"));
	if (json_object_get(s, "exit_status"))
		printf(", status %lld, at %s", number(s, "exit_status"), word(s, "exited_at"));
	printf("\nPid:        %lld\n", number(s, "pid"));
	printf("Bundle:     %s\n", word(out, "bundle"));
	printf("Terminal:   %s\n", json_is_true(json_object_get(s, "terminal")) ? "yes" : "no");
	printf("Stdin:      %s\nStdout:     %s\nStderr:     %s\n", word(s, "stdin"),
		word(s, "stdout"), word(s, "stderr"));
}

static void print_shim(json_t *shim)
{
	printf("Shim:       %s, pid %lld, %lld KiB\n", word(shim, "binary"), number(shim, "pid"),
		number(shim, "pss_bytes") / 1024);
	printf("Address:    %s (Task v%lld)\n", word(shim, "address"),
		number(shim, "task_version"));
}

static void print_lists(json_t *out)
{
	const char *key;
	json_t *item;
	size_t i;

	printf("Processes:\n");
	json_array_foreach(json_object_get(out, "processes"), i, item)
	{
		printf("  %-8lld %s", number(item, "pid"), word(item, "name"));
		if (json_object_get(item, "exec_id"))
			printf("  (exec %s)", word(item, "exec_id"));
		putchar('\n');
	}
	if (json_object_get(out, "processes_error"))
		printf("  %s\n", word(out, "processes_error"));
	printf("Control groups:\n");
	json_object_foreach(json_object_get(out, "cgroups"), key, item)
	{
		printf("  %-20s %s\n", key[0] ? key : "(version 2)", json_string_value(item));
	}
	printf("Mounts:\n");
	json_array_foreach(json_object_get(out, "mounts"), i, item)
	{
		printf("  %-28s %-10s %s (%s)\n", word(item, "target"), word(item, "type"),
			word(item, "source"), word(item, "options"));
	}
}

static int inspect(struct target *t, const void *args, char **words, struct err *e)
{
	const struct inspect_args *a = args;
	auto_json json_t *out = collect(t, e);

	(void)words;
	if (!out)
		return -1;
	if (a->json) {
		if (json_dumpf(out, stdout, JSON_INDENT(2)) < 0)
			return err_oom(e);
		putchar('\n');
		return 0;
	}
	format_tame_json(out);
	print_state(out);
	print_shim(json_object_get(out, "shim"));
	print_lists(out);
	return 0;
}

static int inspect_run(const struct command *c, int argc, char **argv)
{
	struct inspect_args args = { 0 };
	const struct errand what = { c, &args, &args.where, inspect };

	return target_run(&what, argc, argv);
}

static const struct option_row rows[] = {
	OPTIONS_WHERE(struct inspect_args, where),
	{ "json", 0, OPTION_FLAG, offsetof(struct inspect_args, json), NULL, "print JSON" },
	OPTIONS_END,
};

const struct command command_inspect = {
	.name = "inspect",
	.summary = "show what there is to know of one container",
	.synopsis = { "[OPTIONS] CONTAINER" },
	.about = "Shows the state of CONTAINER as its shim tells it, its shim, its processes with\n"
		 "their exec ids, streams, control groups, and what is mounted inside.\n"
		 "CONTAINER is an id, the beginning of only one, or NAMESPACE/ID.\n"
		 "\n"
		 "Exit status: 0; 125 if it failed, with the reason.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.run = inspect_run,
};
