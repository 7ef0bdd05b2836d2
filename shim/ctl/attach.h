/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_ATTACH_H
#define SHIM_CTL_ATTACH_H

/*
 * attach.h - a process of a container that has our streams, our terminal and
 * our signals: what run and exec share. They are operations (base/op.h); the
 * attached_* functions below are rows of both.
 */

#include "base/op.h"
#include "proto/client.h"
#include "reaper/reaper.h"
#include "reaper/signals.h"
#include "shim/ctl/folder.h"
#include "shim/ctl/relay.h"
#include "shim/ctl/request.h"
#include "shim/ctl/terminal.h"

#include <stdbool.h>
#include <stdint.h>

/* Embed it. */
struct attached {
	struct op op;
	struct ev_loop *loop; /* owned */
	struct signals signals;
	struct reaper reaper;

	/* Set before attached_run(); the names are borrowed. */
	const char *ns;
	struct request_about about; /* whose client is ours */
	bool has_terminal, has_input;

	struct folder folder; /* ours while it lives, with the FIFOs in it; the current one too */
	struct streams streams;
	struct client client;
	struct client_call call; /* of the step that runs */
	struct client_call signal, close_stdin, resize;
	struct terminal terminal;
	bool is_there; /* there is somebody to send signals to */
	bool has_exited, awaits_output, awaits_end, is_done;
	uint32_t exit_status;
};

/* Loop, signals, reaper; @a is all zeroes but for what is set before. */
int attached_init(struct attached *a, struct err *e);

/* Runs the plan, whose finish() is attached_finish(). a->op.err tells how it went. */
void attached_run(struct attached *a, const struct op_plan *plan);
void attached_finish(struct op *op);
void attached_fini(struct attached *a);

/* Asks the task service, in a step that waits: attached_answered() goes on. */
enum op_next attached_ask(
	struct attached *a, const char *method, const ProtobufCMessage *m, double timeout_s);
void attached_answered(
	struct client_call *call, const struct err *e, const uint8_t *payload, size_t n);

/* The same in an undo: whatever the answer is, it goes on, and op.err stays why it unwinds. */
enum op_next attached_ask_to_undo(
	struct attached *a, const char *method, const ProtobufCMessage *m);

/* Rows. */
enum op_next attached_remove_folder(struct op *op);
enum op_next attached_start_relays(struct op *op);
enum op_next attached_stop_relays(struct op *op);
enum op_next attached_take_terminal(struct op *op);
enum op_next attached_give_terminal_back(struct op *op);
enum op_next attached_start(struct op *op);
enum op_next attached_tell_size(struct op *op);
enum op_next attached_await_exit(struct op *op);
enum op_next attached_await_output(struct op *op);
enum op_next attached_delete(struct op *op);
enum op_next attached_await_end(struct op *op); /* of the shim */

/* Undos of a process that there may be: from the last to the first. */
enum op_next attached_drop_it(struct op *op); /* from the shim's table; refused while it runs */
enum op_next attached_see_it_die(struct op *op);
enum op_next attached_kill_it(struct op *op);

/* A random id that begins with @prefix. 0 or -errno. */
int attached_make_up_id(const char *prefix, char *ret, size_t room);

static inline enum op_next done_or_fail(int rc)
{
	return rc < 0 ? OP_FAIL : OP_DONE;
}

static inline enum op_next wait_or_fail(int rc)
{
	return rc < 0 ? OP_FAIL : OP_WAIT;
}

#endif
