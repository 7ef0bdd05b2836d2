/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_DRAIN_H
#define PROCESS_DRAIN_H

/*
 * drain.h - a step that waits until a client has taken what a process left in its pipes.
 */

#include "base/op.h"
#include "process/io/stdio.h"

/*
 * How long a slow client may hold up the end of a process, in seconds. Only
 * what had been written by its end is waited for, so a background child that
 * keeps a stream open delays nothing.
 */
#define DRAIN_MAX_S 10.

/* Embed it; the fields are private. */
struct drain {
	struct op *op;    /* borrowed: what to resume */
	struct stdio *io; /* borrowed while it is waited for, else NULL */
	ev_timer timer;
};

void drain_init(struct drain *d);

/* OP_DONE, also without @io; or OP_WAIT, and @op is resumed. */
enum op_next drain_begin(struct drain *d, struct op *op, struct stdio *io);

/* The undo. Accepts one that never began. */
void drain_stop(struct drain *d);

#endif
