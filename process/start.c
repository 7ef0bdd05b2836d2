/* SPDX-License-Identifier: Apache-2.0 */

/*
 * start.c - the Start operation of an init.
 */

#include "base/op.h"
#include "process/ops.h"

#include <stdlib.h>

struct start {
	struct op op;
	struct job job;
	struct container *ct; /* borrowed: a container outlives its operations */
	struct runtime_call runtime;
	double deadline_s;
	start_done_fn *done;
	void *user;
};

static struct start *from_op(struct op *op)
{
	return container_of(op, struct start, op);
}

static enum op_next check_state(struct op *op)
{
	return state_check(from_op(op)->ct->init.state, VERB_START, &op->err) < 0 ? OP_FAIL
										  : OP_DONE;
}

static void runtime_exited(struct runtime_call *call)
{
	struct start *s = container_of(call, struct start, runtime);

	op_resume(&s->op, OP_DONE);
	/* s may be gone */
}

static enum op_next run_runtime(struct op *op)
{
	struct start *s = from_op(op);

	if (runtime_start(&s->runtime, &s->ct->runtime, runtime_exited, &op->err) < 0) {
		err_wrap(&op->err, "OCI runtime start failed");
		return OP_FAIL;
	}
	return OP_WAIT; /* runtime_exited() goes on */
}

static enum op_next kill_runtime(struct op *op)
{
	return runtime_kill(&from_op(op)->runtime) ? OP_WAIT : OP_DONE;
}

static enum op_next read_verdict(struct op *op)
{
	if (runtime_verdict(&from_op(op)->runtime, &op->err) == 0)
		return OP_DONE;
	err_wrap(&op->err, "OCI runtime start failed");
	return OP_FAIL;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "check state",  check_state,  NULL         },
	{ "run runtime",  run_runtime,  kill_runtime }, /* waits for its exit */
	{ "read verdict", read_verdict, NULL         },
	/* clang-format on */
};

static void finish(struct op *op)
{
	struct start *s = from_op(op);
	struct container *ct = s->ct;

	runtime_call_fini(&s->runtime);
	if (!err_is_set(&op->err))
		process_set_state(&ct->init, STATE_RUNNING);
	s->done(s->user, &ct->init, &op->err);
	/* A short life may be over already; only now may anybody hear of it. */
	process_release_news(&ct->init);
	container_job_done(ct, &s->job);
	/* ct may be gone */
	free(s);
}

static const struct op_plan plan = { "start", steps, ARRAY_LEN(steps), finish };

static void begin(struct job *j)
{
	struct start *s = container_of(j, struct start, job);

	process_hold_news(&s->ct->init);
	op_start(&s->op, s->ct->set->loop, &plan, s->deadline_s);
}

static void drop(struct job *j, const struct err *e)
{
	struct start *s = container_of(j, struct start, job);

	s->done(s->user, &s->ct->init, e);
	free(s);
}

void start_begin(struct container *ct, double deadline_s, start_done_fn *done, void *user)
{
	struct start *s = calloc(1, sizeof(*s));
	struct err e = ERR_INIT;

	if (!s) {
		err_oom(&e);
		done(user, &ct->init, &e);
		return;
	}
	s->job = (struct job){ .begin = begin, .drop = drop };
	s->ct = ct;
	s->runtime = RUNTIME_CALL_NONE;
	s->deadline_s = deadline_s > 0 ? deadline_s : OPERATION_DEADLINE_S;
	s->done = done;
	s->user = user;
	if (container_enqueue(ct, &s->job, &e) < 0)
		drop(&s->job, &e);
}
