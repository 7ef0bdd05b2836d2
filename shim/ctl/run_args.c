/* SPDX-License-Identifier: Apache-2.0 */

/*
 * run_args.c - the command line of `belayctl run`.
 */

#include "base/attr.h"
#include "base/id.h"
#include "shim/ctl/commands.h"
#include "shim/ctl/find.h"
#include "shim/ctl/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Folders in --state, beside those of containers: of sockets, of the runtime, of streams of execs.
 */
static bool is_ours(const char *name)
{
	static const char *const ours[] = { "s", "runtime", "exec" };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return false;
}

static int check_name(const struct command *c, const char *name)
{
	if (!id_is_valid(name))
		return options_complain(
			c, "--name: letters and digits, joined by single '.', '_' or '-'");
	return is_ours(name) ? options_complain(c, "--name %s: belayctl itself uses it", name) : 0;
}

static int check(const struct command *c, const struct run_args *a)
{
	if (!a->rootfs == !a->bundle)
		return options_complain(c, "%s",
			a->rootfs ? "--rootfs and --bundle exclude each other"
				  : "--rootfs DIR or --bundle DIR is missing");
	if (a->rootfs && !a->command[0])
		return options_complain(c, "no command to run");
	if (a->bundle && a->command[0])
		return options_complain(c, "--bundle: the command is the one in config.json");
	if (a->bundle && !spec_options_are_empty(&a->options))
		return options_complain(c, "--bundle: its config.json says it all; options that "
					   "change it go with --rootfs");
	if (a->name && check_name(c, a->name) < 0)
		return -1;
	if (a->terminal && !isatty(STDIN_FILENO))
		return options_complain(c, "-t needs a terminal on standard input");
	if (a->state[0] != '/')
		return options_complain(c, "--state: not an absolute path");
	return 0;
}

static int run_main(const struct command *c, int argc, char **argv)
{
	struct run_args a = { .runtime = "", .state = FIND_STATE_BELAY };
	int first, rc = options_parse(c, argc, argv, &a, &first);

	if (rc == 0) {
		a.command = argv + first;
		rc = check(c, &a);
	}
	if (rc != 0)
		return rc < 0 ? EXIT_CTL_FAILED : 0;
	return run_container(&a);
}

#define AT(member) offsetof(struct run_args, member)

static const struct option_row rows[] = {
	{ "rootfs", 0, OPTION_TEXT, AT(rootfs), "DIR",
		"the root filesystem; changes are written to it" },
	{ "bundle", 0, OPTION_TEXT, AT(bundle), "DIR",
		"an OCI bundle instead: its config.json is used as it is" },
	{ "interactive", 'i', OPTION_FLAG, AT(interactive), NULL,
		"give the container our standard input" },
	{ "tty", 't', OPTION_FLAG, AT(terminal), NULL,
		"give it a terminal: ours, in raw mode meanwhile;\nimplies -i" },
	{ "env", 'e', OPTION_LIST, AT(options.env), "NAME=VALUE",
		"in its environment; NAME alone is as with us;\nmay be repeated" },
	{ "user", 'u', OPTION_TEXT, AT(options.user), "USER[:GROUP]",
		"names in the root filesystem, or numbers (default 0:0)" },
	{ "cwd", 0, OPTION_TEXT, AT(options.cwd), "DIR", "its working directory (default /)" },
	{ "mount", 0, OPTION_LIST, AT(options.mounts), "SOURCE:TARGET[:ro]",
		"show a file or folder of ours in the container;\nmay be repeated" },
	{ "read-only", 0, OPTION_FLAG, AT(options.read_only), NULL,
		"nothing can be written to the root filesystem" },
	{ "memory", 0, OPTION_TEXT, AT(options.memory), "BYTES",
		"its limit; with k, m, g or t behind: 512m, 1.5g" },
	{ "cpus", 0, OPTION_TEXT, AT(options.cpus), "NUMBER",
		"how many processors' time it may use: 0.5, 2" },
	{ "runtime", 0, OPTION_TEXT, AT(runtime), "BIN",
		"the OCI runtime: runc (default), crun, or a path" },
	{ "name", 0, OPTION_TEXT, AT(name), "ID", "container id; one is made up by default" },
	{ "state", 0, OPTION_TEXT, AT(state), "DIR",
		"where bundles and sockets go (default " FIND_STATE_BELAY ")" },
	{ "shim", 0, OPTION_TEXT, AT(shim), "PATH",
		"the shim to use; default: beside belayctl, else in $PATH" },
	{ "debug", 0, OPTION_FLAG, AT(debug), NULL, "show the shim's log on standard error" },
	OPTIONS_END,
};

const struct command command_run = {
	.name = "run",
	.summary = "run a container through a shim, without containerd",
	.synopsis = { "[OPTIONS] --rootfs DIR [--] COMMAND [ARG...]", "[OPTIONS] --bundle DIR" },
	.about = "Runs COMMAND in a container and exits with its status. The container gets its\n"
		 "own pid, ipc, uts, mount and network namespaces, DIR as its root, and\n"
		 "belayctl's standard output and error; an empty input without -i. SIGINT, "
		 "SIGTERM,\n"
		 "SIGHUP, SIGQUIT and SIGUSR1 are passed on.\n"
		 "\n"
		 "Exit status: the container's, 128 + N if signal N ended it, or 125 if belayctl\n"
		 "itself failed.\n",
	.rows = rows,
	.least = 0,
	.most = -1,
	.stops_at_operand = true,
	.run = run_main,
};
