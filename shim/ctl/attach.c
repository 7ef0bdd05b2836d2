/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/attach.h"

#include "proto/api/task.pb-c.h"
#include "shim/ctl/format.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

static struct attached *from_op(struct op *op)
{
	return container_of(op, struct attached, op);
}

enum op_next attached_remove_folder(struct op *op)
{
	struct err e = ERR_INIT;

	if (folder_remove(&from_op(op)->folder, &e) < 0)
		fprintf(stderr, "belayctl: %s\n", format_tame(e.msg));
	return OP_DONE;
}

static void input_ended(struct streams *s)
{
	struct attached *a = container_of(s, struct attached, streams);

	if (a->is_there)
		request_close_stdin(&a->about, &a->close_stdin); /* else attached_start() does */
}

/* Who writes what nobody reads is ended, as it would be at the other end of a pipe. */
static void output_ended(struct streams *s, bool failed)
{
	struct attached *a = container_of(s, struct attached, streams);

	if (failed)
		streams_discard(s, &a->reaper);
	if (a->awaits_output && !streams_output_is_open(s)) {
		a->awaits_output = false;
		op_resume(&a->op, OP_DONE);
	} else if (failed && !a->has_exited && !a->op.unwinding) {
		err_set(&a->op.err, STATUS_CANCELED, "our output cannot be written any more");
		op_abort(&a->op);
	}
}

enum op_next attached_start_relays(struct op *op)
{
	struct attached *a = from_op(op);
	const struct streams_wanted wanted = { .input = a->has_input, .err = !a->has_terminal };

	return done_or_fail(streams_begin(&a->streams, &a->reaper, &wanted, &op->err));
}

enum op_next attached_stop_relays(struct op *op)
{
	streams_stop(&from_op(op)->streams);
	return OP_DONE;
}

static void tell_size(struct terminal *t)
{
	struct attached *a = container_of(t, struct attached, terminal);
	uint32_t width, height;

	terminal_size(&width, &height);
	request_resize(&a->about, &a->resize, width, height);
}

enum op_next attached_take_terminal(struct op *op)
{
	struct attached *a = from_op(op);

	if (!a->has_terminal)
		return OP_DONE;
	if (terminal_begin(&a->terminal, op->loop, tell_size, &op->err) < 0)
		return OP_FAIL;
	tell_size(&a->terminal);
	return OP_DONE;
}

/* The terminal of an exec comes to be with its start only. */
enum op_next attached_tell_size(struct op *op)
{
	struct attached *a = from_op(op);

	if (a->has_terminal)
		tell_size(&a->terminal);
	return OP_DONE;
}

enum op_next attached_give_terminal_back(struct op *op)
{
	terminal_end(&from_op(op)->terminal);
	return OP_DONE;
}

void attached_answered(
	struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct attached *a = container_of(call, struct attached, call);

	(void)payload;
	(void)n;
	if (e)
		a->op.err = *e;
	op_resume(&a->op, e ? OP_FAIL : OP_DONE);
}

static enum op_next ask(struct attached *a, const char *method, const ProtobufCMessage *m,
	double timeout_s,
	void (*on_done)(struct client_call *, const struct err *, const uint8_t *, size_t))
{
	a->call = (struct client_call){
		.service = a->about.service,
		.method = method,
		.timeout_s = timeout_s,
		.on_done = on_done,
	};
	return wait_or_fail(client_call_start(&a->client, &a->call, m, &a->op.err));
}

enum op_next attached_ask(
	struct attached *a, const char *method, const ProtobufCMessage *m, double timeout_s)
{
	return ask(a, method, m, timeout_s, attached_answered);
}

static void told(struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	(void)e; /* then the undo above finds it as it is */
	(void)payload;
	(void)n;
	op_resume(&container_of(call, struct attached, call)->op, OP_DONE);
}

enum op_next attached_ask_to_undo(struct attached *a, const char *method, const ProtobufCMessage *m)
{
	const struct err why = a->op.err;
	enum op_next next;

	if (!client_is_open(&a->client))
		return OP_DONE;
	client_call_cancel(&a->call); /* of the step that failed, if it still waits */
	next = ask(a, method, m, REQUEST_ANSWER_MAX_S, told);
	a->op.err = why;
	return next == OP_WAIT ? OP_WAIT : OP_DONE;
}

enum op_next attached_start(struct op *op)
{
	struct attached *a = from_op(op);
	Pb__StartRequest req = PB__START_REQUEST__INIT;

	a->is_there = true;
	if (a->has_input && !streams_input_is_open(&a->streams))
		/* Ours ended before there was a container. */
		request_close_stdin(&a->about, &a->close_stdin);
	req.id = a->about.id;
	req.exec_id = a->about.exec_id;
	return attached_ask(a, "Start", &req.base, 0);
}

static void process_exited(
	struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct attached *a = container_of(call, struct attached, call);
	auto_message Pb__WaitResponse *reply = NULL;

	if (!e)
		reply = message_unpack(&pb__wait_response__descriptor, payload, n);
	a->has_exited = reply != NULL;
	if (reply)
		a->exit_status = reply->exit_status;
	else if (e)
		a->op.err = *e;
	else
		err_set(&a->op.err, STATUS_INTERNAL, "the shim's answer to Wait is broken");
	a->is_there = false; /* nobody to signal any more */
	op_resume(&a->op, reply ? OP_DONE : OP_FAIL);
}

enum op_next attached_await_exit(struct op *op)
{
	struct attached *a = from_op(op);
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;

	req.id = a->about.id;
	req.exec_id = a->about.exec_id;
	return ask(a, "Wait", &req.base, 0, process_exited);
}

/* Until both outputs are at their end, so that nothing is lost. */
enum op_next attached_await_output(struct op *op)
{
	struct attached *a = from_op(op);

	a->awaits_output = streams_output_is_open(&a->streams);
	return a->awaits_output ? OP_WAIT : OP_DONE;
}

enum op_next attached_kill_it(struct op *op)
{
	struct attached *a = from_op(op);
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;

	req.id = a->about.id;
	req.exec_id = a->about.exec_id;
	req.signal = SIGKILL;
	return attached_ask_to_undo(a, "Kill", &req.base);
}

enum op_next attached_see_it_die(struct op *op)
{
	struct attached *a = from_op(op);
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;

	req.id = a->about.id;
	req.exec_id = a->about.exec_id;
	return attached_ask_to_undo(a, "Wait", &req.base);
}

enum op_next attached_drop_it(struct op *op)
{
	struct attached *a = from_op(op);
	Pb__DeleteRequest req = PB__DELETE_REQUEST__INIT;

	req.id = a->about.id;
	req.exec_id = a->about.exec_id;
	return attached_ask_to_undo(a, "Delete", &req.base);
}

enum op_next attached_delete(struct op *op)
{
	struct attached *a = from_op(op);
	Pb__DeleteRequest req = PB__DELETE_REQUEST__INIT;

	req.id = a->about.id;
	req.exec_id = a->about.exec_id;
	return attached_ask(a, "Delete", &req.base, 0);
}

/* It leaves when we have heard its last event, which we do meanwhile. */
enum op_next attached_await_end(struct op *op)
{
	struct attached *a = from_op(op);

	a->awaits_end = client_is_open(&a->client);
	return a->awaits_end ? OP_WAIT : OP_DONE;
}

static void on_shim_closed(struct client *c, int sys)
{
	struct attached *a = container_of(c, struct attached, client);

	(void)sys; /* a call under way has failed, and its step with it */
	if (!a->awaits_end)
		return;
	a->awaits_end = false;
	op_resume(&a->op, OP_DONE);
}

void attached_finish(struct op *op)
{
	from_op(op)->is_done = true;
	ev_break(op->loop, EVBREAK_ALL);
}

static void on_signal(struct signals *s, int signo)
{
	struct attached *a = container_of(s, struct attached, signals);

	if (a->is_there) {
		request_kill(&a->about, &a->signal, signo);
	} else if (!a->op.unwinding) {
		err_set(&a->op.err, STATUS_CANCELED, "interrupted by signal %d", signo);
		op_abort(&a->op);
	}
}

int attached_make_up_id(const char *prefix, char *ret, size_t room)
{
	unsigned int random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(ret, room, "%s-%08x", prefix, random);
	return 0;
}

int attached_init(struct attached *a, struct err *e)
{
	int rc;

	a->folder = FOLDER_NONE;
	streams_init(&a->streams, input_ended, output_ended);
	a->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!a->loop)
		return err_set(e, STATUS_UNKNOWN, "create event loop");
	client_init(&a->client, a->loop, a->ns, on_shim_closed);
	a->about.client = &a->client;
	rc = signals_init_at_terminal(&a->signals, a->loop, on_signal);
	if (rc == 0)
		rc = reaper_init(&a->reaper, a->loop);
	return rc < 0 ? err_rc(e, rc, "watch children") : 0;
}

void attached_run(struct attached *a, const struct op_plan *plan)
{
	op_start(&a->op, a->loop, plan, 0);
	if (!a->is_done)
		ev_run(a->loop, 0);
	client_close(&a->client);
}

void attached_fini(struct attached *a)
{
	client_close(&a->client);
	reaper_fini(&a->reaper);
	signals_fini(&a->signals);
	ev_loop_destroy(a->loop);
}
