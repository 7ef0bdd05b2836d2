/* SPDX-License-Identifier: Apache-2.0 */

/*
 * run.c - `belayctl run`, as an operation: the table at the end is the story.
 */

#include "shim/ctl/run.h"

#include "base/auto.h"
#include "proto/api/task.pb-c.h"
#include "shim/ctl/attach.h"
#include "shim/ctl/format.h"
#include "shim/ctl/launch.h"
#include "shim/ctl/listener.h"
#include "shim/ctl/options.h"
#include "shim/ctl/spec.h"
#include "shim/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
	struct attached a;
	const struct run_args *args;
	char id[80], bundle[PATH_MAX], runc_root[PATH_MAX], shim[PATH_MAX], runtime[PATH_MAX];
	struct spec_needs needs;
	struct listener listener;
	struct launch_args launch_args;
	struct launch launch;
};

static struct run *from_op(struct op *op)
{
	return container_of(op, struct run, a.op);
}

static int write_spec(struct run *r, struct err *e)
{
	const struct spec spec = { r->id, r->args->command, r->args->terminal, &r->args->options,
		r->needs.rootfs };

	if (r->args->bundle)
		return spec_copy(r->a.folder.fd, r->bundle, r->args->terminal, &r->needs, e);
	return spec_write(r->a.folder.fd, &spec, e);
}

static enum op_next make_bundle(struct op *op)
{
	struct run *r = from_op(op);

	/* The sources of mounts may be relative to the folder we are still in. */
	if (folder_make(&r->a.folder, r->args->state, r->id, &op->err) < 0 ||
		write_spec(r, &op->err) < 0)
		return OP_FAIL;
	/* As containerd does before it runs a shim. */
	if (fchdir(r->a.folder.fd) < 0) {
		err_sys(&op->err, "enter %s", r->a.folder.path);
		return OP_FAIL;
	}
	return OP_DONE;
}

static enum op_next open_log(struct op *op)
{
	struct run *r = from_op(op);

	return done_or_fail(
		listener_open_log(&r->listener, r->a.folder.fd, r->args->debug, &op->err));
}

static enum op_next close_log(struct op *op)
{
	listener_close_log(&from_op(op)->listener);
	return OP_DONE;
}

static enum op_next listen_for_events(struct op *op)
{
	struct run *r = from_op(op);

	return done_or_fail(listener_open_events(&r->listener, r->a.folder.path, &op->err));
}

static enum op_next stop_listening(struct op *op)
{
	listener_close_events(&from_op(op)->listener);
	return OP_DONE;
}

static void launch_exited(struct launch *l)
{
	op_resume(&container_of(l, struct run, launch)->a.op, OP_DONE);
}

static enum op_next launch_shim(struct op *op)
{
	struct run *r = from_op(op);

	return wait_or_fail(
		launch_start(&r->launch, &r->a.reaper, &r->launch_args, launch_exited, &op->err));
}

/* What containerd does when a shim is lost: the `delete` action cleans up whatever there is. */
static enum op_next clean_up_after_shim(struct op *op)
{
	struct run *r = from_op(op);
	struct err e = ERR_INIT;

	client_close(&r->a.client);
	launch_fini(&r->launch);
	return launch_delete(&r->launch, &r->a.reaper, &r->launch_args, launch_exited, &e) < 0
		       ? OP_DONE
		       : OP_WAIT;
}

static enum op_next connect_to_shim(struct op *op)
{
	struct run *r = from_op(op);
	char address[SOCKET_PATH_MAX + 1];

	if (launch_address(&r->launch, address, sizeof(address), &op->err) < 0)
		return OP_FAIL;
	return done_or_fail(client_connect(&r->a.client, address, &op->err));
}

/* Something failed: a shim without a container leaves when told to; one with a container stays. */
static enum op_next dismiss_shim(struct op *op)
{
	struct run *r = from_op(op);
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;

	req.id = r->id;
	return attached_ask_to_undo(&r->a, "Shutdown", &req.base);
}

static enum op_next create(struct op *op)
{
	struct run *r = from_op(op);
	const struct create_request req = {
		.bundle = r->a.folder.path,
		.rootfs = r->needs.rootfs,
		.runtime = r->runtime,
		.runtime_root = r->runc_root,
		.terminal = r->args->terminal,
		.input = r->a.has_input,
		.io_uid = r->needs.io_uid,
		.io_gid = r->needs.io_gid,
	};

	r->a.call = (struct client_call){
		.service = REQUEST_SERVICE,
		.method = "Create",
		.on_done = attached_answered,
	};
	return wait_or_fail(request_create(&r->a.about, &r->a.call, &req, &op->err));
}

static enum op_next shut_down(struct op *op)
{
	struct run *r = from_op(op);
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;

	req.id = r->id;
	return attached_ask(&r->a, "Shutdown", &req.base, REQUEST_ANSWER_MAX_S);
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "make bundle",      make_bundle,                 attached_remove_folder      },
	{ "open log",         open_log,                    close_log                   },
	{ "listen for events", listen_for_events,          stop_listening              },
	{ "start relays",     attached_start_relays,       attached_stop_relays        },
	{ "clean up",         NULL,                        clean_up_after_shim         }, /* when anything below fails */
	{ "launch shim",      launch_shim,                 NULL                        }, /* waits for `start` */
	{ "connect",          connect_to_shim,             dismiss_shim                },
	{ "create",           create,                      NULL                        },
	{ "drop it",          NULL,                        attached_drop_it            }, /* once there is a container, */
	{ "see it die",       NULL,                        attached_see_it_die         }, /* which is read upwards: killed, */
	{ "kill it",          NULL,                        attached_kill_it            }, /* waited for and deleted */
	{ "take terminal",    attached_take_terminal,      attached_give_terminal_back },
	{ "start",            attached_start,              NULL                        },
	{ "await exit",       attached_await_exit,         NULL                        },
	{ "await output",     attached_await_output,       NULL                        },
	{ "give it back",     attached_give_terminal_back, NULL                        },
	{ "delete",           attached_delete,             NULL                        },
	{ "shut down",        shut_down,                   NULL                        },
	{ "await shim",       attached_await_end,          NULL                        },
	{ "stop relays",      attached_stop_relays,        NULL                        },
	{ "stop listening",   stop_listening,              NULL                        },
	{ "close log",        close_log,                   NULL                        },
	{ "remove bundle",    attached_remove_folder,      NULL                        },
	/* clang-format on */
};

static const struct op_plan plan = { "run", steps, ARRAY_LEN(steps), attached_finish, NULL };

/* A name stays one, to be looked for in $PATH. A link is not followed: its name may matter. */
static int make_absolute(const char *path, char ret[PATH_MAX], struct err *e)
{
	char here[PATH_MAX] = "";

	if (strchr(path, '/') && path[0] != '/' && !getcwd(here, sizeof(here)))
		return err_sys(e, "find the current folder");
	if (snprintf(ret, PATH_MAX, "%s%s%s", here, here[0] ? "/" : "", path) >= PATH_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT, "path %s is too long", path);
	return 0;
}

static int resolve_paths(struct run *r, const struct run_args *args, struct err *e)
{
	if (args->bundle && !realpath(args->bundle, r->bundle))
		return err_sys(e, "--bundle %s", args->bundle);
	if (args->rootfs && !realpath(args->rootfs, r->needs.rootfs))
		return err_sys(e, "--rootfs %s", args->rootfs);
	if (args->shim && make_absolute(args->shim, r->shim, e) < 0)
		return -1;
	if (snprintf(r->runc_root, sizeof(r->runc_root), "%s/runtime", args->state) >=
		(int)sizeof(r->runc_root))
		return err_set(e, STATUS_INVALID_ARGUMENT, "--state is too long");
	return make_absolute(args->runtime, r->runtime, e);
}

static int prepare(struct run *r, const struct run_args *args, struct err *e)
{
	int rc = 0;

	r->args = args;
	if (args->name)
		snprintf(r->id, sizeof(r->id), "%s", args->name);
	else
		rc = attached_make_up_id("run", r->id, sizeof(r->id));
	if (rc < 0)
		return err_rc(e, rc, "make up an id");
	if (resolve_paths(r, args, e) < 0)
		return -1;
	r->launch_args = (struct launch_args){ args->shim ? r->shim : NULL, r->id, args->state,
		args->debug };
	r->a.ns = LAUNCH_NAMESPACE;
	r->a.about = (struct request_about){ NULL, REQUEST_SERVICE, r->id, "" };
	r->a.has_terminal = args->terminal;
	r->a.has_input = args->interactive || args->terminal;
	return attached_init(&r->a, e);
}

int run_container(const struct run_args *args)
{
	struct run r = { .launch = LAUNCH_NONE };
	struct err e = ERR_INIT;

	if (prepare(&r, args, &e) == 0) {
		listener_init(&r.listener, r.a.loop);
		attached_run(&r.a, &plan);
		launch_fini(&r.launch);
		attached_fini(&r.a);
		e = r.a.op.err;
	}
	if (err_is_set(&e)) {
		fprintf(stderr, "belayctl: %s\n", format_tame(e.msg));
		return EXIT_CTL_FAILED;
	}
	return (int)r.a.exit_status;
}
