/* SPDX-License-Identifier: Apache-2.0 */

/*
 * exec_delete.c - the Delete operation of an exec.
 *
 * It queues behind nothing but another Delete of the same exec: a client that
 * does not read what one exec has left holds up nobody else. The Delete of the
 * container waits for those that are under way, since they hold on to it.
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
	struct list link;  /* in the deletes of its process */
	struct process *p; /* borrowed: it is ours to free at the end */
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
	const struct process *p = from_op(op)->p;

	return state_check(p->is_starting ? STATE_RUNNING : p->state, VERB_DELETE, &op->err) < 0
		       ? OP_FAIL
		       : OP_DONE;
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
	process_close_stdio(from_op(op)->p);
	return OP_DONE;
}

static enum op_next remove_pid_file(struct op *op)
{
	const struct process *p = from_op(op)->p;
	char name[ID_MAX + sizeof(EXEC_PID_FILE)];

	snprintf(name, sizeof(name), EXEC_PID_FILE, p->exec_id);
	(void)unlinkat(p->ct->bundle_fd, name, 0); /* gone already is as good */
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

static void begin(struct exec_delete *d);

/* Its process is there no more for those who wanted to delete it, too. */
static void refuse_others(struct process *p)
{
	struct err gone = ERR_INIT;
	struct list *first;

	err_set(&gone, STATUS_NOT_FOUND, "process does not exist %s: not found", p->exec_id);
	while ((first = list_first(&p->deletes))) {
		struct exec_delete *d = container_of(first, struct exec_delete, link);

		list_remove(first);
		p->n_deletes--;
		d->done(d->user, NULL, &gone);
		free(d);
	}
}

static void finish(struct op *op)
{
	struct exec_delete *d = from_op(op);
	struct process *p = d->p;
	struct container *ct = p->ct;
	bool failed = err_is_set(&op->err);
	struct list *next;

	list_remove(&d->link);
	p->n_deletes--;
	d->done(d->user, failed ? NULL : p, &op->err);
	free(d);
	if (!failed) {
		refuse_others(p);
		process_release_waiters(p); /* of one that was never started */
		process_free(p);
	} else if ((next = list_first(&p->deletes))) {
		begin(container_of(next, struct exec_delete, link));
		/* p may be gone */
	}
	container_exec_delete_done(ct);
	/* ct may be gone */
}

static const struct op_plan plan = { "delete exec", steps, ARRAY_LEN(steps), finish, NULL };

static void begin(struct exec_delete *d)
{
	struct container *ct = d->p->ct;

	ct->exec_deletes++;
	container_run(ct, &d->op, &plan, d->deadline_s);
}

void exec_delete_begin(struct process *p, double deadline_s, exec_delete_done_fn *done, void *user)
{
	struct exec_delete *d = NULL;
	struct err e = ERR_INIT;
	bool is_first = list_is_empty(&p->deletes);

	if (p->n_deletes == PROCESS_DELETES_MAX)
		err_set(&e, STATUS_RESOURCE_EXHAUSTED, "exec '%s': %d Deletes are waiting already",
			p->exec_id, PROCESS_DELETES_MAX);
	else if (!(d = calloc(1, sizeof(*d))))
		err_oom(&e);
	if (!d) {
		done(user, NULL, &e);
		return;
	}
	list_init(&d->link);
	list_append(&p->deletes, &d->link);
	p->n_deletes++;
	d->p = p;
	drain_init(&d->drain);
	d->deadline_s = deadline_s > 0 ? deadline_s : OPERATION_DEADLINE_S;
	d->done = done;
	d->user = user;
	if (is_first)
		begin(d);
}
