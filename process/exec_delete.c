/* SPDX-License-Identifier: Apache-2.0 */

/*
 * exec_delete.c - the Delete operation of an exec.
 *
 * It takes its turn in the queue of the container, so that the container
 * outlives it. By the time of its turn another Delete may have been there: it
 * knows the exec by its id.
 */

#include "base/auto.h"
#include "base/id.h"
#include "base/op.h"
#include "process/drain.h"
#include "process/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct exec_delete {
	struct op op;
	struct job job;
	struct container *ct; /* borrowed: a container outlives its operations */
	char exec_id[ID_MAX + 1];
	struct process *p; /* once it is our turn */
	struct drain drain;
	double deadline_s;
	exec_delete_done_fn *done;
	void *user;
};

static struct exec_delete *from_op(struct op *op)
{
	return container_of(op, struct exec_delete, op);
}

static enum op_next check_state(struct op *op)
{
	struct exec_delete *d = from_op(op);
	struct process *p = container_process(d->ct, d->exec_id, &op->err);

	if (!p || state_check(p->is_starting ? STATE_RUNNING : p->state, VERB_DELETE, &op->err) < 0)
		return OP_FAIL;
	d->p = p;
	return OP_DONE;
}

static enum op_next drain_stdio(struct op *op)
{
	struct exec_delete *d = from_op(op);

	return drain_begin(&d->drain, op, d->p->io);
}

static enum op_next stop_drain(struct op *op)
{
	drain_stop(&from_op(op)->drain);
	return OP_DONE;
}

static void logger_ended(void *user)
{
	struct exec_delete *d = user;

	op_resume(&d->op, OP_DONE);
	/* d may be gone */
}

static enum op_next end_logger(struct op *op)
{
	struct exec_delete *d = from_op(op);
	struct logger *logger = d->p->logger;

	return !logger || logger_end(logger, logger_ended, d) ? OP_DONE : OP_WAIT;
}

static enum op_next close_stdio(struct op *op)
{
	struct exec_delete *d = from_op(op);

	if (d->p)
		process_close_stdio(d->p);
	return OP_DONE;
}

static enum op_next remove_pid_file(struct op *op)
{
	struct exec_delete *d = from_op(op);
	char name[sizeof(d->exec_id) + sizeof(EXEC_PID_FILE)];

	snprintf(name, sizeof(name), EXEC_PID_FILE, d->exec_id);
	(void)unlinkat(d->ct->bundle_fd, name, 0); /* gone already is as good */
	return OP_DONE;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "check state",     check_state,     NULL       },
	{ "drain stdio",     drain_stdio,     stop_drain }, /* waits for a slow client */
	{ "end logger",      end_logger,      close_stdio }, /* waits, if there is one */
	{ "remove pid file", remove_pid_file, NULL       },
	/* clang-format on */
};

static void finish(struct op *op)
{
	struct exec_delete *d = from_op(op);
	bool failed = err_is_set(&op->err);

	d->done(d->user, failed ? NULL : d->p, &op->err);
	if (!failed) {
		process_release_waiters(d->p); /* of one that was never started */
		process_free(d->p);
	}
	container_job_done(d->ct, &d->job);
	/* d->ct may be gone */
	free(d);
}

static const struct op_plan plan = { "delete exec", steps, ARRAY_LEN(steps), finish, NULL };

static void begin(struct job *j)
{
	struct exec_delete *d = container_of(j, struct exec_delete, job);

	container_run(d->ct, &d->op, &plan, d->deadline_s);
}

static void drop(struct job *j, const struct err *e)
{
	struct exec_delete *d = container_of(j, struct exec_delete, job);

	d->done(d->user, NULL, e);
	free(d);
}

void exec_delete_begin(struct process *p, double deadline_s, exec_delete_done_fn *done, void *user)
{
	struct exec_delete *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;

	if (!d) {
		err_oom(&e);
		done(user, NULL, &e);
		return;
	}
	d->job = (struct job){ .begin = begin, .drop = drop };
	d->ct = p->ct;
	snprintf(d->exec_id, sizeof(d->exec_id), "%s", p->exec_id);
	drain_init(&d->drain);
	d->deadline_s = deadline_s > 0 ? deadline_s : OPERATION_DEADLINE_S;
	d->done = done;
	d->user = user;
	if (container_enqueue(d->ct, &d->job, &e) < 0)
		drop(&d->job, &e);
}
