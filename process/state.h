/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_STATE_H
#define PROCESS_STATE_H

/*
 * state.h - what may be asked of a process, by the state it is in; as data.
 */

#include "base/err.h"

enum state {
	STATE_CREATED,
	STATE_CREATED_CHECKPOINT, /* from an image, which Start will restore */
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_STOPPED,
	STATE_DELETED,
	N_STATES
};

enum verb {
	VERB_START,
	VERB_DELETE,
	VERB_KILL,
	VERB_EXEC,
	VERB_PAUSE,
	VERB_RESUME,
	VERB_UPDATE,
	VERB_CHECKPOINT,
	N_VERBS
};

/* For people. */
const char *state_name(enum state s);

/*
 * 0, or the code and the very words the reference answers with: clients match
 * on them. A wrong state is UNKNOWN there, not FAILED_PRECONDITION.
 */
int state_check(enum state s, enum verb v, struct err *e);

/* Whether a process may go from one state to another; process_set_state() asserts it. */
bool state_may_follow(enum state from, enum state to);

#endif
