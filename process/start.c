/* SPDX-License-Identifier: Apache-2.0 */

/*
 * start.c - the Start operation of an init: one that waits for it, or one that is restored from
 * its image.
 */

#include "base/op.h"
#include "process/launch.h"
#include "process/ops.h"

#include <stdlib.h>

struct start {
	struct launch launch; /* a container outlives its operations */
	struct job job;
	double deadline_s;
	start_done_fn *done;
	void *user;
};

static struct start *from_op(struct op *op)
{
	return container_of(op, struct start, launch.op);
}

static enum op_next check_state(struct op *op)
{
	return state_check(launch_of(op)->ct->init.state, VERB_START, &op->err) < 0 ? OP_FAIL
										    : OP_DONE;
}

static enum op_next run_runtime(struct op *op)
{
	struct launch *l = launch_of(op);

	if (runtime_start(&l->runtime, &l->ct->runtime, launch_runtime_exited, &op->err) < 0) {
		err_wrap(&op->err, "OCI runtime start failed");
		return OP_FAIL;
	}
	return OP_WAIT; /* launch_runtime_exited() goes on */
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "check state",  check_state,         NULL                },
	{ "run runtime",  run_runtime,         launch_kill_runtime }, /* waits for its exit */
	{ "read verdict", launch_read_verdict, NULL                },
	/* clang-format on */
};

static enum op_next run_restore(struct op *op)
{
	struct launch *l = launch_of(op);
	struct container *ct = l->ct;
	struct runtime_restore_args args = {
		.image = ct->image.path,
		.work = ct->image.work,
		.parent = ct->image.parent,
		.no_pivot = ct->no_pivot,
		.cpus = affinity_of_runtime(&ct->affinity),
	};

	stdio_child_fds(ct->init.io, args.stdio);
	if (ct->init.console)
		args.console_socket = console_path(ct->init.console);
	if (runtime_restore(&l->runtime, &ct->runtime, &args, launch_runtime_exited, &op->err) <
		0) {
		err_wrap(&op->err, "OCI runtime restore failed");
		return OP_FAIL;
	}
	return OP_WAIT; /* launch_runtime_exited() goes on */
}

/* One that failed may be repeated; the rootfs stays mounted since Create. */
static const struct op_step restore_steps[] = {
	/* clang-format off */
	{ "check state",     check_state,            NULL                    },
	{ "open stdio",      launch_open_stdio,      launch_close_stdio      },
	{ "await logger",    launch_await_logger,    NULL                    }, /* waits, if there is one */
	{ "forget old pid",  launch_forget_old_pid,  NULL                    },
	{ "safety net",      NULL,                   launch_delete_container }, /* for what the runtime may leave */
	{ "hold orphans",    launch_hold_orphans,    launch_release_orphans  }, /* init may die before we know its pid */
	{ "kill stray",      NULL,                   launch_kill_stray       }, /* while its number is its own */
	{ "run runtime",     run_restore,            launch_kill_runtime     }, /* waits for its exit */
	{ "read verdict",    launch_read_verdict,    NULL                    },
	{ "adopt init",      launch_adopt_init,      launch_drop_init        },
	{ "release orphans", launch_release_orphans, NULL                    },
	{ "find cgroup",     launch_find_cgroup,     launch_forget_cgroup    },
	{ "receive console", launch_receive_console, launch_forget_console   }, /* waits, if there is a terminal */
	{ "start stdio",     launch_start_stdio,     NULL                    },
	/* clang-format on */
};

static void finish(struct op *op)
{
	struct start *s = from_op(op);
	struct container *ct = s->launch.ct;

	if (!err_is_set(&op->err))
		process_set_state(&ct->init, STATE_RUNNING);
	s->done(s->user, &ct->init, &op->err);
	/* A short life may be over already; only now may anybody hear of it. */
	process_release_news(&ct->init);
	container_job_done(ct, &s->job);
	/* ct may be gone */
	free(s);
}

static const struct op_plan plan = { "start", steps, ARRAY_LEN(steps), finish, launch_let_go };
static const struct op_plan restore_plan = {
	"restore",
	restore_steps,
	ARRAY_LEN(restore_steps),
	finish,
	launch_let_go,
};

static void begin(struct job *j)
{
	struct start *s = container_of(j, struct start, job);

	struct container *ct = s->launch.ct;
	bool is_restore = ct->init.state == STATE_CREATED_CHECKPOINT;

	s->launch.verb = is_restore ? "restore" : "start";
	process_hold_news(&ct->init);
	container_run(ct, &s->launch.op, is_restore ? &restore_plan : &plan, s->deadline_s);
}

static void drop(struct job *j, const struct err *e)
{
	struct start *s = container_of(j, struct start, job);

	s->done(s->user, &s->launch.ct->init, e);
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
	s->launch.ct = ct;
	s->launch.runtime = RUNTIME_CALL_NONE;
	s->launch.handover = HANDOVER_NONE;
	s->deadline_s = deadline_s > 0 ? deadline_s : OPERATION_DEADLINE_S;
	s->done = done;
	s->user = user;
	if (container_enqueue(ct, &s->job, &e) < 0)
		drop(&s->job, &e);
}
