/* SPDX-License-Identifier: Apache-2.0 */

/*
 * delete.c - the Delete operation of a container.
 *
 * Nothing is undone here: what is gone stays gone, and each step accepts that
 * it has been done before, so a Delete that failed half-way can be repeated.
 * A runtime that refuses does not keep streams open or the rootfs mounted; its
 * error is told at the end.
 */

#include "base/op.h"
#include "process/drain.h"
#include "process/ops.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct deletion {
	struct op op;
	struct job job;
	struct container *ct; /* ours once it has been deleted */
	struct waiter init_exit;
	struct drain drain;
	struct runtime_call runtime;
	struct rootfs_job unmounting;
	struct err first; /* what the runtime said */
	double deadline_s;
	delete_done_fn *done;
	void *user;
};

static struct deletion *from_op(struct op *op)
{
	return container_of(op, struct deletion, op);
}

static enum op_next check_state(struct op *op)
{
	return state_check(from_op(op)->ct->init.state, VERB_DELETE, &op->err) < 0 ? OP_FAIL
										   : OP_DONE;
}

static void init_exited(struct waiter *w, const struct process *p)
{
	struct deletion *d = container_of(w, struct deletion, init_exit);

	(void)p;
	op_resume(&d->op, OP_DONE);
	/* d may be gone */
}

/* One that was created and never started. Its exit is told like any other, before its deletion. */
static enum op_next end_init(struct op *op)
{
	struct deletion *d = from_op(op);

	if (d->ct->init.state == STATE_CREATED_CHECKPOINT)
		return OP_DONE; /* there is no process yet */
	d->init_exit.on_exit = init_exited;
	if (process_wait(&d->ct->init, &d->init_exit))
		return OP_DONE;
	(void)child_signal(&d->ct->init.child, SIGKILL); /* gone already is as good */
	return OP_WAIT;
}

static enum op_next cancel_wait(struct op *op)
{
	struct deletion *d = from_op(op);

	if (d->init_exit.on_exit)
		process_wait_cancel(&d->init_exit);
	return OP_DONE;
}

static enum op_next drain_stdio(struct op *op)
{
	struct deletion *d = from_op(op);

	return drain_begin(&d->drain, op, d->ct->init.io);
}

static enum op_next stop_drain(struct op *op)
{
	drain_stop(&from_op(op)->drain);
	return OP_DONE;
}

static void runtime_exited(struct runtime_call *call)
{
	struct deletion *d = container_of(call, struct deletion, runtime);

	op_resume(&d->op, OP_DONE);
	/* d may be gone */
}

static enum op_next run_runtime(struct op *op)
{
	struct deletion *d = from_op(op);

	if (d->ct->init.state == STATE_CREATED_CHECKPOINT)
		return OP_DONE; /* the runtime has not heard of it yet */
	if (runtime_delete(&d->runtime, &d->ct->runtime, false, runtime_exited, &d->first) < 0)
		return OP_DONE; /* told in read_verdict() */
	return OP_WAIT;         /* runtime_exited() goes on */
}

static enum op_next kill_runtime(struct op *op)
{
	return runtime_kill(&from_op(op)->runtime) ? OP_WAIT : OP_DONE;
}

/* In the words of runc and youki, or of crun. */
static bool says_it_is_gone(const char *msg, const struct runtime *rt)
{
	char words[PATH_MAX];

	snprintf(words, sizeof(words), "cannot open directory '%s/%s': No such", rt->root, rt->id);
	return strstr(msg, "does not exist") || strstr(msg, words);
}

static enum op_next read_verdict(struct op *op)
{
	struct deletion *d = from_op(op);

	if (!err_is_set(&d->first) && d->ct->init.state != STATE_CREATED_CHECKPOINT)
		(void)runtime_verdict(&d->runtime, &d->first);
	if (err_is_set(&d->first) && says_it_is_gone(d->first.msg, &d->ct->runtime))
		d->first = ERR_INIT; /* somebody was faster, or we were interrupted here before */
	if (err_is_set(&d->first))
		err_wrap(&d->first, "failed to delete task");
	return OP_DONE;
}

static void logger_ended(void *user)
{
	struct deletion *d = user;

	op_resume(&d->op, OP_DONE);
	/* d may be gone */
}

static enum op_next end_logger(struct op *op)
{
	struct deletion *d = from_op(op);
	struct logger *logger = d->ct->init.logger;

	return !logger || logger_end(logger, logger_ended, d) ? OP_DONE : OP_WAIT;
}

static enum op_next close_stdio(struct op *op)
{
	process_close_stdio(&from_op(op)->ct->init);
	return OP_DONE;
}

static void unmounted(struct rootfs_job *job)
{
	struct deletion *d = container_of(job, struct deletion, unmounting);

	op_resume(&d->op, OP_DONE);
	/* d may be gone */
}

static enum op_next unmount_rootfs(struct op *op)
{
	struct deletion *d = from_op(op);
	char path[PATH_MAX];
	int rc = 0;

	if (!d->ct->has_mounts)
		return OP_DONE;
	d->unmounting.on_done = unmounted;
	if (snprintf(path, sizeof(path), "%s/rootfs", d->ct->bundle) >= (int)sizeof(path))
		rc = -ENAMETOOLONG;
	if (rc == 0)
		rc = rootfs_unmount_begin(&d->unmounting, d->ct->set->reaper, path);
	if (rc < 0) {
		err_rc(&op->err, rc, "failed rootfs umount");
		return OP_FAIL;
	}
	return OP_WAIT; /* unmounted() goes on */
}

static enum op_next kill_unmount(struct op *op)
{
	return rootfs_job_kill(&from_op(op)->unmounting) ? OP_WAIT : OP_DONE;
}

/* They hold on to the container. After the last one nothing waits any more, so no other can begin.
 */
static enum op_next await_execs(struct op *op)
{
	struct container *ct = from_op(op)->ct;

	if (ct->exec_deletes == 0)
		return OP_DONE;
	ct->exec_deletes_awaited_by = op;
	return OP_WAIT;
}

static enum op_next stop_awaiting(struct op *op)
{
	from_op(op)->ct->exec_deletes_awaited_by = NULL;
	return OP_DONE;
}

static enum op_next settle(struct op *op)
{
	struct deletion *d = from_op(op);

	if (err_is_set(&d->first)) {
		op->err = d->first;
		return OP_FAIL;
	}
	return rootfs_job_verdict(&d->unmounting, &op->err) < 0 ? OP_FAIL : OP_DONE;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "check state",    check_state,    NULL         },
	{ "end init",       end_init,       cancel_wait  }, /* waits, if it was never started */
	{ "drain stdio",    drain_stdio,    stop_drain   }, /* waits for a slow client */
	{ "run runtime",    run_runtime,    kill_runtime }, /* waits for its exit */
	{ "read verdict",   read_verdict,   NULL         },
	{ "end logger",     end_logger,     close_stdio  }, /* waits, if there is one */
	{ "close stdio",    close_stdio,    NULL         },
	{ "unmount rootfs", unmount_rootfs, kill_unmount }, /* waits for a child */
	{ "await execs",    await_execs,    stop_awaiting }, /* waits for Deletes of them */
	{ "settle",         settle,         NULL         },
	/* clang-format on */
};

static void let_go(struct op *op)
{
	struct deletion *d = from_op(op);

	(void)runtime_kill(&d->runtime);
	runtime_call_fini(&d->runtime);
	(void)rootfs_job_kill(&d->unmounting);
	rootfs_job_fini(&d->unmounting);
}

static void finish(struct op *op)
{
	struct deletion *d = from_op(op);
	struct container *ct = d->ct;
	bool failed = err_is_set(&op->err);

	if (!failed)
		process_set_state(&ct->init, STATE_DELETED);
	d->done(d->user, ct, &op->err);
	if (failed)
		container_job_done(ct, &d->job);
	else
		container_free(ct);
	/* ct may be gone */
	free(d);
}

static const struct op_plan plan = { "delete", steps, ARRAY_LEN(steps), finish, let_go };

static void begin(struct job *j)
{
	struct deletion *d = container_of(j, struct deletion, job);

	container_run(d->ct, &d->op, &plan, d->deadline_s);
}

static void drop(struct job *j, const struct err *e)
{
	struct deletion *d = container_of(j, struct deletion, job);

	d->done(d->user, d->ct, e);
	free(d);
}

void delete_begin(struct container *ct, double deadline_s, delete_done_fn *done, void *user)
{
	struct deletion *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;

	if (!d) {
		err_oom(&e);
		done(user, ct, &e);
		return;
	}
	d->job = (struct job){ .begin = begin, .drop = drop };
	d->ct = ct;
	drain_init(&d->drain);
	list_init(&d->init_exit.link);
	d->runtime = RUNTIME_CALL_NONE;
	d->unmounting = ROOTFS_JOB_NONE;
	d->deadline_s = deadline_s > 0 ? deadline_s : OPERATION_DEADLINE_S;
	d->done = done;
	d->user = user;
	if (container_enqueue(ct, &d->job, &e) < 0)
		drop(&d->job, &e);
}
