/* SPDX-License-Identifier: Apache-2.0 */

/*
 * exec.c - a further process in a container: added, then started.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "base/id.h"
#include "base/json.h"
#include "base/op.h"
#include "process/admit.h"
#include "process/ops.h"
#include "process/runtime/handover.h"
#include "reaper/reaper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The OCI process of one exec, in bytes: arguments and environment, mostly. */
#define EXEC_SPEC_MAX (4u << 20)

/* A name in the bundle made from an exec id, such as ID.pid. */
#define NAME_ROOM (ID_MAX + sizeof(".process.json"))

/* The process as the runtime shall read it: as it came, but for "terminal". */
static char *make_spec(const struct exec_args *args, struct cpu_wish *ret_wish, struct err *e)
{
	auto_json json_t *parsed = NULL;
	auto_buf struct buf text = BUF_INIT(EXEC_SPEC_MAX);
	const char *copy;
	char *spec;
	int rc;

	if (!args->spec || args->spec_len == 0) {
		err_set(e, STATUS_INVALID_ARGUMENT, "exec '%s': there is no process spec",
			args->exec_id);
		return NULL;
	}
	if (json_parse(args->spec, args->spec_len, "process spec", &parsed, e) < 0) {
		e->status = STATUS_INVALID_ARGUMENT;
		return NULL;
	}
	if (cpu_wish_read(ret_wish, parsed, "process.", e) < 0)
		return NULL;
	rc = json_copy_with_bool(args->spec, args->spec_len, "terminal", args->io.terminal, &text);
	copy = rc < 0 ? NULL : buf_text(&text);
	spec = copy ? strdup(copy) : NULL;
	if (rc == -ENOBUFS)
		err_set(e, STATUS_INVALID_ARGUMENT, "exec '%s': the process spec is too long",
			args->exec_id);
	else if (!spec)
		err_oom(e);
	return spec;
}

static int count_execs(const struct container *ct)
{
	int n = 0;

	list_each (it, &ct->execs)
		n++;
	return n;
}

static int check_new(struct container *ct, const char *exec_id, struct err *e)
{
	struct err unknown = ERR_INIT;

	if (!id_is_valid(exec_id))
		return err_set(e, STATUS_INVALID_ARGUMENT, "exec id '%s' is not legal", exec_id);
	if (container_process(ct, exec_id, &unknown))
		return err_set(e, STATUS_ALREADY_EXISTS, "id %s: already exists", exec_id);
	if (count_execs(ct) >= CONTAINER_EXECS_MAX)
		return err_set(e, STATUS_RESOURCE_EXHAUSTED, "there are %d execs already",
			CONTAINER_EXECS_MAX);
	return state_check(ct->init.state, VERB_EXEC, e);
}

struct process *exec_add(struct container *ct, const struct exec_args *args, struct err *e)
{
	auto_free char *spec = NULL;
	struct cpu_wish wish = { 0 };
	struct process *p;

	if (check_new(ct, args->exec_id, e) < 0)
		return NULL;
	spec = make_spec(args, &wish, e);
	p = spec ? calloc(1, sizeof(*p)) : NULL;
	if (!p || process_init(p, ct, args->exec_id, &args->io) < 0) {
		if (spec)
			err_oom(e);
		cpu_wish_fini(&wish);
		return process_free(p);
	}
	p->spec = take_ptr(&spec);
	p->wish = wish;
	list_append(&ct->execs, &p->link);
	return p;
}

struct exec_start {
	struct op op;
	struct process *p; /* borrowed: it is not deleted while it starts */
	struct runtime_call runtime;
	struct handover handover;
	char process_file[NAME_ROOM], pid_file[NAME_ROOM], log_file[NAME_ROOM];
	struct affinity_plan affinity;
	bool held;
	start_done_fn *done;
	void *user;
};

static struct exec_start *from_op(struct op *op)
{
	return container_of(op, struct exec_start, op);
}

static enum op_next check_state(struct op *op)
{
	struct process *p = from_op(op)->p;

	if (p->ct->init_exited) {
		err_set(&op->err, STATUS_FAILED_PRECONDITION,
			"container %s init process is not running: failed precondition", p->ct->id);
		return OP_FAIL;
	}
	return state_check(p->state, VERB_START, &op->err) < 0 ? OP_FAIL : OP_DONE;
}

static enum op_next open_stdio(struct op *op)
{
	return process_open_stdio(from_op(op)->p, &op->err) < 0 ? OP_FAIL : OP_DONE;
}

static enum op_next close_stdio(struct op *op)
{
	process_close_stdio(from_op(op)->p);
	return OP_DONE;
}

static void readers_came(void *user)
{
	struct exec_start *s = user;

	op_resume(&s->op, OP_DONE);
	/* s may be gone */
}

static enum op_next await_readers(struct op *op)
{
	struct exec_start *s = from_op(op);

	return stdio_await_readers(s->p->io, readers_came, s) ? OP_DONE : OP_WAIT;
}

static void logger_ready(void *user)
{
	struct exec_start *s = user;

	op_resume(&s->op, logger_verdict(s->p->logger, &s->op.err) < 0 ? OP_FAIL : OP_DONE);
	/* s may be gone */
}

static enum op_next await_logger(struct op *op)
{
	struct exec_start *s = from_op(op);
	struct logger *logger = s->p->logger;

	return !logger || logger_await_ready(logger, logger_ready, s) ? OP_DONE : OP_WAIT;
}

static enum op_next write_process(struct op *op)
{
	struct exec_start *s = from_op(op);
	const struct process *p = s->p;
	int rc = fd_replace_file(p->ct->bundle_fd, s->process_file, p->spec, strlen(p->spec), 0600);

	if (rc == 0)
		return OP_DONE;
	err_rc(&op->err, rc, "write %s", s->process_file);
	return OP_FAIL;
}

/* And what the runtime said about it, which has been read. Gone already is as good. */
static enum op_next remove_process(struct op *op)
{
	struct exec_start *s = from_op(op);

	(void)unlinkat(s->p->ct->bundle_fd, s->process_file, 0);
	(void)unlinkat(s->p->ct->bundle_fd, s->log_file, 0);
	return OP_DONE;
}

static enum op_next forget_old_pid(struct op *op)
{
	struct exec_start *s = from_op(op);

	return runtime_forget_pid(s->p->ct->bundle_fd, s->pid_file, &op->err) < 0 ? OP_FAIL
										  : OP_DONE;
}

static enum op_next open_handover(struct op *op)
{
	struct exec_start *s = from_op(op);
	const struct container *ct = s->p->ct;

	if (!ct->runtime.hands_pidfds)
		return OP_DONE;
	return handover_listen(&s->handover, ct->bundle_fd, &op->err) < 0 ? OP_FAIL : OP_DONE;
}

static enum op_next close_handover(struct op *op)
{
	handover_close(&from_op(op)->handover);
	return OP_DONE;
}

static enum op_next hold_orphans(struct op *op)
{
	struct exec_start *s = from_op(op);

	reaper_hold(s->p->ct->set->reaper);
	s->held = true;
	return OP_DONE;
}

static enum op_next release_orphans(struct op *op)
{
	struct exec_start *s = from_op(op);

	if (s->held)
		reaper_release(s->p->ct->set->reaper);
	s->held = false;
	return OP_DONE;
}

/* Now, not when it was added: the cpuset may have been updated since. */
static enum op_next choose_cpus(struct op *op)
{
	struct exec_start *s = from_op(op);
	const struct container *ct = s->p->ct;
	const struct affinity_case given = {
		.container = &ct->affinity,
		.wish = &s->p->wish,
		.at = &ct->set->cpus_at,
		.cg = &ct->cgroup,
	};

	return affinity_plan_exec(&s->affinity, &given, &op->err) < 0 ? OP_FAIL : OP_DONE;
}

static void runtime_exited(struct runtime_call *call)
{
	struct exec_start *s = container_of(call, struct exec_start, runtime);

	op_resume(&s->op, OP_DONE);
	/* s may be gone */
}

static enum op_next run_runtime(struct op *op)
{
	struct exec_start *s = from_op(op);
	struct runtime_exec_args args = {
		.process_file = s->process_file,
		.pid_file = s->pid_file,
		.log_file = s->log_file,
		.pidfd_socket = handover_path(&s->handover),
		.cpus = s->affinity.for_runtime ? &s->affinity.runtime : NULL,
	};

	stdio_child_fds(s->p->io, args.stdio);
	if (s->p->console)
		args.console_socket = console_path(s->p->console);
	if (runtime_exec(&s->runtime, &s->p->ct->runtime, &args, runtime_exited, &op->err) < 0) {
		if (s->affinity.from)
			err_wrap(&op->err, "with its processors from %s", s->affinity.from);
		err_wrap(&op->err, "OCI runtime exec failed");
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
	admission_doubt(from_op(op)->p->ct, &op->err);
	err_wrap(&op->err, "OCI runtime exec failed");
	return OP_FAIL;
}

static enum op_next adopt_process(struct op *op)
{
	struct exec_start *s = from_op(op);

	if (process_adopt(s->p, &s->handover, s->pid_file, &op->err) < 0) {
		err_wrap(&op->err, "failed to retrieve OCI runtime exec pid");
		return OP_FAIL;
	}
	/* What was killed with the init did not include it. */
	if (s->p->ct->init_exited && !s->p->ct->own_pidns)
		(void)child_signal(&s->p->child, SIGKILL);
	return OP_DONE;
}

/* It runs already, somewhat elsewhere until now. Nobody reaps it before we return to the loop. */
static enum op_next settle_cpus(struct op *op)
{
	const struct exec_start *s = from_op(op);
	int rc = s->affinity.for_process ? cpus_apply(&s->affinity.process, s->p->pid) : 0;

	if (rc == 0)
		return OP_DONE;
	err_rc(&op->err, rc, "give it its processors, from %s", s->affinity.from);
	return OP_FAIL;
}

/* It runs, but its Start has failed: nobody would ever hear of it again. */
static enum op_next kill_process(struct op *op)
{
	struct process *p = from_op(op)->p;

	(void)child_signal(&p->child, SIGKILL);
	child_forget(&p->child);
	p->pid = 0;
	p->seen.is_set = false;
	return OP_DONE;
}

static enum op_next kill_stray(struct op *op)
{
	struct exec_start *s = from_op(op);

	if (s->held) /* else it has been adopted */
		process_kill_stray(s->p, &s->handover, s->pid_file);
	return OP_DONE;
}

static void console_came(void *user)
{
	struct exec_start *s = user;

	op_resume(&s->op, process_take_console(s->p, &s->op.err) < 0 ? OP_FAIL : OP_DONE);
	/* s may be gone */
}

static enum op_next receive_console(struct op *op)
{
	struct exec_start *s = from_op(op);

	return process_await_console(s->p, console_came, s) ? OP_DONE : OP_WAIT;
}

static enum op_next start_stdio(struct op *op)
{
	stdio_start(from_op(op)->p->io);
	return OP_DONE;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "check state",     check_state,     NULL            },
	{ "open stdio",      open_stdio,      close_stdio     },
	{ "await readers",   await_readers,   NULL            }, /* waits, if a client is late */
	{ "await logger",    await_logger,    NULL            }, /* waits, if there is one */
	{ "write process",   write_process,   remove_process  },
	{ "choose cpus",     choose_cpus,     NULL            },
	{ "forget old pid",  forget_old_pid,  NULL            },
	{ "open handover",   open_handover,   close_handover  },
	{ "hold orphans",    hold_orphans,    release_orphans }, /* it may die before we know its pid */
	{ "safety net",      NULL,            kill_stray      }, /* for what the row below leaves */
	{ "run runtime",     run_runtime,     kill_runtime    }, /* waits for its exit */
	{ "read verdict",    read_verdict,    NULL            },
	{ "adopt process",   adopt_process,   kill_process    },
	{ "settle cpus",     settle_cpus,     NULL            },
	{ "release orphans", release_orphans, NULL            },
	{ "remove process",  remove_process,  NULL            },
	{ "receive console", receive_console, NULL            }, /* waits, if there is a terminal */
	{ "start stdio",     start_stdio,     NULL            },
	/* clang-format on */
};

static void let_go(struct op *op)
{
	(void)kill_runtime(op);
	runtime_call_fini(&from_op(op)->runtime);
}

static void finish(struct op *op)
{
	struct exec_start *s = from_op(op);
	struct process *p = s->p;
	struct container *ct = p->ct;
	bool failed = err_is_set(&op->err);

	p->is_starting = false;
	p->start_failed = failed && p->state == STATE_CREATED;
	if (!failed) {
		process_set_state(p, STATE_RUNNING);
		free(take_ptr(&p->spec));
	}
	s->done(s->user, p, &op->err);
	free(s);
	if (p->start_failed)
		process_release_waiters(p);
	process_release_news(p);
	if (failed)
		container_exec_failed(ct);
	/* p and ct may be gone */
}

static const struct op_plan plan = { "exec", steps, ARRAY_LEN(steps), finish, let_go };

void exec_start_begin(struct process *p, double deadline_s, start_done_fn *done, void *user)
{
	struct exec_start *s = NULL;
	struct err e = ERR_INIT;

	if (p->is_starting)
		state_check(STATE_RUNNING, VERB_START, &e);
	else if (!(s = calloc(1, sizeof(*s))))
		err_oom(&e);
	if (!s) {
		done(user, p, &e);
		return;
	}
	s->p = p;
	s->runtime = RUNTIME_CALL_NONE;
	s->handover = HANDOVER_NONE;
	snprintf(s->process_file, sizeof(s->process_file), "%s.process.json", p->exec_id);
	snprintf(s->pid_file, sizeof(s->pid_file), EXEC_PID_FILE, p->exec_id);
	snprintf(s->log_file, sizeof(s->log_file), "%s.log.json", p->exec_id);
	s->done = done;
	s->user = user;
	p->is_starting = true;
	p->start_failed = false;
	p->ct->running_execs++; /* from now: init's exit waits for what becomes of this */
	process_hold_news(p);
	container_run(p->ct, &s->op, &plan, deadline_s > 0 ? deadline_s : OPERATION_DEADLINE_S);
}
