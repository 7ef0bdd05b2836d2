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
#include "base/json.h"
#include "base/log.h"
#include "base/op.h"
#include "process/admit.h"
#include "process/bundle.h"
#include "process/launch.h"
#include "process/ops.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct create {
	struct launch launch;
	struct container *ct;           /* ours until it is created, then the set's */
	const struct create_args *args; /* borrowed until finish() */
	struct admission admission;
	struct rootfs_job mounting;
	create_done_fn *done;
	void *user;
};

static struct create *from_op(struct op *op)
{
	return container_of(op, struct create, launch.op);
}

static int read_pause(struct container *ct, json_t *config, struct err *e)
{
	const char *how = json_get_string(json_get(config, "annotations", NULL), PAUSE_ANNOTATION);

	ct->may_freeze = !how || strcmp(how, "freezer") == 0;
	if (ct->may_freeze || strcmp(how, "runtime") == 0)
		return 0;
	return err_set(e, STATUS_INVALID_ARGUMENT,
		"config.json: annotation " PAUSE_ANNOTATION
		" is \"%.64s\", which is neither freezer nor runtime",
		how);
}

static enum op_next read_config(struct op *op)
{
	struct create *c = from_op(op);
	auto_json json_t *config = NULL;
	struct bundle_facts facts;
	struct err e = ERR_INIT;

	/* A config.json we cannot read is the runtime's to complain about. Until then: assume
	 * least. */
	if (json_load_file_at(c->ct->bundle_fd, "config.json", &config, &e) < 0) {
		log_warn("config", "id=%s error=\"%s\", treating its pid namespace as shared",
			c->ct->id, e.msg);
		return OP_DONE;
	}
	if (bundle_facts_of(config, &facts) < 0) {
		err_oom(&op->err);
		return OP_FAIL;
	}
	c->ct->own_pidns = facts.own_pidns;
	bundle_facts_fini(&facts);
	if (affinity_read(&c->ct->affinity, config, &op->err) < 0 ||
		read_pause(c->ct, config, &op->err) < 0)
		return OP_FAIL;
	admission_take_config(&c->admission, take_ptr(&config));
	return OP_DONE;
}

static enum op_next check_features(struct op *op)
{
	return admission_check(&from_op(op)->admission, op);
}

static enum op_next stop_asking(struct op *op)
{
	return admission_stop(&from_op(op)->admission);
}

/* For `delete`, which another process runs if we should die. */
static enum op_next write_options(struct op *op)
{
	struct create *c = from_op(op);
	int rc = bundle_forget_exit(c->ct->bundle_fd);

	if (rc < 0) {
		err_rc(&op->err, rc, "remove exitstatus.json");
		return OP_FAIL;
	}
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

	op_resume(
		&c->launch.op, rootfs_job_verdict(job, &c->launch.op.err) < 0 ? OP_FAIL : OP_DONE);
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
		c->mounting.userns = &c->ct->set->userns;
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
	op_resume(&c->launch.op, OP_DONE);
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
		op_resume(&c->launch.op, OP_DONE);
	/* c may be gone */
}

static enum op_next run_runtime(struct op *op)
{
	struct launch *l = &from_op(op)->launch;
	struct runtime_create_args args = {
		.pidfd_socket = handover_path(&l->handover),
		.no_pivot = l->ct->no_pivot,
		.no_new_keyring = l->ct->no_new_keyring,
		.cpus = affinity_of_runtime(&l->ct->affinity),
	};

	stdio_child_fds(l->ct->init.io, args.stdio);
	if (l->ct->init.console)
		args.console_socket = console_path(l->ct->init.console);
	if (runtime_create(&l->runtime, &l->ct->runtime, &args, launch_runtime_exited, &op->err) <
		0) {
		err_wrap(&op->err, "OCI runtime create failed");
		return OP_FAIL;
	}
	return OP_WAIT; /* launch_runtime_exited() goes on */
}

/* The rest is Start's to do: to restore it. */
static enum op_next keep_image(struct op *op)
{
	struct create *c = from_op(op);
	struct image *image = &c->ct->image;
	int rc;

	image->path = strdup(c->args->checkpoint);
	image->parent = strdup(c->args->parent_checkpoint ? c->args->parent_checkpoint : "");
	rc = c->args->options.criu_work_path && c->args->options.criu_work_path[0]
		     ? asprintf(&image->work, "%s", c->args->options.criu_work_path)
		     : asprintf(&image->work, "%s/work", c->ct->bundle);
	if (rc < 0)
		image->work = NULL;
	if (!image->path || !image->parent || !image->work) {
		err_oom(&op->err);
		return OP_FAIL;
	}
	return OP_DONE;
}

static enum op_next set_aside(struct op *op)
{
	process_set_state(&from_op(op)->launch.ct->init, STATE_CREATED_CHECKPOINT);
	return OP_DONE;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "read config",     read_config,            NULL                    },
	{ "check features",  check_features,         stop_asking             }, /* waits, once for each runtime and boot */
	{ "write options",   write_options,          NULL                    },
	{ "mount rootfs",    mount_rootfs,           unmount_rootfs          }, /* waits for a child */
	{ "open stdio",      launch_open_stdio,      launch_close_stdio      },
	{ "await readers",   launch_await_readers,   NULL                    }, /* waits, if a client is late */
	{ "await logger",    launch_await_logger,    NULL                    }, /* waits, if there is one */
	{ "forget old pid",  launch_forget_old_pid,  NULL                    },
	{ "safety net",      NULL,                   launch_delete_container }, /* for what the runtime may leave; runs
										   after the release, for runtimes wait
										   until init is reaped */
	{ "open handover",   launch_open_handover,   launch_close_handover   },
	{ "hold orphans",    launch_hold_orphans,    launch_release_orphans  }, /* init may die before we know its pid */
	{ "kill stray",      NULL,                   launch_kill_stray       }, /* while its number is its own */
	{ "run runtime",     run_runtime,            launch_kill_runtime     }, /* waits for its exit */
	{ "read verdict",    launch_read_verdict,    NULL                    },
	{ "adopt init",      launch_adopt_init,      launch_drop_init        },
	{ "release orphans", launch_release_orphans, NULL                    },
	{ "find cgroup",     launch_find_cgroup,     launch_forget_cgroup    },
	{ "receive console", launch_receive_console, launch_forget_console   }, /* waits, if there is a terminal */
	{ "start stdio",     launch_start_stdio,     NULL                    },
	/* clang-format on */
};

/* From a checkpoint: no process comes to be before Start. */
static const struct op_step image_steps[] = {
	/* clang-format off */
	{ "read config",     read_config,            NULL                    },
	{ "check features",  check_features,         stop_asking             }, /* waits, once for each runtime and boot */
	{ "write options",   write_options,          NULL                    },
	{ "keep image",      keep_image,             NULL                    },
	{ "mount rootfs",    mount_rootfs,           unmount_rootfs          }, /* waits for a child */
	{ "open stdio",      launch_open_stdio,      launch_close_stdio      },
	{ "await readers",   launch_await_readers,   NULL                    }, /* waits, if a client is late */
	{ "await logger",    launch_await_logger,    NULL                    }, /* waits, if there is one */
	{ "set aside",       set_aside,              NULL                    },
	/* clang-format on */
};

static void let_go(struct op *op)
{
	struct create *c = from_op(op);

	(void)features_kill(&c->admission.features);
	admission_fini(&c->admission);
	(void)rootfs_job_kill(&c->mounting);
	rootfs_job_fini(&c->mounting);
	launch_let_go(op);
}

static void finish(struct op *op)
{
	struct create *c = from_op(op);
	struct container *ct = c->ct;
	bool failed = err_is_set(&op->err);

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

static const struct op_plan plan = { "create", steps, ARRAY_LEN(steps), finish, let_go };
static const struct op_plan image_plan = {
	"create from image",
	image_steps,
	ARRAY_LEN(image_steps),
	finish,
	let_go,
};

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
	c->ct = c->launch.ct = ct;
	c->args = args;
	admission_init(&c->admission, ct);
	c->mounting = ROOTFS_JOB_NONE;
	c->launch.runtime = RUNTIME_CALL_NONE;
	c->launch.handover = HANDOVER_NONE;
	c->done = done;
	c->user = user;
	c->launch.verb = "create";
	process_hold_news(&ct->init); /* until Create is answered: finish() */
	container_run(ct, &c->launch.op,
		args->checkpoint && args->checkpoint[0] ? &image_plan : &plan,
		args->deadline_s > 0 ? args->deadline_s : OPERATION_DEADLINE_S);
}
