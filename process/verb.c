/* SPDX-License-Identifier: Apache-2.0 */

/*
 * verb.c - pause, resume and update.
 *
 * Each is one run of the runtime. But all that runc and its like do to pause, in
 * some 4 ms, is to write one word to a file of the kernel: theirs we write.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/op.h"
#include "process/cgroup/freezer.h"
#include "process/ops.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * How often, and how many times, the freezer is looked at while processes are on
 * their way, before the runtime may try: it has words for what is in the way.
 */
#define FREEZER_LOOK_S    0.001
#define FREEZER_LOOKS_MAX 100

struct verb_op {
	struct op op;
	struct job job;
	struct container *ct; /* borrowed: a container outlives its operations */
	enum verb verb;
	int resources; /* owned; a file with the JSON for update */
	ev_timer look_again;
	int looks;
	bool has_written; /* to the freezer */
	bool is_done;     /* by it: the runtime is not asked */
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

static enum op_next leave_to_runtime(struct verb_op *v)
{
	v->has_written = false;
	(void)freezer_write(&v->ct->cgroup, v->verb == VERB_RESUME); /* gone is as good */
	return OP_DONE;
}

static enum op_next look(struct verb_op *v)
{
	int state = freezer_read(&v->ct->cgroup);

	if (state == FREEZER_FREEZING && v->looks++ < FREEZER_LOOKS_MAX) {
		ev_timer_set(&v->look_again, FREEZER_LOOK_S, 0.);
		ev_timer_start(v->ct->set->loop, &v->look_again);
		return OP_WAIT; /* on_look() goes on */
	}
	v->is_done = state == FREEZER_FROZEN;
	return v->is_done ? OP_DONE : leave_to_runtime(v);
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct verb_op *v = container_of(timer, struct verb_op, look_again);
	enum op_next next;

	(void)loop;
	(void)revents;
	/* Again, but not after somebody has thawed it, so that it can die perhaps. */
	if (freezer_read(&v->ct->cgroup) == FREEZER_FREEZING)
		(void)freezer_write(&v->ct->cgroup, true);
	next = look(v);
	if (next != OP_WAIT)
		op_resume(&v->op, next);
	/* v may be gone */
}

/*
 * Only out of the state that we left it in. If somebody has stopped or continued
 * the group behind our back, the runtime shall say what it thinks of that.
 */
static enum op_next write_freezer(struct op *op)
{
	struct verb_op *v = from_op(op);
	const struct cgroup *cg = &v->ct->cgroup;
	bool pause = v->verb == VERB_PAUSE;

	if (v->verb == VERB_UPDATE || !v->ct->uses_freezer)
		return OP_DONE;
	if (freezer_read(cg) != (pause ? FREEZER_THAWED : FREEZER_FROZEN) ||
		freezer_write(cg, pause) < 0)
		return OP_DONE;
	v->has_written = true;
	v->ct->is_pausing = pause;
	v->is_done = !pause;
	return pause ? look(v) : OP_DONE;
}

static enum op_next take_back(struct op *op)
{
	struct verb_op *v = from_op(op);

	ev_timer_stop(v->ct->set->loop, &v->look_again);
	if (v->has_written)
		(void)leave_to_runtime(v);
	v->is_done = false;
	return OP_DONE;
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

	if (v->is_done)
		return OP_DONE;
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

	if (v->is_done)
		return OP_DONE;
	if (v->verb == VERB_UPDATE)
		return runtime_plain_verdict(&v->runtime, &op->err) < 0 ? OP_FAIL : OP_DONE;
	if (runtime_verdict(&v->runtime, &op->err) == 0)
		return OP_DONE;
	err_wrap(&op->err, "OCI runtime %s failed", v->verb == VERB_PAUSE ? "pause" : "resume");
	return OP_FAIL;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "check state",   check_state,   NULL         },
	{ "write freezer", write_freezer, take_back    }, /* waits, if some process does not stop at once */
	{ "run runtime",   run_runtime,   kill_runtime }, /* waits for its exit, if it was not that easy */
	{ "read verdict",  read_verdict,  NULL         },
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

static void let_go(struct op *op)
{
	(void)kill_runtime(op);
	runtime_call_fini(&from_op(op)->runtime);
}

static void finish(struct op *op)
{
	struct verb_op *v = from_op(op);
	struct container *ct = v->ct;

	fd_drop(&v->resources);
	ct->is_pausing = false;
	/* A SIGKILL or an exit that came while it was being frozen has thawed it too early. */
	if (v->verb == VERB_PAUSE && (ct->was_killed || ct->init_exited))
		(void)freezer_let_die(&ct->cgroup);
	if (!err_is_set(&op->err))
		set_state(&ct->init, v->verb);
	v->done(v->user, ct, &op->err);
	container_job_done(ct, &v->job);
	/* ct may be gone */
	free(v);
}

static const struct op_plan plan = { "verb", steps, ARRAY_LEN(steps), finish, let_go };

static void begin(struct job *j)
{
	struct verb_op *v = container_of(j, struct verb_op, job);

	container_run(v->ct, &v->op, &plan, v->deadline_s);
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
	ev_init(&v->look_again, on_look);
	v->deadline_s = args->deadline_s > 0 ? args->deadline_s : OPERATION_DEADLINE_S;
	v->done = done;
	v->user = user;
	if (container_enqueue(ct, &v->job, &e) < 0)
		drop(&v->job, &e);
}
