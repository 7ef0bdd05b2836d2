/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/ask.h"

#include "proto/api/wellknown.pb-c.h"
#include "shim/ctl/find.h"

#include <string.h>

static void on_done(struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct ask *a = container_of(call, struct ask, call);

	a->is_waiting = false;
	if (e)
		a->err = *e;
	else if (buf_add(&a->reply, payload, n) < 0)
		err_oom(&a->err);
}

static void on_closed(struct client *c, int sys)
{
	(void)c;
	(void)sys; /* the question that was open has been told */
}

const char *task_service(const struct found *f)
{
	return f->version >= 3 ? "containerd.task.v3.Task" : "containerd.task.v2.Task";
}

int shim_connect(struct client *c, const struct found *f, struct err *e)
{
	if (!f->address[0])
		return err_set(e, STATUS_UNAVAILABLE,
			"%s/%s has no shim: there is no address in %s", f->ns, f->id, f->bundle);
	if (client_connect(c, f->address, e) == 0)
		return 0;
	return err_wrap(e, "%s/%s: its shim does not answer", f->ns, f->id);
}

int ask_open(struct ask *a, struct ev_loop *loop, const struct found *f, struct err *e)
{
	*a = (struct ask){ .loop = loop, .reply = BUF_INIT(FRAME_DATA_MAX) };
	client_init(&a->client, loop, f->ns, on_closed);
	a->service = task_service(f);
	return shim_connect(&a->client, f, e);
}

bool ask_is_open(const struct ask *a)
{
	return a->loop && client_is_open(&a->client);
}

void ask_close(struct ask *a)
{
	if (!a->loop)
		return;
	client_close(&a->client);
	buf_fini(&a->reply);
	a->loop = NULL;
}

void ask_begin_at(struct ask *a, const char *service, const char *method, const ProtobufCMessage *m,
	double timeout_s)
{
	buf_fini(&a->reply);
	a->err = ERR_INIT;
	a->call = (struct client_call){
		.service = service,
		.method = method,
		.timeout_s = timeout_s,
		.on_done = on_done,
	};
	/* Between questions nothing runs the loop: its time may be that of minutes ago. */
	ev_now_update(a->loop);
	a->is_waiting = client_call_start(&a->client, &a->call, m, &a->err) == 0;
}

void ask_begin(struct ask *a, const char *method, const ProtobufCMessage *m, double timeout_s)
{
	ask_begin_at(a, a->service, method, m, timeout_s);
}

void ask_await(struct ask *a)
{
	while (a->is_waiting)
		ev_run(a->loop, EVRUN_ONCE);
}

void *ask_take(struct ask *a, const ProtobufCMessageDescriptor *type, struct err *e)
{
	void *m;

	/* In these words of the client there is nobody; a shim that names its step is left to
	 * speak. */
	if (a->err.status == STATUS_DEADLINE_EXCEEDED &&
		strcmp(a->err.msg, "context deadline exceeded") == 0)
		err_set(e, a->err.status, "its shim did not answer %s within %g s; it hangs",
			a->call.method, a->call.timeout_s);
	else
		*e = a->err;
	if (err_is_set(&a->err))
		return NULL;
	m = message_unpack(type, a->reply.data, a->reply.len);
	if (!m)
		err_set(e, STATUS_INTERNAL, "the shim's answer to %s is broken", a->call.method);
	return m;
}

void *ask_get(struct ask *a, const char *method, const ProtobufCMessage *m,
	const ProtobufCMessageDescriptor *type, struct err *e)
{
	ask_begin(a, method, m, ASK_ANSWER_MAX_S);
	ask_await(a);
	return ask_take(a, type, e);
}

int ask_do(struct ask *a, const char *method, const ProtobufCMessage *m, struct err *e)
{
	auto_message Pb__Empty *reply = NULL;

	ask_begin(a, method, m, ASK_RUNTIME_MAX_S);
	ask_await(a);
	reply = ask_take(a, &pb__empty__descriptor, e);
	return reply ? 0 : -1;
}
