/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_LAUNCH_H
#define SHIM_CTL_LAUNCH_H

/*
 * launch.h - a shim started as containerd starts one: BootstrapParams on its
 * stdin, a BootstrapResult on its stdout.
 *
 * The current folder must be the bundle.
 */

#include "base/err.h"
#include "reaper/child.h"

#include <limits.h>
#include <stdbool.h>

struct reaper;

struct launch_args {
	const char *shim; /* path, or NULL for the default */
	const char *id;
	const char *state;
	bool debug;
};

struct launch {
	struct child child;
	int output; /* owned; what it printed */
	struct exit_status status;
	void (*on_exit)(struct launch *l);
	char binary[PATH_MAX];
	char events[PATH_MAX]; /* where the shim is to send its events */
};

#define LAUNCH_NONE ((struct launch){ .child = { .pidfd = -1 }, .output = -1 })

/* The namespace of containerd that belayctl's containers are in. */
#define LAUNCH_NAMESPACE "belay"

/* `start`. 0: on_exit follows. */
int launch_start(struct launch *l, struct reaper *r, const struct launch_args *args,
	void (*on_exit)(struct launch *l), struct err *e);

/* After on_exit: the address, without its scheme. -1: what the shim said. */
int launch_address(const struct launch *l, char *ret, size_t room, struct err *e);

/* `delete`, for one that went wrong. 0: on_exit follows. */
int launch_delete(struct launch *l, struct reaper *r, const struct launch_args *args,
	void (*on_exit)(struct launch *l), struct err *e);

void launch_fini(struct launch *l);

#endif
