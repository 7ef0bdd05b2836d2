/* SPDX-License-Identifier: Apache-2.0 */

/*
 * events_command.c - `belayctl events`.
 */

#include "shim/ctl/events_command.h"

#include "shim/ctl/commands.h"
#include "shim/ctl/target.h"

struct events_args {
	struct where where;
	const char *address;
	bool json;
};

static int events_run(const struct command *c, int argc, char **argv)
{
	struct events_args args = { 0 };
	struct err e = ERR_INIT;
	int first, rc = options_parse(c, argc, argv, &args, &first);

	if (rc != 0)
		return rc < 0 ? EXIT_CTL_FAILED : 0;
	rc = args.address ? events_listen(args.address, args.json, &e)
			  : events_watch(&args.where, args.json, &e);
	return rc < 0 ? target_failed(c->name, &e) : 0;
}

static const struct option_row rows[] = {
	OPTIONS_WHERE(struct events_args, where),
	{ "address", 0, OPTION_TEXT, offsetof(struct events_args, address), "PATH",
		"listen there in the place of containerd" },
	{ "json", 0, OPTION_FLAG, offsetof(struct events_args, json), NULL,
		"print each as a line of JSON" },
	OPTIONS_END,
};

const struct command command_events = {
	.name = "events",
	.summary = "tell what happens to containers, until a signal",
	.synopsis = { "[OPTIONS]" },
	.about =
		"Asks all shims twice a second how their containers are, tells that, and from "
		"then\n"
		"on what has changed. This goes beside a containerd that runs, and with any shim;\n"
		"but it is not told why something happened, nor of execs, nor of a container that\n"
		"came and went in between.\n"
		"\n"
		"With --address it hears everything, at once, but only from shims that were "
		"started\n"
		"with PATH as their TTRPC_ADDRESS. A shim tells one listener, and what it has "
		"told\n"
		"is not told again: at the path of a containerd that is down, belayctl takes away\n"
		"what containerd should have heard.\n"
		"\n"
		"Exit status: 0; 125 if it failed, with the reason.\n",
	.rows = rows,
	.least = 0,
	.most = 0,
	.run = events_run,
};
