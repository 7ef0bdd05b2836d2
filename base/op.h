/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_OP_H
#define BASE_OP_H

/*
 * op.h - an operation: work that takes more than one turn of the loop.
 *
 * An operation is a table of steps. A step finishes at once, or arms a watcher
 * and waits. When one fails, or the deadline passes, the operation unwinds: the
 * undo of every step entered so far runs, last one first, and may itself wait.
 * Then finish() runs, exactly once, with op->err telling how it went.
 *
 *	static const struct op_step steps[] = {
 *		{ "mount rootfs", mount_rootfs, unmount_rootfs },
 *		{ "safety net",   NULL,         delete_container },
 *		{ "run runtime",  run_runtime,  kill_runtime },
 *	};
 *
 * One row acquires one thing. Embed struct op; its fields are private, but for
 * `err`, which a step that fails fills in.
 */

#include "base/err.h"
#include "base/list.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct op;

/*
 * How long one undo may wait, in seconds. An undo that waits for a process in
 * uninterruptible sleep would otherwise keep its caller for ever. When it is
 * over the wait is given up with a line in the log, and after let_go() the row
 * above goes on.
 */
#define OP_UNDO_GRACE_S 10.

enum op_next {
	OP_DONE, /* go on to the next step */
	OP_WAIT, /* a watcher is armed; it will call op_resume() */
	OP_FAIL, /* op->err says why; unwind. From an undo: as OP_DONE */
};

/* Either function may be NULL: nothing to do. A row with only an undo is a safety net. */
struct op_step {
	const char *name; /* for errors, the log and the tests */
	enum op_next (*run)(struct op *op);

	/* Takes back what run() did, be it all, half or nothing. */
	enum op_next (*undo)(struct op *op);
};

struct op_plan {
	const char *name;
	const struct op_step *steps;
	size_t n_steps;
	void (*finish)(struct op *op); /* may free the operation */

	/*
	 * Ends and forgets all that may still be armed, so that nothing resumes a
	 * wait that was given up: it would be taken for the end of the next one.
	 * When an undo has outlived its grace, and before finish(). May be NULL.
	 */
	void (*let_go)(struct op *op);
};

struct op {
	struct list in; /* the list of op_start_in(), or none */
	const struct op_plan *plan;
	struct ev_loop *loop;
	ev_timer timer;
	size_t at;        /* index of the step being run or undone */
	int64_t since_ns; /* when that step began; monotonic */
	bool unwinding;
	bool inside; /* a step is on the stack */
	struct err err;
};

/*
 * Runs @plan until its first wait. @op must stay put until finish() has run,
 * which may be before op_start() returns. After @deadline_s seconds the
 * operation unwinds by itself with DEADLINE_EXCEEDED; 0 means never.
 */
void op_start(struct op *op, struct ev_loop *loop, const struct op_plan *plan, double deadline_s);

/* The same; until finish() runs it is in the list @under_way, for whoever wants to know. */
void op_start_in(struct list *under_way, struct op *op, struct ev_loop *loop,
	const struct op_plan *plan, double deadline_s);

/* The step that waited is over. To be called from a watcher, never from a step. */
void op_resume(struct op *op, enum op_next next);

/* Gives up waiting and unwinds. op->err must be set. Without effect once unwinding. */
void op_abort(struct op *op);

/* The step it is in, for people. */
const char *op_step_name(const struct op *op);

/* True makes the step just done fail after all. A test defines its own; the product's never does.
 */
bool op_fault(const struct op *op);

#endif
