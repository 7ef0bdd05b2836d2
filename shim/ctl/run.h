/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_RUN_H
#define SHIM_CTL_RUN_H

/*
 * run.h - `belayctl run`: a container from start to end, without containerd.
 */

#include <stdbool.h>

#define RUN_STATE_DEFAULT "/run/belay"

/* belayctl's own failure, as with docker: a container's status can be anything else. */
#define EXIT_CTL_FAILED 125

struct run_args {
	const char *rootfs;  /* all borrowed from argv; NULL: @bundle */
	const char *bundle;  /* whose config.json says it all */
	const char *runtime; /* "" is runc */
	const char *name;    /* NULL: one is made up */
	const char *state;   /* folder for bundles, sockets and the runtime's state */
	const char *shim;    /* NULL: beside belayctl, else in $PATH */
	bool debug;
	bool terminal;
	char *const *command; /* up to NULL */
};

/* argv[0] is "run". Returns -1 with a line on stderr, 1 when only help was asked for. */
int run_parse(struct run_args *ret, int argc, char **argv);

/* Returns the exit status of the container, or EXIT_CTL_FAILED with a line on stderr. */
int run_container(const struct run_args *args);

#endif
