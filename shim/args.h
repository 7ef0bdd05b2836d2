/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_ARGS_H
#define SHIM_ARGS_H

/*
 * args.h - what containerd passes on the command line and in the environment.
 *
 * Checked once, read-only afterwards. Flags as Go's flag package takes them:
 * -x v, --x v, -x=v, --x=v; a bool takes no word of its own; the first word
 * that is no flag is the action, and an unknown action means serve.
 */

#include "base/err.h"

#include <stdbool.h>

enum action {
	ACTION_SERVE,
	ACTION_START,
	ACTION_DELETE
};

struct args {
	const char *ns; /* all borrowed from argv and environ; "" if absent */
	const char *id;
	const char *address; /* containerd's gRPC socket */
	const char *socket;  /* serve: where to listen, instead of descriptor 3 */
	bool debug, version, info, help;
	enum action action;

	const char *ttrpc_address; /* TTRPC_ADDRESS: where events go */
	bool knows_json;           /* MAX_SHIM_VERSION: a daemon of 1.7 or later */
	bool sched_core;           /* SCHED_CORE: a core scheduling domain of its own */
};

/* -1: an unknown flag or a missing value, to be told with the usage and exit 2. */
int args_parse(struct args *ret, int argc, char **argv, struct err *e);

/* What cannot be served without. -1 and *e. */
int args_check(const struct args *a, struct err *e);

extern const char args_usage[];

#endif
