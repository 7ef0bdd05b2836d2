/* SPDX-License-Identifier: Apache-2.0 */

/*
 * dump_command.c - `belayctl dump`: what a shim of ours is at.
 */

#include "base/json.h"
#include "proto/api/debug.pb-c.h"
#include "shim/ctl/commands.h"
#include "shim/ctl/format.h"
#include "shim/ctl/target.h"

#include <stdio.h>
#include <string.h>

struct dump_args {
	struct where where;
	bool json;
};

static long long number(json_t *object, const char *key)
{
	return (long long)json_number_value(json_object_get(object, key));
}

static const char *word(json_t *object, const char *key)
{
	const char *text = json_get_string(object, key);

	return text ? text : "?";
}

static bool is_true(json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const char *seconds(json_t *object, const char *key, char ret[FORMAT_MAX])
{
	double s = json_number_value(json_object_get(object, key));

	if (s >= 10)
		return format_age((int64_t)s, ret);
	snprintf(ret, FORMAT_MAX, "%.3fs", s);
	return ret;
}

static void print_process(json_t *p, const char *name)
{
	printf("  %-12s %s, pid %lld", name, word(p, "state"), number(p, "pid"));
	if (json_object_get(p, "exit_status"))
		printf(", exited with %lld", number(p, "exit_status"));
	if (is_true(p, "starting"))
		printf(", starting");
	if (number(p, "deletes"))
		printf(", being deleted");
	if (number(p, "news_held"))
		printf(", its exit is told later");
	if (number(p, "waits"))
		printf(", %lld waiting", number(p, "waits"));
	putchar('\n');
}

static void print_operation(json_t *o)
{
	char since[FORMAT_MAX];

	printf("  %s is %s '%s' since %s%s%s\n", word(o, "operation"),
		is_true(o, "unwinding") ? "undoing" : "in", word(o, "step"),
		seconds(o, "since_s", since), json_object_get(o, "error") ? ": " : "",
		json_object_get(o, "error") ? word(o, "error") : "");
}

static void print_container(json_t *ct)
{
	json_t *item;
	size_t i;

	printf("%s (%s)%s%s\n", word(ct, "id"), word(ct, "runtime"),
		is_true(ct, "created") ? "" : ", not created yet",
		is_true(ct, "oom") ? ", ran out of memory" : "");
	print_process(json_object_get(ct, "init"), "init");
	json_array_foreach(json_object_get(ct, "execs"), i, item)
		print_process(item, word(item, "exec_id"));
	json_array_foreach(json_object_get(ct, "operations"), i, item) print_operation(item);
	if (number(ct, "waiting_operations"))
		printf("  %lld more operations wait for their turn\n",
			number(ct, "waiting_operations"));
}

static void print_totals(json_t *dump)
{
	json_t *server = json_object_get(dump, "server");
	json_t *events = json_object_get(dump, "events");
	json_t *processes = json_object_get(dump, "processes");

	printf("Calls:     %lld under way (%lld of clients that left), %lld clients (%lld do not "
	       "read), %lld bytes queued, %lld requests so far\n",
		number(server, "calls"), number(server, "inert_calls"), number(server, "clients"),
		number(server, "paused_clients"), number(server, "queued_bytes"),
		number(server, "requests"));
	printf("Events:    %lld queued for %s%s, %lld dropped\n", number(events, "queued"),
		word(events, "address")[0] ? word(events, "address") : "nobody",
		is_true(events, "retrying") ? ", which does not answer" : "",
		number(events, "dropped"));
	printf("Processes: %lld followed, %lld so far%s\n", number(processes, "followed"),
		number(processes, "followed_since_start"),
		number(processes, "holds") ? "; orphans are held" : "");
	printf("Log:       %lld lines dropped\n", number(json_object_get(dump, "log"), "dropped"));
	printf("Loop:      %lld turns, the longest %lld us\n",
		number(json_object_get(dump, "loop"), "turns"),
		number(json_object_get(dump, "loop"), "longest_turn_us"));
}

static int print_dump(const char *text, struct err *e)
{
	auto_json json_t *dump = NULL;
	char uptime[FORMAT_MAX];
	json_t *ct;
	size_t i;

	if (json_parse(text, strlen(text), "the dump", &dump, e) < 0)
		return -1;
	format_tame_json(dump);
	printf("Shim:      belay %s, pid %lld, up %s%s\n", word(dump, "version"),
		number(dump, "pid"), seconds(dump, "uptime_s", uptime),
		is_true(dump, "shutting_down") ? ", shutting down" : "");
	print_totals(dump);
	json_array_foreach(json_object_get(dump, "containers"), i, ct)
	{
		putchar('\n');
		print_container(ct);
	}
	return 0;
}

static int dump(struct target *t, const void *args, char **words, struct err *e)
{
	const struct dump_args *a = args;
	Belay__DumpRequest req = BELAY__DUMP_REQUEST__INIT;
	auto_message Belay__DumpResponse *reply = NULL;

	(void)words;
	ask_begin_at(&t->ask, ASK_DEBUG_SERVICE, "Dump", &req.base, ASK_ANSWER_MAX_S);
	ask_await(&t->ask);
	reply = ask_take(&t->ask, &belay__dump_response__descriptor, e);
	if (!reply && e->status == STATUS_UNIMPLEMENTED)
		return err_set(e, STATUS_UNIMPLEMENTED,
			"the shim of %s/%s is no belay that has a dump; belayctl ps names it",
			t->found->ns, t->found->id);
	if (!reply)
		return -1;
	if (!a->json)
		return print_dump(reply->json, e);
	puts(reply->json);
	return 0;
}

static int dump_run(const struct command *c, int argc, char **argv)
{
	struct dump_args args = { 0 };
	const struct errand what = { c, &args, &args.where, dump };

	return target_run(&what, argc, argv);
}

static const struct option_row rows[] = {
	OPTIONS_WHERE(struct dump_args, where),
	{ "json", 0, OPTION_FLAG, offsetof(struct dump_args, json), NULL,
		"print what the shim said, one line of JSON" },
	OPTIONS_END,
};

const struct command command_dump = {
	.name = "dump",
	.summary = "show what the shim of a container is at, and what hangs",
	.synopsis = { "[OPTIONS] CONTAINER" },
	.about = "Shows all containers of the shim that has CONTAINER, the operations under way "
		 "and\n"
		 "the step each is in, queues and counters. For shims of belay; SIGUSR1 makes one\n"
		 "write the same to its log, where it answers no more.\n"
		 "CONTAINER is an id, the beginning of only one, or NAMESPACE/ID.\n"
		 "\n"
		 "Exit status: 0; 125 if it failed, with the reason.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.run = dump_run,
};
