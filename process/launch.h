/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_LAUNCH_H
#define PROCESS_LAUNCH_H

/*
 * launch.h - the rows of an operation that ends with the init of a container: Create, and a Start
 * that restores.
 *
 * The runtime forks the init, writes its pid to init.pid and exits. Each of
 * these is a `run` or an `undo` of a row (base/op.h); the tables are in create.c
 * and start.c.
 */

#include "base/op.h"
#include "process/container.h"
#include "process/runtime/handover.h"

/* Embed it in the operation; wiring, the fields are public. */
struct launch {
	struct op op;
	struct container *ct;        /* borrowed */
	const char *verb;            /* of the runtime, for its errors */
	struct runtime_call runtime; /* that verb, in the end perhaps `delete --force` */
	struct handover handover;
	bool held;
};

static inline struct launch *launch_of(struct op *op)
{
	return container_of(op, struct launch, op);
}

/* Streams that are open already, since the Create of a Start, stay as they are. */
enum op_next launch_open_stdio(struct op *op);
enum op_next launch_close_stdio(struct op *op);
enum op_next launch_await_readers(struct op *op);
enum op_next launch_await_logger(struct op *op);
enum op_next launch_forget_old_pid(struct op *op);
enum op_next launch_open_handover(struct op *op);
enum op_next launch_close_handover(struct op *op);
enum op_next launch_hold_orphans(struct op *op);
enum op_next launch_release_orphans(struct op *op);

/* For a runtime that cannot even delete: its init must not outlive a launch that failed. */
enum op_next launch_kill_stray(struct op *op);

/* The row between begins a call with this as its on_exit. */
void launch_runtime_exited(struct runtime_call *call);
enum op_next launch_kill_runtime(struct op *op);
enum op_next launch_read_verdict(struct op *op);

/* Of a plan whose operation is a launch. */
void launch_let_go(struct op *op);

/* Also right when the runtime got half way, or nowhere. */
enum op_next launch_delete_container(struct op *op);
enum op_next launch_adopt_init(struct op *op);
enum op_next launch_drop_init(struct op *op);
enum op_next launch_find_cgroup(struct op *op);
enum op_next launch_forget_cgroup(struct op *op);
enum op_next launch_receive_console(struct op *op);
enum op_next launch_forget_console(struct op *op);
enum op_next launch_start_stdio(struct op *op);

#endif
