/* SPDX-License-Identifier: Apache-2.0 */

/*
 * create.c - the Create operation.
 *
 * The table at the end is the story; the functions above it are the words.
 *
 * `runtime create` forks the container's init, writes its pid to a file and
 * exits. Init is then our child, because we are a subreaper.
 */

#include "base/auto.h"
#include "base/log.h"
#include "base/op.h"
#include "process/bundle.h"
#include "process/ops.h"
#include "reaper/reaper.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct create {
	struct op op;
	struct container *ct;           /* ours until it is created, then the set's */
	const struct create_args *args; /* for the steps before the first wait only */
	struct rootfs_job mounting;
	struct runtime_call runtime; /* `create`, in the end perhaps `delete --force` */
	bool held;
	create_done_fn *done;
	void *user;
};

static struct create *from_op(struct op *op)
{
	return container_of(op, struct create, op);
}

static enum op_next read_config(struct op *op)
{
	struct create *c = from_op(op);
	struct bundle_facts facts;
	struct err e = ERR_INIT;

	/* A config.json we cannot read is the runtime's to complain about. Until then: assume
	 * least. */
	if (bundle_read_facts(c->ct->bundle_fd, &facts, &e) < 0) {
		log_warn("config", "id=%s error=\"%s\", treating its pid namespace as shared",
			c->ct->id, e.msg);
		return OP_DONE;
	}
	c->ct->own_pidns = facts.own_pidns;
	bundle_facts_fini(&facts);
	return OP_DONE;
}

/* For `delete`, which another process runs if we should die. */
static enum op_next write_options(struct op *op)
{
	struct create *c = from_op(op);

	return bundle_write_options(c->ct->bundle_fd, &c->args->options, &op->err) < 0 ? OP_FAIL
										       : OP_DONE;
}

static int rootfs_path(const struct container *ct, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/rootfs", ct->bundle) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static void mounted(struct rootfs_job *job)
{
	struct create *c = container_of(job, struct create, mounting);

	op_resume(&c->op, rootfs_job_verdict(job, &c->op.err) < 0 ? OP_FAIL : OP_DONE);
	/* c may be gone */
}

static enum op_next mount_rootfs(struct op *op)
{
	struct create *c = from_op(op);
	char path[PATH_MAX];
	int rc = rootfs_path(c->ct, path);

	if (c->args->n_mounts == 0)
		return OP_DONE; /* it is there already, and not ours to touch */
	if (rc == 0 && mkdirat(c->ct->bundle_fd, "rootfs", 0711) < 0 && errno != EEXIST)
		rc = -errno;
	if (rc == 0) {
		c->ct->has_mounts = true;
		c->mounting.on_done = mounted;
		rc = rootfs_mount_begin(
			&c->mounting, c->ct->set->reaper, path, c->args->mounts, c->args->n_mounts);
	}
	if (rc < 0) {
		err_rc(&op->err, rc, "failed to mount rootfs component");
		return OP_FAIL;
	}
	return OP_WAIT; /* mounted() goes on */
}

static void unmounted(struct rootfs_job *job)
{
	struct create *c = container_of(job, struct create, mounting);
	struct err e = ERR_INIT;

	if (rootfs_job_verdict(job, &e) < 0)
		log_error("unmount", "id=%s error=\"%s\"", c->ct->id, e.msg);
	op_resume(&c->op, OP_DONE);
	/* c may be gone */
}

static void unmount_after_kill(struct rootfs_job *job);

static enum op_next begin_unmount(struct create *c)
{
	char path[PATH_MAX];

	c->mounting.on_done = unmounted;
	if (rootfs_path(c->ct, path) < 0 ||
		rootfs_unmount_begin(&c->mounting, c->ct->set->reaper, path) < 0) {
		log_error("unmount", "id=%s error=\"could not start\"", c->ct->id);
		return OP_DONE;
	}
	return OP_WAIT;
}

static enum op_next unmount_rootfs(struct op *op)
{
	struct create *c = from_op(op);

	if (!c->ct->has_mounts)
		return OP_DONE;
	/* The deadline may have passed while it was mounting: then end that first. */
	c->mounting.on_done = unmount_after_kill;
	return rootfs_job_kill(&c->mounting) ? OP_WAIT : begin_unmount(c);
}

static void unmount_after_kill(struct rootfs_job *job)
{
	struct create *c = container_of(job, struct create, mounting);

	if (begin_unmount(c) == OP_DONE)
		op_resume(&c->op, OP_DONE);
	/* c may be gone */
}

static enum op_next open_stdio(struct op *op)
{
	return process_open_stdio(&from_op(op)->ct->init, &op->err) < 0 ? OP_FAIL : OP_DONE;
}

static enum op_next close_stdio(struct op *op)
{
	process_close_stdio(&from_op(op)->ct->init);
	return OP_DONE;
}

static void logger_ready(void *user)
{
	struct create *c = user;

	op_resume(&c->op, logger_verdict(c->ct->init.logger, &c->op.err) < 0 ? OP_FAIL : OP_DONE);
	/* c may be gone */
}

static enum op_next await_logger(struct op *op)
{
	struct create *c = from_op(op);

	return !c->ct->init.logger || logger_await_ready(c->ct->init.logger, logger_ready, c)
		       ? OP_DONE
		       : OP_WAIT;
}

static enum op_next forget_old_pid(struct op *op)
{
	return runtime_forget_pid(from_op(op)->ct->bundle_fd, "init.pid", &op->err) < 0 ? OP_FAIL
											: OP_DONE;
}

static enum op_next hold_orphans(struct op *op)
{
	struct create *c = from_op(op);

	reaper_hold(c->ct->set->reaper);
	c->held = true;
	return OP_DONE;
}

static enum op_next release_orphans(struct op *op)
{
	struct create *c = from_op(op);

	if (c->held)
		reaper_release(c->ct->set->reaper);
	c->held = false;
	return OP_DONE;
}

static void runtime_exited(struct runtime_call *call)
{
	struct create *c = container_of(call, struct create, runtime);

	op_resume(&c->op, OP_DONE);
	/* c may be gone */
}

static enum op_next run_runtime(struct op *op)
{
	struct create *c = from_op(op);
	struct runtime_create_args args = {
		.no_pivot = c->ct->no_pivot,
		.no_new_keyring = c->ct->no_new_keyring,
	};

	stdio_child_fds(c->ct->init.io, args.stdio);
	if (c->ct->init.console)
		args.console_socket = console_path(c->ct->init.console);
	if (runtime_create(&c->runtime, &c->ct->runtime, &args, runtime_exited, &op->err) < 0) {
		err_wrap(&op->err, "OCI runtime create failed");
		return OP_FAIL;
	}
	return OP_WAIT; /* runtime_exited() goes on */
}

static enum op_next kill_runtime(struct op *op)
{
	return runtime_kill(&from_op(op)->runtime) ? OP_WAIT : OP_DONE;
}

/* Also right when the runtime got half way, or nowhere. */
static enum op_next delete_container(struct op *op)
{
	struct create *c = from_op(op);
	struct err e = ERR_INIT;

	if (runtime_delete(&c->runtime, &c->ct->runtime, true, runtime_exited, &e) < 0)
		return OP_DONE; /* no runtime, no container */
	return OP_WAIT;
}

static enum op_next read_verdict(struct op *op)
{
	if (runtime_verdict(&from_op(op)->runtime, &op->err) == 0)
		return OP_DONE;
	err_wrap(&op->err, "OCI runtime create failed");
	return OP_FAIL;
}

static enum op_next adopt_init(struct op *op)
{
	struct container *ct = from_op(op)->ct;
	pid_t pid;
	int rc;

	if (runtime_read_pid(ct->bundle_fd, "init.pid", &pid, &op->err) < 0) {
		err_wrap(&op->err, "failed to retrieve OCI runtime container pid");
		return OP_FAIL;
	}
	process_hold_news(&ct->init); /* until Create is answered: finish() */
	rc = process_adopt(&ct->init, pid);
	if (rc < 0) {
		err_rc(&op->err, rc, "%s left pid %d in init.pid, which we cannot follow",
			ct->binary, (int)pid);
		return OP_FAIL;
	}
	return OP_DONE;
}

static enum op_next drop_init(struct op *op)
{
	child_forget(&from_op(op)->ct->init.child); /* delete_container() kills it */
	return OP_DONE;
}

/* Nobody reaps init before we return to the loop, so /proc still speaks of it, dead or alive. */
static enum op_next find_cgroup(struct op *op)
{
	container_find_cgroup(from_op(op)->ct);
	return OP_DONE;
}

static void console_came(void *user)
{
	struct create *c = user;

	op_resume(&c->op, process_take_console(&c->ct->init, &c->op.err) < 0 ? OP_FAIL : OP_DONE);
	/* c may be gone */
}

static enum op_next receive_console(struct op *op)
{
	struct create *c = from_op(op);

	return process_await_console(&c->ct->init, console_came, c) ? OP_DONE : OP_WAIT;
}

static enum op_next start_stdio(struct op *op)
{
	stdio_start(from_op(op)->ct->init.io);
	return OP_DONE;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "read config",     read_config,     NULL             },
	{ "write options",   write_options,   NULL             },
	{ "mount rootfs",    mount_rootfs,    unmount_rootfs   }, /* waits for a child */
	{ "open stdio",      open_stdio,      close_stdio      },
	{ "await logger",    await_logger,    NULL             }, /* waits, if there is one */
	{ "forget old pid",  forget_old_pid,  NULL             },
	{ "safety net",      NULL,            delete_container }, /* for what the runtime may leave; runs
								     after the release, for runtimes wait
								     until init is reaped */
	{ "hold orphans",    hold_orphans,    release_orphans  }, /* init may die before we know its pid */
	{ "run runtime",     run_runtime,     kill_runtime     }, /* waits for its exit */
	{ "read verdict",    read_verdict,    NULL             },
	{ "adopt init",      adopt_init,      drop_init        },
	{ "release orphans", release_orphans, NULL             },
	{ "find cgroup",     find_cgroup,     NULL             },
	{ "receive console", receive_console, NULL             }, /* waits, if there is a terminal */
	{ "start stdio",     start_stdio,     NULL             },
	/* clang-format on */
};

static void finish(struct op *op)
{
	struct create *c = from_op(op);
	struct container *ct = c->ct;
	bool failed = err_is_set(&op->err);

	/* An undo that outlived its grace must not outlive us both. */
	(void)rootfs_job_kill(&c->mounting);
	(void)runtime_kill(&c->runtime);
	rootfs_job_fini(&c->mounting);
	runtime_call_fini(&c->runtime);
	if (failed) {
		ct = container_free(ct);
	} else {
		ct->is_created = true;
	}
	c->done(c->user, ct, &op->err);
	free(c);
	if (ct)
		process_release_news(&ct->init);
}

static const struct op_plan plan = { "create", steps, ARRAY_LEN(steps), finish };

void create_begin(
	struct containers *set, const struct create_args *args, create_done_fn *done, void *user)
{
	struct err e = ERR_INIT;
	const struct container_plan what = { args->id, args->bundle, &args->options, &args->io };
	struct container *ct = container_new(set, &what, &e);
	struct create *c = ct ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		if (ct)
			err_oom(&e);
		container_free(ct);
		done(user, NULL, &e);
		return;
	}
	c->ct = ct;
	c->args = args;
	c->mounting = ROOTFS_JOB_NONE;
	c->runtime = RUNTIME_CALL_NONE;
	c->done = done;
	c->user = user;
	op_start(&c->op, set->loop, &plan,
		args->deadline_s > 0 ? args->deadline_s : OPERATION_DEADLINE_S);
}
