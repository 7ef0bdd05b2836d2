/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"
#include "shim/ctl/run.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

static const char usage[] =
	"Usage: belayctl run [OPTIONS] --rootfs DIR [--] COMMAND [ARG...]\n"
	"       belayctl run [OPTIONS] --bundle DIR\n"
	"\n"
	"Runs COMMAND in a container and exits with its status. The container gets its\n"
	"own pid, ipc, uts, mount and network namespaces, DIR as its root, and\n"
	"belayctl's standard streams. SIGINT and SIGTERM are passed on to it.\n"
	"\n"
	"Options:\n"
	"  --rootfs DIR    the root filesystem; changes are written to it\n"
	"  --bundle DIR    an OCI bundle instead: its config.json is used as it is\n"
	"  -t, --tty       give the container a terminal: ours, in raw mode meanwhile\n"
	"  --runtime BIN   the OCI runtime: runc (default), crun, or a path\n"
	"  --name ID       container id; one is made up by default\n"
	"  --state DIR     where bundles and sockets go (default " RUN_STATE_DEFAULT ")\n"
	"  --shim PATH     the shim to use; default: beside belayctl, else in $PATH\n"
	"  --debug         show the shim's log on standard error\n"
	"  --help          print this\n"
	"\n"
	"Exit status: the container's, 128 + N if signal N ended it, or 125 if belayctl\n"
	"itself failed.\n";

enum {
	OPT_ROOTFS = 1,
	OPT_BUNDLE,
	OPT_RUNTIME,
	OPT_NAME,
	OPT_STATE,
	OPT_SHIM,
	OPT_DEBUG,
	OPT_HELP
};

static const struct option options[] = {
	{ "rootfs", required_argument, NULL, OPT_ROOTFS },
	{ "bundle", required_argument, NULL, OPT_BUNDLE },
	{ "tty", no_argument, NULL, 't' },
	{ "runtime", required_argument, NULL, OPT_RUNTIME },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "shim", required_argument, NULL, OPT_SHIM },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int complain(const char *what)
{
	fprintf(stderr, "belayctl run: %s\nTry 'belayctl run --help'.\n", what);
	return -1;
}

static int check(const struct run_args *a)
{
	if (!a->rootfs == !a->bundle)
		return complain(a->rootfs ? "--rootfs and --bundle exclude each other"
					  : "--rootfs DIR or --bundle DIR is missing");
	if (a->rootfs && !a->command[0])
		return complain("no command to run");
	if (a->bundle && a->command[0])
		return complain("--bundle: the command is the one in config.json");
	if (a->name && !id_is_valid(a->name))
		return complain("--name: letters and digits, joined by single '.', '_' or '-'");
	if (a->terminal && !isatty(STDIN_FILENO))
		return complain("-t needs a terminal on standard input");
	if (a->state[0] != '/')
		return complain("--state: not an absolute path");
	return 0;
}

int run_parse(struct run_args *ret, int argc, char **argv)
{
	struct run_args a = { .runtime = "", .state = RUN_STATE_DEFAULT };
	int opt;

	while ((opt = getopt_long(argc, argv, "+t", options, NULL)) != -1) {
		switch (opt) {
		case OPT_ROOTFS:
			a.rootfs = optarg;
			break;
		case OPT_BUNDLE:
			a.bundle = optarg;
			break;
		case 't':
			a.terminal = true;
			break;
		case OPT_RUNTIME:
			a.runtime = optarg;
			break;
		case OPT_NAME:
			a.name = optarg;
			break;
		case OPT_STATE:
			a.state = optarg;
			break;
		case OPT_SHIM:
			a.shim = optarg;
			break;
		case OPT_DEBUG:
			a.debug = true;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			return 1;
		default: /* getopt has said what */
			fprintf(stderr, "Try 'belayctl run --help'.\n");
			return -1;
		}
	}
	a.command = argv + optind;
	*ret = a;
	return check(&a);
}
