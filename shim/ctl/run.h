/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_RUN_H
#define SHIM_CTL_RUN_H

/*
 * run.h - `belayctl run`: a container from start to end, without containerd.
 */

#include "shim/ctl/spec_options.h"

#include <stdbool.h>

struct run_args {
	const char *rootfs;  /* all borrowed from argv; NULL: @bundle */
	const char *bundle;  /* whose config.json says it all */
	const char *runtime; /* "" is runc */
	const char *name;    /* NULL: one is made up */
	const char *state;   /* folder for bundles, sockets and the runtime's state */
	const char *shim;    /* NULL: beside belayctl, else in $PATH */
	struct spec_options options;
	bool debug;
	bool terminal, interactive;
	char *const *command; /* up to NULL */
};

/* Returns the exit status of the container, or EXIT_CTL_FAILED with a line on stderr. */
int run_container(const struct run_args *args);

#endif
