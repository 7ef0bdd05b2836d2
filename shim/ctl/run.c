/* SPDX-License-Identifier: Apache-2.0 */

/*
 * run.c - `belayctl run`, as an operation: the table at the end is the story.
 */

#include "shim/ctl/run.h"

#include "base/auto.h"
#include "base/op.h"
#include "proto/api/task.pb-c.h"
#include "proto/client.h"
#include "reaper/reaper.h"
#include "reaper/signals.h"
#include "shim/ctl/folder.h"
#include "shim/ctl/launch.h"
#include "shim/ctl/listener.h"
#include "shim/ctl/options.h"
#include "shim/ctl/relay.h"
#include "shim/ctl/request.h"
#include "shim/ctl/spec.h"
#include "shim/ctl/terminal.h"
#include "shim/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* The streams, as the container sees them. */
enum {
	IN,
	OUT,
	ERR,
	N_STREAMS
};

struct run {
	struct op op;
	const struct run_args *args;
	struct ev_loop *loop;
	struct signals signals;
	struct reaper reaper;
	char id[80], bundle[PATH_MAX], runc_root[PATH_MAX];
	struct spec_needs needs;
	struct folder folder;
	struct listener listener;
	struct launch_args launch_args;
	struct launch launch;
	struct streams streams;
	struct client client;
	struct client_call call;   /* of the step that runs */
	struct client_call signal; /* Kill, beside it */
	struct client_call close_stdin;
	struct client_call resize;
	struct terminal terminal;
	bool is_created; /* there is somebody to send signals to */
	bool awaits_output, awaits_shim, is_done;
	uint32_t exit_status;
};

static struct run *from_op(struct op *op)
{
	return container_of(op, struct run, op);
}

static enum op_next done_or_fail(int rc)
{
	return rc < 0 ? OP_FAIL : OP_DONE;
}

static enum op_next wait_or_fail(int rc)
{
	return rc < 0 ? OP_FAIL : OP_WAIT;
}

static enum op_next make_bundle(struct op *op)
{
	struct run *r = from_op(op);

	if (folder_make(&r->folder, r->args->state, r->id, &op->err) < 0)
		return OP_FAIL;
	/* As containerd does before it runs a shim. */
	if (fchdir(r->folder.fd) < 0) {
		err_sys(&op->err, "enter %s", r->folder.path);
		return OP_FAIL;
	}
	const struct spec spec = { r->id, r->args->command, r->args->terminal };

	if (r->args->bundle)
		return done_or_fail(
			spec_copy(r->folder.fd, r->bundle, r->args->terminal, &r->needs, &op->err));
	return done_or_fail(spec_write(r->folder.fd, &spec, &op->err));
}

static enum op_next remove_bundle(struct op *op)
{
	struct err e = ERR_INIT;

	if (folder_remove(&from_op(op)->folder, &e) < 0)
		fprintf(stderr, "belayctl: %s\n", e.msg);
	return OP_DONE;
}

static enum op_next open_log(struct op *op)
{
	struct run *r = from_op(op);

	return done_or_fail(
		listener_open_log(&r->listener, r->folder.fd, r->args->debug, &op->err));
}

static enum op_next close_log(struct op *op)
{
	listener_close_log(&from_op(op)->listener);
	return OP_DONE;
}

static enum op_next listen_for_events(struct op *op)
{
	struct run *r = from_op(op);

	return done_or_fail(listener_open_events(&r->listener, r->folder.path, &op->err));
}

static enum op_next stop_listening(struct op *op)
{
	listener_close_events(&from_op(op)->listener);
	return OP_DONE;
}

static void input_ended(struct streams *s)
{
	struct run *r = container_of(s, struct run, streams);

	if (r->is_created)
		request_close_stdin(&r->client, &r->close_stdin, r->id); /* else start() does */
}

static void output_ended(struct streams *s)
{
	struct run *r = container_of(s, struct run, streams);

	if (!r->awaits_output)
		return;
	r->awaits_output = false;
	op_resume(&r->op, OP_DONE);
}

static enum op_next start_relays(struct op *op)
{
	struct run *r = from_op(op);

	return done_or_fail(streams_begin(&r->streams, &r->reaper, r->args->terminal, &op->err));
}

static enum op_next stop_relays(struct op *op)
{
	streams_stop(&from_op(op)->streams);
	return OP_DONE;
}

static void tell_size(struct terminal *t)
{
	struct run *r = container_of(t, struct run, terminal);
	uint32_t width, height;

	terminal_size(&width, &height);
	request_resize(&r->client, &r->resize, r->id, width, height);
}

static enum op_next take_terminal(struct op *op)
{
	struct run *r = from_op(op);

	if (!r->args->terminal)
		return OP_DONE;
	if (terminal_begin(&r->terminal, op->loop, tell_size, &op->err) < 0)
		return OP_FAIL;
	tell_size(&r->terminal);
	return OP_DONE;
}

static enum op_next give_terminal_back(struct op *op)
{
	terminal_end(&from_op(op)->terminal);
	return OP_DONE;
}

static void launch_exited(struct launch *l)
{
	op_resume(&container_of(l, struct run, launch)->op, OP_DONE);
}

static enum op_next launch_shim(struct op *op)
{
	struct run *r = from_op(op);

	return wait_or_fail(
		launch_start(&r->launch, &r->reaper, &r->launch_args, launch_exited, &op->err));
}

/* What containerd does when a shim is lost: the `delete` action cleans up whatever there is. */
static enum op_next clean_up_after_shim(struct op *op)
{
	struct run *r = from_op(op);
	struct err e = ERR_INIT;

	client_close(&r->client);
	launch_fini(&r->launch);
	return launch_delete(&r->launch, &r->reaper, &r->launch_args, launch_exited, &e) < 0
		       ? OP_DONE
		       : OP_WAIT;
}

static enum op_next connect_to_shim(struct op *op)
{
	struct run *r = from_op(op);
	char address[SOCKET_PATH_MAX + 1];

	if (launch_address(&r->launch, address, sizeof(address), &op->err) < 0)
		return OP_FAIL;
	return done_or_fail(client_connect(&r->client, address, &op->err));
}

static enum op_next ask(struct run *r, const char *method, const ProtobufCMessage *m,
	double timeout_s,
	void (*on_done)(struct client_call *, const struct err *, const uint8_t *, size_t))
{
	r->call = (struct client_call){
		.service = REQUEST_SERVICE,
		.method = method,
		.timeout_s = timeout_s,
		.on_done = on_done,
	};
	return wait_or_fail(client_call_start(&r->client, &r->call, m, &r->op.err));
}

static void answered(
	struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct run *r = container_of(call, struct run, call);

	(void)payload;
	(void)n;
	if (e)
		r->op.err = *e;
	op_resume(&r->op, e ? OP_FAIL : OP_DONE);
}

static void dismissed(
	struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	(void)e; /* then `delete` finds it as it is */
	(void)payload;
	(void)n;
	op_resume(&container_of(call, struct run, call)->op, OP_DONE);
}

/* Something failed: a shim without a container leaves when told to; one with a container stays. */
static enum op_next dismiss_shim(struct op *op)
{
	struct run *r = from_op(op);
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;

	if (!client_is_open(&r->client))
		return OP_DONE;
	client_call_cancel(&r->call); /* of the step that failed, if it still waits */
	req.id = r->id;
	return ask(r, "Shutdown", &req.base, REQUEST_ANSWER_MAX_S, dismissed) == OP_WAIT ? OP_WAIT
											 : OP_DONE;
}

static enum op_next create(struct op *op)
{
	struct run *r = from_op(op);
	const struct create_request req = {
		.id = r->id,
		.bundle = r->folder.path,
		.rootfs = r->needs.rootfs,
		.runtime = r->args->runtime,
		.runtime_root = r->runc_root,
		.terminal = r->args->terminal,
		.io_uid = r->needs.io_uid,
		.io_gid = r->needs.io_gid,
	};

	r->call = (struct client_call){
		.service = REQUEST_SERVICE,
		.method = "Create",
		.on_done = answered,
	};
	return wait_or_fail(request_create(&r->client, &r->call, &req, &op->err));
}

static enum op_next start(struct op *op)
{
	struct run *r = from_op(op);
	Pb__StartRequest req = PB__START_REQUEST__INIT;

	r->is_created = true;
	if (!streams_input_is_open(&r->streams))
		/* Ours ended before there was a container. */
		request_close_stdin(&r->client, &r->close_stdin, r->id);
	req.id = r->id;
	return ask(r, "Start", &req.base, 0, answered);
}

static void container_exited(
	struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct run *r = container_of(call, struct run, call);
	auto_message Pb__WaitResponse *reply = NULL;

	if (!e)
		reply = message_unpack(&pb__wait_response__descriptor, payload, n);
	if (reply)
		r->exit_status = reply->exit_status;
	else if (e)
		r->op.err = *e;
	else
		err_set(&r->op.err, STATUS_INTERNAL, "the shim's answer to Wait is broken");
	r->is_created = false; /* nobody to signal any more */
	op_resume(&r->op, reply ? OP_DONE : OP_FAIL);
}

static enum op_next await_exit(struct op *op)
{
	struct run *r = from_op(op);
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;

	req.id = r->id;
	return ask(r, "Wait", &req.base, 0, container_exited);
}

/* Until both outputs are at their end, so that nothing is lost. */
static enum op_next await_output(struct op *op)
{
	struct run *r = from_op(op);

	r->awaits_output = streams_output_is_open(&r->streams);
	return r->awaits_output ? OP_WAIT : OP_DONE;
}

static enum op_next delete_container(struct op *op)
{
	struct run *r = from_op(op);
	Pb__DeleteRequest req = PB__DELETE_REQUEST__INIT;

	req.id = r->id;
	return ask(r, "Delete", &req.base, 0, answered);
}

static enum op_next shut_down(struct op *op)
{
	struct run *r = from_op(op);
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;

	req.id = r->id;
	return ask(r, "Shutdown", &req.base, REQUEST_ANSWER_MAX_S, answered);
}

/* It leaves when we have heard its last event, which we do meanwhile. */
static enum op_next await_shim(struct op *op)
{
	struct run *r = from_op(op);

	r->awaits_shim = client_is_open(&r->client);
	return r->awaits_shim ? OP_WAIT : OP_DONE;
}

static void on_shim_closed(struct client *c, int sys)
{
	struct run *r = container_of(c, struct run, client);

	(void)sys; /* a call under way has failed, and its step with it */
	if (!r->awaits_shim)
		return;
	r->awaits_shim = false;
	op_resume(&r->op, OP_DONE);
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "make bundle",      make_bundle,       remove_bundle       },
	{ "open log",         open_log,          close_log           },
	{ "listen for events", listen_for_events, stop_listening     },
	{ "start relays",     start_relays,      stop_relays         },
	{ "clean up",         NULL,              clean_up_after_shim }, /* when anything below fails */
	{ "launch shim",      launch_shim,       NULL                }, /* waits for `start` */
	{ "connect",          connect_to_shim,   dismiss_shim        },
	{ "create",           create,            NULL                },
	{ "take terminal",    take_terminal,     give_terminal_back  },
	{ "start",            start,             NULL                },
	{ "await exit",       await_exit,        NULL                },
	{ "await output",     await_output,      NULL                },
	{ "give it back",     give_terminal_back, NULL               },
	{ "delete",           delete_container,  NULL                },
	{ "shut down",        shut_down,         NULL                },
	{ "await shim",       await_shim,        NULL                },
	{ "stop relays",      stop_relays,       NULL                },
	{ "stop listening",   stop_listening,    NULL                },
	{ "close log",        close_log,         NULL                },
	{ "remove bundle",    remove_bundle,     NULL                },
	/* clang-format on */
};

static void finish(struct op *op)
{
	from_op(op)->is_done = true;
	ev_break(op->loop, EVBREAK_ALL);
}

static const struct op_plan plan = { "run", steps, ARRAY_LEN(steps), finish };

static void on_signal(struct signals *s, int signo)
{
	struct run *r = container_of(s, struct run, signals);

	if (r->is_created) {
		request_kill(&r->client, &r->signal, r->id, signo);
	} else if (!r->op.unwinding) {
		err_set(&r->op.err, STATUS_CANCELED, "interrupted by signal %d", signo);
		op_abort(&r->op);
	}
}

static int make_up_id(char *ret, size_t room)
{
	unsigned int random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(ret, room, "run-%08x", random);
	return 0;
}

static int prepare(struct run *r, const struct run_args *args, struct err *e)
{
	int rc = 0;

	r->args = args;
	if (args->name)
		snprintf(r->id, sizeof(r->id), "%s", args->name);
	else
		rc = make_up_id(r->id, sizeof(r->id));
	if (rc < 0)
		return err_rc(e, rc, "make up an id");
	if (args->bundle && !realpath(args->bundle, r->bundle))
		return err_sys(e, "--bundle %s", args->bundle);
	if (args->rootfs && !realpath(args->rootfs, r->needs.rootfs))
		return err_sys(e, "--rootfs %s", args->rootfs);
	if (snprintf(r->runc_root, sizeof(r->runc_root), "%s/runtime", args->state) >=
		(int)sizeof(r->runc_root))
		return err_set(e, STATUS_INVALID_ARGUMENT, "--state is too long");
	r->launch_args = (struct launch_args){ args->shim, r->id, args->state, args->debug };
	r->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!r->loop)
		return err_set(e, STATUS_UNKNOWN, "create event loop");
	rc = signals_init(&r->signals, r->loop, on_signal);
	if (rc == 0)
		rc = reaper_init(&r->reaper, r->loop);
	return rc < 0 ? err_rc(e, rc, "watch children") : 0;
}

int run_container(const struct run_args *args)
{
	struct run r = {
		.folder = FOLDER_NONE,
		.launch = LAUNCH_NONE,
	};
	struct err e = ERR_INIT;

	if (prepare(&r, args, &e) == 0) {
		streams_init(&r.streams, input_ended, output_ended);
		listener_init(&r.listener, r.loop);
		client_init(&r.client, r.loop, LAUNCH_NAMESPACE, on_shim_closed);
		op_start(&r.op, r.loop, &plan, 0);
		if (!r.is_done)
			ev_run(r.loop, 0);
		client_close(&r.client);
		launch_fini(&r.launch);
		reaper_fini(&r.reaper);
		signals_fini(&r.signals);
		ev_loop_destroy(r.loop);
		e = r.op.err;
	}
	if (err_is_set(&e)) {
		fprintf(stderr, "belayctl: %s\n", e.msg);
		return EXIT_CTL_FAILED;
	}
	return (int)r.exit_status;
}
