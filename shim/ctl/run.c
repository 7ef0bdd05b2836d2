/* SPDX-License-Identifier: Apache-2.0 */

/*
 * run.c - `belayctl run`, as an operation: the table at the end is the story.
 */

#include "shim/ctl/run.h"

#include "base/auto.h"
#include "base/log.h"
#include "base/op.h"
#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "proto/api/task.pb-c.h"
#include "proto/api/wellknown.pb-c.h"
#include "proto/client.h"
#include "proto/server.h"
#include "reaper/reaper.h"
#include "reaper/signals.h"
#include "shim/ctl/folder.h"
#include "shim/ctl/launch.h"
#include "shim/ctl/relay.h"
#include "shim/ctl/spec.h"
#include "shim/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* How long we wait for a shim's answer to what it does without the container, in seconds. */
#define ANSWER_MAX_S 10.

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
	char id[80], rootfs[PATH_MAX], runc_root[PATH_MAX];
	struct folder folder;
	struct server events;
	bool has_events;
	struct launch_args launch_args;
	struct launch launch;
	struct relay in, out, err;
	struct client client;
	struct client_call call;   /* of the step that runs */
	struct client_call signal; /* Kill, beside it */
	struct client_call close_stdin;
	bool is_created; /* there is somebody to send signals to */
	bool awaits_output, awaits_shim, is_done;
	uint32_t exit_status;
	int log_fd;
	ev_io log_watcher;
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
	return done_or_fail(spec_write(r->folder.fd, r->id, r->args->command, &op->err));
}

static enum op_next remove_bundle(struct op *op)
{
	struct err e = ERR_INIT;

	if (folder_remove(&from_op(op)->folder, &e) < 0)
		fprintf(stderr, "belayctl: %s\n", e.msg);
	return OP_DONE;
}

/* The shim's log is a FIFO with a bounded pipe; what nobody reads the shim drops. */
static void on_log(struct ev_loop *loop, ev_io *w, int revents)
{
	char chunk[4096];
	ssize_t n = read(w->fd, chunk, sizeof(chunk));

	(void)loop;
	(void)revents;
	if (n > 0)
		(void)!fwrite(chunk, 1, (size_t)n, stderr); /* for people; nothing depends on it */
}

static enum op_next open_log(struct op *op)
{
	struct run *r = from_op(op);

	r->log_fd = openat(r->folder.fd, "log", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (r->log_fd < 0) {
		err_sys(&op->err, "open the log");
		return OP_FAIL;
	}
	if (r->args->debug) {
		ev_io_init(&r->log_watcher, on_log, r->log_fd, EV_READ);
		ev_io_start(op->loop, &r->log_watcher);
	}
	return OP_DONE;
}

static enum op_next close_log(struct op *op)
{
	struct run *r = from_op(op);

	ev_io_stop(op->loop, &r->log_watcher);
	fd_drop(&r->log_fd);
	return OP_DONE;
}

/* An event is heard by answering it; what we act on is the reply to Wait. */
static void on_forward(struct call *c)
{
	Pb__Empty empty = PB__EMPTY__INIT;

	call_reply(c, &empty.base);
}

static const struct server_method event_methods[] = { { "Forward", on_forward }, { NULL, NULL } };
static const struct server_service event_services[] = {
	{ "containerd.services.events.ttrpc.v1.Events", event_methods },
	{ NULL, NULL },
};

static enum op_next listen_for_events(struct op *op)
{
	struct run *r = from_op(op);
	char path[PATH_MAX + 8];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/events", r->folder.path);
	if (socket_listen(path, &fd, &op->err) < 0)
		return OP_FAIL;
	rc = server_init(&r->events, op->loop, fd, event_services, r);
	if (rc < 0) {
		fd_drop(&fd);
		err_rc(&op->err, rc, "listen for events");
		return OP_FAIL;
	}
	r->has_events = true;
	return OP_DONE;
}

static enum op_next stop_listening(struct op *op)
{
	struct run *r = from_op(op);

	if (r->has_events)
		server_fini(&r->events);
	r->has_events = false;
	return OP_DONE;
}

/* Signals and the end of stdin are told beside whatever step runs; what becomes of them is no
 * step's. */
static void tell(
	struct run *r, struct client_call *call, const char *method, const ProtobufCMessage *m);

static void close_stdin(struct run *r)
{
	Pb__CloseIORequest req = PB__CLOSE_IOREQUEST__INIT;

	req.id = r->id;
	req.stdin = true;
	tell(r, &r->close_stdin, "CloseIO", &req.base);
}

static void stdin_ended(struct relay *relay)
{
	struct run *r = container_of(relay, struct run, in);

	if (r->is_created)
		close_stdin(r); /* else start() does */
}

static void check_output(struct run *r)
{
	if (!r->awaits_output || child_is_tracked(&r->out.child) || child_is_tracked(&r->err.child))
		return;
	r->awaits_output = false;
	op_resume(&r->op, OP_DONE);
}

static void stdout_ended(struct relay *relay)
{
	check_output(container_of(relay, struct run, out));
}

static void stderr_ended(struct relay *relay)
{
	check_output(container_of(relay, struct run, err));
}

static enum op_next start_relays(struct op *op)
{
	struct run *r = from_op(op);
	struct reaper *reaper = &r->reaper;
	struct err *e = &op->err;

	if (relay_in(&r->in, reaper, STDIN_FILENO, "stdin", stdin_ended, e) < 0 ||
		relay_out(&r->out, reaper, "stdout", STDOUT_FILENO, stdout_ended, e) < 0 ||
		relay_out(&r->err, reaper, "stderr", STDERR_FILENO, stderr_ended, e) < 0)
		return OP_FAIL;
	return OP_DONE;
}

static enum op_next stop_relays(struct op *op)
{
	struct run *r = from_op(op);

	relay_stop(&r->in);
	relay_stop(&r->out);
	relay_stop(&r->err);
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
		.service = "containerd.task.v3.Task",
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
	return ask(r, "Shutdown", &req.base, ANSWER_MAX_S, dismissed) == OP_WAIT ? OP_WAIT
										 : OP_DONE;
}

static enum op_next create(struct op *op)
{
	static const char *bind_options[] = { "rbind", "rw" };
	auto_buf struct buf bytes = BUF_INIT(16 * 1024);
	struct run *r = from_op(op);
	Pb__CreateTaskRequest req = PB__CREATE_TASK_REQUEST__INIT;
	Pb__Mount mount = PB__MOUNT__INIT;
	Pb__Mount *mounts[] = { &mount };
	Runc__Options options = RUNC__OPTIONS__INIT;
	Pb__Any any;
	char stream[N_STREAMS][PATH_MAX + 8];

	options.binary_name = r->args->runtime;
	options.root = r->runc_root;
	if (any_pack(&options.base, &bytes, &any) < 0) {
		err_oom(&op->err);
		return OP_FAIL;
	}
	snprintf(stream[IN], sizeof(stream[IN]), "%s/stdin", r->folder.path);
	snprintf(stream[OUT], sizeof(stream[OUT]), "%s/stdout", r->folder.path);
	snprintf(stream[ERR], sizeof(stream[ERR]), "%s/stderr", r->folder.path);
	mount.type = "bind";
	mount.source = r->rootfs;
	mount.options = (void *)bind_options;
	mount.n_options = ARRAY_LEN(bind_options);
	req.id = r->id;
	req.bundle = r->folder.path;
	req.rootfs = mounts;
	req.n_rootfs = ARRAY_LEN(mounts);
	req.stdin = stream[IN];
	req.stdout = stream[OUT];
	req.stderr = stream[ERR];
	req.options = &any;
	return ask(r, "Create", &req.base, 0, answered);
}

static enum op_next start(struct op *op)
{
	struct run *r = from_op(op);
	Pb__StartRequest req = PB__START_REQUEST__INIT;

	r->is_created = true;
	if (!child_is_tracked(&r->in.child))
		close_stdin(r); /* ours ended before there was a container */
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

	r->awaits_output = child_is_tracked(&r->out.child) || child_is_tracked(&r->err.child);
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
	return ask(r, "Shutdown", &req.base, ANSWER_MAX_S, answered);
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
	{ "start",            start,             NULL                },
	{ "await exit",       await_exit,        NULL                },
	{ "await output",     await_output,      NULL                },
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

static void told(struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	(void)call;
	(void)payload;
	(void)n;
	if (e)
		log_debug("tell", "error=\"%s\"", e->msg);
}

static void tell(
	struct run *r, struct client_call *call, const char *method, const ProtobufCMessage *m)
{
	struct err e = ERR_INIT;

	if (!client_is_open(&r->client))
		return;
	client_call_cancel(call); /* one of a kind at a time: the newest counts */
	*call = (struct client_call){
		.service = "containerd.task.v3.Task",
		.method = method,
		.timeout_s = ANSWER_MAX_S,
		.on_done = told,
	};
	if (client_call_start(&r->client, call, m, &e) < 0)
		log_debug("tell", "error=\"%s\"", e.msg);
}

static void on_signal(struct signals *s, int signo)
{
	struct run *r = container_of(s, struct run, signals);
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;

	if (r->is_created) {
		req.id = r->id;
		req.signal = (uint32_t)signo;
		tell(r, &r->signal, "Kill", &req.base);
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
	if (!realpath(args->rootfs, r->rootfs))
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
		.in = RELAY_NONE,
		.out = RELAY_NONE,
		.err = RELAY_NONE,
		.log_fd = -1,
	};
	struct err e = ERR_INIT;

	if (prepare(&r, args, &e) == 0) {
		client_init(&r.client, r.loop, LAUNCH_NAMESPACE, on_shim_closed);
		op_start(&r.op, r.loop, &plan, 0);
		if (!r.is_done)
			ev_run(r.loop, 0);
		client_close(&r.client);
		launch_fini(&r.launch);
		e = r.op.err;
	}
	if (err_is_set(&e)) {
		fprintf(stderr, "belayctl: %s\n", e.msg);
		return EXIT_CTL_FAILED;
	}
	return (int)r.exit_status;
}
