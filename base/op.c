/* SPDX-License-Identifier: Apache-2.0 */
#include "base/op.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/turn.h"

#include <assert.h>

__attribute__((weak)) bool op_fault(const struct op *op)
{
	(void)op;
	return false;
}

const char *op_step_name(const struct op *op)
{
	return op->plan->steps[op->at].name;
}

static enum op_next op_call(struct op *op)
{
	const struct op_step *step = &op->plan->steps[op->at];
	enum op_next (*fn)(struct op *) = op->unwinding ? step->undo : step->run;

	op->since_ns = clock_mono_ns();
	turn_note(op->loop, op->plan->name, step->name);
	return fn ? fn(op) : OP_DONE;
}

/* Moves to the step that runs next. Returns false when there is none. */
static bool op_advance(struct op *op, enum op_next next)
{
	if (op->unwinding) {
		/* A failed undo is not a reason to skip the ones before it. */
		if (op->at == 0)
			return false;
		op->at--;
		return true;
	}
	if (next == OP_DONE && op_fault(op)) {
		err_set(&op->err, STATUS_UNKNOWN, "injected fault");
		next = OP_FAIL;
	}
	if (next == OP_FAIL) {
		assert(err_is_set(&op->err));
		ev_timer_stop(op->loop, &op->timer);
		op->unwinding = true;
		return true; /* the step that failed undoes its own half first */
	}
	return ++op->at < op->plan->n_steps;
}

static void start_grace(struct op *op)
{
	ev_timer_stop(op->loop, &op->timer);
	ev_timer_set(&op->timer, OP_UNDO_GRACE_S, 0.);
	ev_timer_start(op->loop, &op->timer);
}

static void op_let_go(struct op *op)
{
	if (op->plan->let_go)
		op->plan->let_go(op);
}

static void op_run(struct op *op, enum op_next next)
{
	assert(!op->inside);
	op->inside = true;
	while (next != OP_WAIT && op_advance(op, next))
		next = op_call(op);
	op->inside = false;
	if (next == OP_WAIT) {
		if (op->unwinding)
			start_grace(op);
		return;
	}
	ev_timer_stop(op->loop, &op->timer);
	list_remove(&op->in);
	op_let_go(op);
	op->plan->finish(op);
	/* op may be gone */
}

static void on_expired(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct op *op = container_of(timer, struct op, timer);

	(void)loop;
	(void)revents;
	if (op->unwinding) {
		log_warn("undo", "op=%s step=\"%s\" waited=%.0fs, giving up that step",
			op->plan->name, op_step_name(op), OP_UNDO_GRACE_S);
		op_let_go(op);
		op_run(op, OP_DONE);
		return;
	}
	err_set(&op->err, STATUS_DEADLINE_EXCEEDED, "%s: timed out in step '%s'", op->plan->name,
		op_step_name(op));
	op_run(op, OP_FAIL);
}

void op_start_in(struct list *under_way, struct op *op, struct ev_loop *loop,
	const struct op_plan *plan, double deadline_s)
{
	enum op_next next;

	*op = (struct op){ .plan = plan, .loop = loop };
	list_init(&op->in);
	if (under_way)
		list_append(under_way, &op->in);
	ev_timer_init(&op->timer, on_expired, deadline_s, 0.);
	if (deadline_s > 0)
		ev_timer_start(loop, &op->timer);
	op->inside = true;
	next = op_call(op);
	op->inside = false;
	op_run(op, next);
}

void op_start(struct op *op, struct ev_loop *loop, const struct op_plan *plan, double deadline_s)
{
	op_start_in(NULL, op, loop, plan, deadline_s);
}

void op_resume(struct op *op, enum op_next next)
{
	assert(next != OP_WAIT);
	op_run(op, next);
}

void op_abort(struct op *op)
{
	assert(err_is_set(&op->err));
	if (!op->unwinding)
		op_run(op, OP_FAIL);
}
