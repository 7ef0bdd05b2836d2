/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_TARGET_H
#define SHIM_CTL_TARGET_H

/*
 * target.h - the one container a command is about, and its shim, connected.
 */

#include "shim/ctl/ask.h"
#include "shim/ctl/find.h"

/* target_close() is right for one that is all zeroes. */
struct target {
	struct found_list all;
	const struct found *found; /* borrowed from all */
	struct ev_loop *loop;      /* owned */
	struct ask ask;
};

/* All of them: no one in particular. */
int target_find_all(struct target *t, const struct where *where, struct err *e);

int target_find(struct target *t, const struct where *where, const char *word, struct err *e);

/* The same, and connects. */
int target_open(struct target *t, const struct where *where, const char *word, struct err *e);
void target_close(struct target *t);

/* A command on one container, which its first operand names. */
struct errand {
	const struct command *command;
	void *args;                /* what its rows fill in */
	const struct where *where; /* part of args */

	/* @words are the operands behind the container. The exit status, or -1 and *e. */
	int (*act)(struct target *t, const void *args, char **words, struct err *e);
};

/* Parses, connects, acts. Returns the exit status of belayctl. */
int target_run(const struct errand *what, int argc, char **argv);

/* The same for a command on all, or on the one its first operand names: t->found. Does not connect.
 */
int target_run_all(const struct errand *what, int argc, char **argv);

/* What belayctl answers when @e is why it failed: EXIT_CTL_FAILED, with a line on stderr. */
int target_failed(const char *command, struct err *e);

#endif
