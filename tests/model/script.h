/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MODEL_SCRIPT_H
#define TESTS_MODEL_SCRIPT_H

/*
 * script.h - what a client asks, step by step: a random life that follows from its seed.
 */

#include <stddef.h>
#include <stdint.h>

#define STEPS_MAX 40

/* Of after_s: once all that was asked of that container is answered. */
#define WHEN_ANSWERED (-1.)

enum action {
	CREATE,
	START,
	EXEC,
	START_EXEC,
	KILL,
	KILL_EXEC,
	DELETE,
	DELETE_EXEC,
	WAIT,
	WAIT_EXEC,
	STATE,
	PAUSE,
	RESUME,
	UPDATE,
	HANG_UP,
	SHUTDOWN,
	N_ACTIONS
};

struct step {
	double after_s;
	enum action action;
	unsigned ct, exec, how;
};

struct script {
	uint64_t seed;
	size_t n;
	struct step step[STEPS_MAX];
};

/* Three steps of four are what follows, if all before went well: so most things are reached. */
struct script script_of(uint64_t seed);

/* "Start exec" and the like. */
const char *action_name(enum action a);
void script_print(const struct script *s);

#endif
