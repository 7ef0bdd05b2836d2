/* SPDX-License-Identifier: Apache-2.0 */

/*
 * main.c - belayctl: the command line, one subcommand a file.
 */

#include "base/attr.h"
#include "shim/ctl/commands.h"

#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
	&command_run,
	&command_ps,
	&command_inspect,
	&command_exec,
	&command_kill,
	&command_pause,
	&command_resume,
	&command_wait,
	&command_stats,
	&command_top,
	&command_events,
	&command_dump,
	&command_doctor,
};

static void print_usage(FILE *to)
{
	fprintf(to, "Usage: belayctl COMMAND [OPTIONS]\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to, "\n  --help     print this; also after a command\n"
		    "  --version  print the version\n");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(name, commands[i]->name) == 0)
			return commands[i]->run(commands[i], argc - 1, argv + 1);
	if (strcmp(name, "--version") == 0) {
		printf("belayctl %s\n", SHIM_VERSION);
		return 0;
	}
	if (strcmp(name, "--help") == 0) {
		print_usage(stdout);
		return 0;
	}
	if (name[0])
		fprintf(stderr, "belayctl: there is no command '%s'\n", name);
	print_usage(stderr);
	return EXIT_CTL_FAILED;
}
