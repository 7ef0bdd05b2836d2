/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROOF_STRANGERS_H
#define TESTS_PROOF_STRANGERS_H

/*
 * strangers.h - processes that are none of the shim's, in its pid namespace.
 *
 * They use up numbers, and would die of a signal, or lose their status to a
 * wait, that went astray: each ends as it should, or the program is broken().
 */

#include "tests/proof/stage.h"

struct stranger {
	struct child child;
	struct stage *stage; /* borrowed */
	_Atomic long *count; /* borrowed; shared with the churner */
	int code;
	bool is_last;
};

/* Embed it, or keep it on the stack; the fields are private. */
struct strangers {
	struct child churner;
	struct stranger one[2];
};

/* @count, in shared memory, is how many there have been. */
void strangers_begin(struct strangers *all, struct stage *stage, _Atomic long *count);
void strangers_end(struct strangers *all);

#endif
