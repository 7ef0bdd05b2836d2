/* SPDX-License-Identifier: Apache-2.0 */

/*
 * verb.c - operations that are one run of the runtime: pause, resume, update.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/op.h"
#include "process/ops.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct verb_op {
	struct op op;
	struct job job;
	struct container *ct; /* borrowed: a container outlives its operations */
	enum verb verb;
	int resources; /* owned; a file with the JSON for update */
	struct runtime_call runtime;
	double deadline_s;
	verb_done_fn *done;
	void *user;
};

static struct verb_op *from_op(struct op *op)
{
	return container_of(op, struct verb_op, op);
}

static enum op_next check_state(struct op *op)
{
	struct verb_op *v = from_op(op);

	return state_check(v->ct->init.state, v->verb, &op->err) < 0 ? OP_FAIL : OP_DONE;
}

static void runtime_exited(struct runtime_call *call)
{
	struct verb_op *v = container_of(call, struct verb_op, runtime);

	op_resume(&v->op, OP_DONE);
	/* v may be gone */
}

static int begin_call(struct verb_op *v)
{
	const struct runtime *rt = &v->ct->runtime;

	switch (v->verb) {
	case VERB_PAUSE:
		return runtime_pause(&v->runtime, rt, runtime_exited, &v->op.err);
	case VERB_RESUME:
		return runtime_resume(&v->runtime, rt, runtime_exited, &v->op.err);
	default:
		return runtime_update(&v->runtime, rt, v->resources, runtime_exited, &v->op.err);
	}
}

static enum op_next run_runtime(struct op *op)
{
	struct verb_op *v = from_op(op);

	v->ct->is_pausing = v->verb == VERB_PAUSE;
	return begin_call(v) < 0 ? OP_FAIL : OP_WAIT; /* runtime_exited() goes on */
}

static enum op_next kill_runtime(struct op *op)
{
	return runtime_kill(&from_op(op)->runtime) ? OP_WAIT : OP_DONE;
}

/* The reference looks into the log after pause and resume, and only there. */
static enum op_next read_verdict(struct op *op)
{
	struct verb_op *v = from_op(op);

	if (v->verb == VERB_UPDATE)
		return runtime_plain_verdict(&v->runtime, &op->err) < 0 ? OP_FAIL : OP_DONE;
	if (runtime_verdict(&v->runtime, &op->err) == 0)
		return OP_DONE;
	err_wrap(&op->err, "OCI runtime %s failed", v->verb == VERB_PAUSE ? "pause" : "resume");
	return OP_FAIL;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "check state",  check_state,  NULL         },
	{ "run runtime",  run_runtime,  kill_runtime }, /* waits for its exit */
	{ "read verdict", read_verdict, NULL         },
	/* clang-format on */
};

static void set_state(struct process *init, enum verb verb)
{
	if (verb == VERB_PAUSE && init->state == STATE_RUNNING)
		process_set_state(init, STATE_PAUSED);
	if (verb == VERB_RESUME && init->state == STATE_PAUSED)
		process_set_state(init, STATE_RUNNING);
	/* In any other state it has exited meanwhile, and that was told. */
}

static void finish(struct op *op)
{
	struct verb_op *v = from_op(op);
	struct container *ct = v->ct;

	runtime_call_fini(&v->runtime);
	fd_drop(&v->resources);
	ct->is_pausing = false;
	if (!err_is_set(&op->err))
		set_state(&ct->init, v->verb);
	v->done(v->user, ct, &op->err);
	container_job_done(ct, &v->job);
	/* ct may be gone */
	free(v);
}

static const struct op_plan plan = { "verb", steps, ARRAY_LEN(steps), finish };

static void begin(struct job *j)
{
	struct verb_op *v = container_of(j, struct verb_op, job);

	op_start(&v->op, v->ct->set->loop, &plan, v->deadline_s);
}

static void drop(struct job *j, const struct err *e)
{
	struct verb_op *v = container_of(j, struct verb_op, job);

	v->done(v->user, v->ct, e);
	fd_drop(&v->resources);
	free(v);
}

/* For the runtime's stdin: the bytes as they came, so that fields we do not know go through. */
static int keep_resources(const struct verb_args *args, struct err *e)
{
	auto_json json_t *parsed = NULL;
	auto_fd int fd = -1;
	int rc;

	if (!args->resources || args->resources_len == 0)
		return err_set(e, STATUS_INVALID_ARGUMENT, "update: there are no resources");
	if (json_parse(args->resources, args->resources_len, "resources", &parsed, e) < 0) {
		e->status = STATUS_INVALID_ARGUMENT;
		return -1;
	}
	fd = memfd_create("resources", MFD_CLOEXEC);
	rc = fd < 0 ? -errno : fd_write_all(fd, args->resources, args->resources_len);
	if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
		rc = -errno;
	return rc < 0 ? err_rc(e, rc, "keep resources") : take_fd(&fd);
}

void verb_begin(struct container *ct, const struct verb_args *args, verb_done_fn *done, void *user)
{
	struct err e = ERR_INIT;
	auto_fd int resources = -1;
	struct verb_op *v = NULL;

	if (args->verb == VERB_UPDATE)
		resources = keep_resources(args, &e);
	if (!err_is_set(&e) && !(v = calloc(1, sizeof(*v))))
		err_oom(&e);
	if (!v) {
		done(user, ct, &e);
		return;
	}
	v->job = (struct job){ .begin = begin, .drop = drop };
	v->ct = ct;
	v->verb = args->verb;
	v->resources = take_fd(&resources);
	v->runtime = RUNTIME_CALL_NONE;
	v->deadline_s = args->deadline_s > 0 ? args->deadline_s : OPERATION_DEADLINE_S;
	v->done = done;
	v->user = user;
	if (container_enqueue(ct, &v->job, &e) < 0)
		drop(&v->job, &e);
}
