/* SPDX-License-Identifier: Apache-2.0 */

/*
 * checkpoint.c - the Checkpoint operation: the runtime has criu write an image of the container.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/op.h"
#include "process/cgroup/freezer.h"
#include "process/ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where criu works if nobody says where, and what it leaves behind of a failure; in the bundle. */
#define WORK     "work/criu-work"
#define DUMP_LOG "criu-dump.log"

/* Of criu's log, in bytes; a longer one is not kept. */
#define DUMP_LOG_MAX (16u << 20)

struct checkpoint {
	struct op op;
	struct job job;
	struct container *ct; /* borrowed: a container outlives its operations */
	const struct checkpoint_args *args;
	struct runtime_call runtime;
	char work[PATH_MAX];
	double deadline_s;
	verb_done_fn *done;
	void *user;
};

static struct checkpoint *from_op(struct op *op)
{
	return container_of(op, struct checkpoint, op);
}

static enum op_next check_state(struct op *op)
{
	return state_check(from_op(op)->ct->init.state, VERB_CHECKPOINT, &op->err) < 0 ? OP_FAIL
										       : OP_DONE;
}

static bool works_in_ours(const struct checkpoint *c)
{
	return !c->args->work || !c->args->work[0];
}

static int make_folder(int dir, const char *name)
{
	return mkdirat(dir, name, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static enum op_next make_work(struct op *op)
{
	struct checkpoint *c = from_op(op);
	bool ours = works_in_ours(c);
	int rc = 0;

	if (snprintf(c->work, sizeof(c->work), "%s%s%s", ours ? c->ct->bundle : c->args->work,
		    ours ? "/" : "", ours ? WORK : "") >= (int)sizeof(c->work))
		rc = -ENAMETOOLONG;
	if (rc == 0 && ours)
		rc = make_folder(c->ct->bundle_fd, "work"); /* containerd's, as a rule */
	if (rc == 0 && ours)
		rc = make_folder(c->ct->bundle_fd, WORK);
	if (rc == 0)
		return OP_DONE;
	err_rc(&op->err, rc, "create criu's work folder");
	return OP_FAIL;
}

/* criu makes files there, and no folders. */
static enum op_next remove_work(struct op *op)
{
	struct checkpoint *c = from_op(op);
	auto_fd int fd = -1;
	struct dirent *entry;
	DIR *d;

	if (!works_in_ours(c))
		return OP_DONE;
	fd = openat(c->ct->bundle_fd, WORK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return OP_DONE; /* it never was */
	(void)take_fd(&fd);
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	if (unlinkat(c->ct->bundle_fd, WORK, AT_REMOVEDIR) < 0)
		log_warn("checkpoint", "id=%s error=\"remove %s: %s\", leaving it", c->ct->id, WORK,
			strerror(errno));
	return OP_DONE;
}

static void runtime_exited(struct runtime_call *call)
{
	struct checkpoint *c = container_of(call, struct checkpoint, runtime);

	op_resume(&c->op, OP_DONE);
	/* c may be gone */
}

static enum op_next run_runtime(struct op *op)
{
	struct checkpoint *c = from_op(op);
	struct runtime_checkpoint_args how = c->args->how;

	how.image = c->args->path;
	how.work = c->work;
	return runtime_checkpoint(&c->runtime, &c->ct->runtime, &how, runtime_exited, &op->err) < 0
		       ? OP_FAIL
		       : OP_WAIT; /* runtime_exited() goes on */
}

static enum op_next kill_runtime(struct op *op)
{
	return runtime_kill(&from_op(op)->runtime) ? OP_WAIT : OP_DONE;
}

static void keep_dump_log(const struct checkpoint *c)
{
	auto_buf struct buf text = BUF_INIT(DUMP_LOG_MAX);
	auto_fd int work = open(c->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = work < 0 ? -errno : fd_read_file(work, "dump.log", &text);

	if (rc == 0)
		rc = fd_replace_file(c->ct->bundle_fd, DUMP_LOG, text.data, text.len, 0644);
	if (rc < 0)
		log_warn("checkpoint", "id=%s error=\"copy dump.log: %s\", going on without",
			c->ct->id, strerror(-rc));
}

/* The reference's words: the first line of the error, and where criu's own are. */
static enum op_next read_verdict(struct op *op)
{
	struct checkpoint *c = from_op(op);
	struct err why = ERR_INIT;

	if (runtime_plain_verdict(&c->runtime, &why) == 0)
		return OP_DONE;
	keep_dump_log(c);
	err_set(&op->err, why.status, "%.*s path= %s/" DUMP_LOG, (int)strcspn(why.msg, "\n"),
		why.msg, c->ct->bundle);
	return OP_FAIL;
}

/* What criu has killed in a frozen group of version 1 dies when it is thawed. */
static enum op_next let_it_end(struct op *op)
{
	struct checkpoint *c = from_op(op);

	if (!c->args->how.leave_running)
		(void)freezer_let_die(&c->ct->cgroup); /* gone already is as good */
	return OP_DONE;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "check state",  check_state,  NULL         },
	{ "make work",    make_work,    remove_work  },
	{ "run runtime",  run_runtime,  kill_runtime }, /* waits for its exit */
	{ "read verdict", read_verdict, NULL         },
	{ "let it end",   let_it_end,   NULL         },
	{ "remove work",  remove_work,  NULL         },
	/* clang-format on */
};

static void let_go(struct op *op)
{
	(void)kill_runtime(op);
	runtime_call_fini(&from_op(op)->runtime);
}

static void finish(struct op *op)
{
	struct checkpoint *c = from_op(op);
	struct container *ct = c->ct;

	c->done(c->user, ct, &op->err);
	container_job_done(ct, &c->job);
	/* ct may be gone */
	free(c);
}

static const struct op_plan plan = { "checkpoint", steps, ARRAY_LEN(steps), finish, let_go };

static void begin(struct job *j)
{
	struct checkpoint *c = container_of(j, struct checkpoint, job);

	container_run(c->ct, &c->op, &plan, c->deadline_s);
}

static void drop(struct job *j, const struct err *e)
{
	struct checkpoint *c = container_of(j, struct checkpoint, job);

	c->done(c->user, c->ct, e);
	free(c);
}

void checkpoint_begin(
	struct container *ct, const struct checkpoint_args *args, verb_done_fn *done, void *user)
{
	struct checkpoint *c = calloc(1, sizeof(*c));
	struct err e = ERR_INIT;

	if (!c) {
		err_oom(&e);
		done(user, ct, &e);
		return;
	}
	c->job = (struct job){ .begin = begin, .drop = drop };
	c->ct = ct;
	c->args = args;
	c->runtime = RUNTIME_CALL_NONE;
	c->deadline_s = args->deadline_s > 0 ? args->deadline_s : OPERATION_DEADLINE_S;
	c->done = done;
	c->user = user;
	if (container_enqueue(ct, &c->job, &e) < 0)
		drop(&c->job, &e);
}
