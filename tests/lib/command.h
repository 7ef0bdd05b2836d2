/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_COMMAND_H
#define TESTS_LIB_COMMAND_H

/*
 * command.h - runs a program and waits for it, but not for what it leaves running.
 */

#include "base/attr.h"

struct command {
	int code;     /* as a shell has it: 128 + signal */
	char *output; /* stdout and stderr; owned */
};

/* Runs a line of shell; it fails the test only if there is no shell. */
struct command command_run(const char *fmt, ...) PRINTF_LIKE(1, 2);

void command_fini(struct command *c);

#endif
