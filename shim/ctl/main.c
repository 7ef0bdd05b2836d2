/* SPDX-License-Identifier: Apache-2.0 */

/*
 * main.c - belayctl: the command line, one subcommand a file.
 */

#include "shim/ctl/run.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "Usage: belayctl COMMAND [OPTIONS]\n"
			    "\n"
			    "Commands:\n"
			    "  run      run a container through a shim, without containerd\n"
			    "\n"
			    "  --help     print this; also after a command\n"
			    "  --version  print the version\n";

static int run(int argc, char **argv)
{
	struct run_args args;
	int rc = run_parse(&args, argc, argv);

	if (rc != 0)
		return rc < 0 ? EXIT_CTL_FAILED : 0;
	return run_container(&args);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (strcmp(command, "run") == 0)
		return run(argc - 1, argv + 1);
	if (strcmp(command, "--version") == 0) {
		printf("belayctl %s\n", SHIM_VERSION);
		return 0;
	}
	if (strcmp(command, "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (command[0])
		fprintf(stderr, "belayctl: there is no command '%s'\n", command);
	fputs(usage, stderr);
	return EXIT_CTL_FAILED;
}
