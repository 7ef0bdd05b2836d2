/* SPDX-License-Identifier: Apache-2.0 */
#include "process/launch.h"

#include "process/admit.h"
#include "process/ops.h"
#include "reaper/reaper.h"

#include <signal.h>

enum op_next launch_open_stdio(struct op *op)
{
	struct process *init = &launch_of(op)->ct->init;

	return !init->io && process_open_stdio(init, &op->err) < 0 ? OP_FAIL : OP_DONE;
}

enum op_next launch_close_stdio(struct op *op)
{
	process_close_stdio(&launch_of(op)->ct->init);
	return OP_DONE;
}

static void readers_came(void *user)
{
	struct launch *l = user;

	op_resume(&l->op, OP_DONE);
	/* l may be gone */
}

enum op_next launch_await_readers(struct op *op)
{
	struct launch *l = launch_of(op);

	return stdio_await_readers(l->ct->init.io, readers_came, l) ? OP_DONE : OP_WAIT;
}

static enum op_next judge_logger(struct launch *l)
{
	return logger_verdict(l->ct->init.logger, &l->op.err) < 0 ? OP_FAIL : OP_DONE;
}

static void logger_ready(void *user)
{
	struct launch *l = user;

	op_resume(&l->op, judge_logger(l));
	/* l may be gone */
}

/* One that was started by the Create of an image is ready by the time of its Start. */
enum op_next launch_await_logger(struct op *op)
{
	struct launch *l = launch_of(op);

	if (!l->ct->init.logger)
		return OP_DONE;
	return logger_await_ready(l->ct->init.logger, logger_ready, l) ? judge_logger(l) : OP_WAIT;
}

enum op_next launch_forget_old_pid(struct op *op)
{
	return runtime_forget_pid(launch_of(op)->ct->bundle_fd, "init.pid", &op->err) < 0 ? OP_FAIL
											  : OP_DONE;
}

enum op_next launch_open_handover(struct op *op)
{
	struct launch *l = launch_of(op);

	if (!l->ct->runtime.hands_pidfds)
		return OP_DONE;
	return handover_listen(&l->handover, l->ct->bundle_fd, &op->err) < 0 ? OP_FAIL : OP_DONE;
}

enum op_next launch_close_handover(struct op *op)
{
	handover_close(&launch_of(op)->handover);
	return OP_DONE;
}

enum op_next launch_hold_orphans(struct op *op)
{
	struct launch *l = launch_of(op);

	reaper_hold(l->ct->set->reaper);
	l->held = true;
	return OP_DONE;
}

enum op_next launch_release_orphans(struct op *op)
{
	struct launch *l = launch_of(op);

	if (l->held)
		reaper_release(l->ct->set->reaper);
	l->held = false;
	return OP_DONE;
}

enum op_next launch_kill_stray(struct op *op)
{
	struct launch *l = launch_of(op);

	if (l->held) /* else it has been adopted */
		process_kill_stray(&l->ct->init, &l->handover, "init.pid");
	return OP_DONE;
}

void launch_runtime_exited(struct runtime_call *call)
{
	struct launch *l = container_of(call, struct launch, runtime);

	op_resume(&l->op, OP_DONE);
	/* l may be gone */
}

enum op_next launch_kill_runtime(struct op *op)
{
	return runtime_kill(&launch_of(op)->runtime) ? OP_WAIT : OP_DONE;
}

void launch_let_go(struct op *op)
{
	(void)launch_kill_runtime(op);
	runtime_call_fini(&launch_of(op)->runtime);
}

enum op_next launch_delete_container(struct op *op)
{
	struct launch *l = launch_of(op);
	struct err e = ERR_INIT;

	if (runtime_delete(&l->runtime, &l->ct->runtime, true, launch_runtime_exited, &e) < 0)
		return OP_DONE; /* no runtime, no container */
	return OP_WAIT;
}

enum op_next launch_read_verdict(struct op *op)
{
	struct container *ct = launch_of(op)->ct;

	if (runtime_verdict(&launch_of(op)->runtime, &op->err) == 0)
		return OP_DONE;
	oom_check(&ct->oom); /* of an init that waited for its start: the runtime knows it gone */
	admission_doubt(ct, &op->err);
	if (ct->had_oom)
		err_wrap(&op->err, "its control group ran out of memory");
	err_wrap(&op->err, "OCI runtime %s failed", launch_of(op)->verb);
	return OP_FAIL;
}

enum op_next launch_adopt_init(struct op *op)
{
	struct launch *l = launch_of(op);

	if (process_adopt(&l->ct->init, &l->handover, "init.pid", &op->err) == 0)
		return OP_DONE;
	err_wrap(&op->err, "failed to retrieve OCI runtime container pid");
	return OP_FAIL;
}

enum op_next launch_drop_init(struct op *op)
{
	struct process *init = &launch_of(op)->ct->init;

	(void)child_signal(&init->child, SIGKILL); /* gone already is as good */
	child_forget(&init->child);
	init->pid = 0;
	init->seen.is_set = false;
	return OP_DONE;
}

/* Nobody reaps init before we return to the loop, so /proc still speaks of it, dead or alive. */
enum op_next launch_find_cgroup(struct op *op)
{
	container_find_cgroup(launch_of(op)->ct);
	return OP_DONE;
}

enum op_next launch_forget_cgroup(struct op *op)
{
	container_forget_cgroup(launch_of(op)->ct);
	return OP_DONE;
}

static void console_came(void *user)
{
	struct launch *l = user;

	op_resume(&l->op, process_take_console(&l->ct->init, &l->op.err) < 0 ? OP_FAIL : OP_DONE);
	/* l may be gone */
}

enum op_next launch_receive_console(struct op *op)
{
	struct launch *l = launch_of(op);

	return process_await_console(&l->ct->init, console_came, l) ? OP_DONE : OP_WAIT;
}

/* It must not come while what is above is being undone. */
enum op_next launch_forget_console(struct op *op)
{
	struct process *init = &launch_of(op)->ct->init;

	init->console = console_free(init->console);
	return OP_DONE;
}

enum op_next launch_start_stdio(struct op *op)
{
	stdio_start(launch_of(op)->ct->init.io);
	return OP_DONE;
}
