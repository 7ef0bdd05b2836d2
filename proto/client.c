/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/client.h"

#include "base/auto.h"
#include "base/err.h"
#include "proto/api/ttrpc.pb-c.h"
#include "proto/status.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SCHEME        "unix://"
#define NAMESPACE_KEY "containerd-namespace-ttrpc"
#define NS_PER_S      1e9

/* --- the end of a call --- */

static void forget(struct client_call *call)
{
	if (!call->in.next || list_is_empty(&call->in))
		return; /* never started, or ended */
	list_remove(&call->in);
	call->client->n_calls--;
	ev_timer_stop(call->client->loop, &call->late);
}

static void fail(struct client_call *call, const struct err *e)
{
	forget(call);
	call->on_done(call, e, NULL, 0);
	/* call may be gone, its client may be closed */
}

void client_call_cancel(struct client_call *call)
{
	forget(call);
}

static void on_late(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct err e;

	(void)loop;
	(void)revents;
	err_set(&e, STATUS_DEADLINE_EXCEEDED, "context deadline exceeded");
	fail(container_of(w, struct client_call, late), &e);
}

/* A response nobody waits for belongs to a call that was late or cancelled. */
static struct client_call *find_call(const struct client *c, uint32_t stream)
{
	list_each (it, &c->calls) {
		struct client_call *call = container_of(it, struct client_call, in);

		if (call->stream == stream)
			return call;
	}
	return NULL;
}

static void on_response(struct client_call *call, const uint8_t *data, size_t n)
{
	auto_message Ttrpc__Response *r = message_unpack(&ttrpc__response__descriptor, data, n);
	struct err e;

	if (!r) {
		err_set(&e, STATUS_INTERNAL, "%zu bytes are no ttrpc.Response", n);
		fail(call, &e);
		return;
	}
	status_decode(r->status, &e);
	if (err_is_set(&e)) {
		fail(call, &e);
		return;
	}
	forget(call);
	call->on_done(call, NULL, r->payload.data, r->payload.len);
	/* call may be gone, its client may be closed */
}

static void on_frame(struct conn *conn, const struct frame *f, const uint8_t *data)
{
	struct client_call *call = find_call(container_of(conn, struct client, conn), f->stream);
	struct err e;

	if (!call)
		return;
	if (f->type == FRAME_RESPONSE) {
		on_response(call, data, f->len);
		return;
	}
	err_set(&e, STATUS_INTERNAL, "a frame of type %d answers a unary call", f->type);
	fail(call, &e);
}

static void on_oversize(struct conn *conn, const struct frame *f)
{
	struct client_call *call = find_call(container_of(conn, struct client, conn), f->stream);
	struct err e;

	if (!call)
		return;
	err_set(&e, STATUS_RESOURCE_EXHAUSTED,
		"message length %" PRIu32 " exceed maximum message size of %u", f->len,
		FRAME_DATA_MAX);
	fail(call, &e);
}

static void on_conn_closed(struct conn *conn, int sys)
{
	struct client *c = container_of(conn, struct client, conn);
	unsigned int life = c->life;
	struct list *first;
	struct err e;

	err_set(&e, STATUS_UNAVAILABLE, "ttrpc: closed");
	while (c->life == life && (first = list_first(&c->calls)))
		fail(container_of(first, struct client_call, in), &e);
	if (c->life == life) /* else the owner has closed: it knows */
		c->on_closed(c, sys);
	/* c may be gone */
}

/* Never pauses: two ends that both wait for the other to read would wait for ever. */
static const struct conn_ops client_ops = {
	.on_frame = on_frame,
	.on_oversize = on_oversize,
	.on_closed = on_conn_closed,
};

/* --- the beginning of a call --- */

static int may_start(const struct client *c, struct err *e)
{
	if (!client_is_open(c))
		return err_set(e, STATUS_UNAVAILABLE, "ttrpc: closed");
	if (c->n_calls >= CLIENT_CALLS_MAX)
		return err_set(
			e, STATUS_RESOURCE_EXHAUSTED, "%d calls are waiting", CLIENT_CALLS_MAX);
	if (conn_queued(&c->conn) > CONN_QUEUE_PAUSE)
		return err_set(e, STATUS_RESOURCE_EXHAUSTED, "the other end does not read");
	if (c->next_stream == UINT32_MAX)
		return err_set(e, STATUS_UNAVAILABLE, "this connection has used up its streams");
	return 0;
}

static int pack_request(
	const struct client_call *call, const ProtobufCMessage *request, struct buf *out)
{
	auto_buf struct buf payload = BUF_INIT(FRAME_DATA_MAX);
	Ttrpc__KeyValue namespace = TTRPC__KEY_VALUE__INIT;
	Ttrpc__KeyValue *metadata[] = { &namespace };
	Ttrpc__Request r = TTRPC__REQUEST__INIT;
	int rc = message_pack(request, &payload);

	if (rc < 0)
		return rc;
	r.service = call->service;
	r.method = call->method;
	r.payload = (ProtobufCBinaryData){ .len = payload.len, .data = payload.data };
	r.timeout_nano = (int64_t)(call->timeout_s * NS_PER_S);
	if (call->client->namespace) {
		namespace.key = NAMESPACE_KEY;
		namespace.value = call->client->namespace;
		r.metadata = metadata;
		r.n_metadata = ARRAY_LEN(metadata);
	}
	return message_pack(&r.base, out);
}

/* A connection that is lost is not an error here: every call will hear of it from the loop. */
static int send_request(struct client_call *call, const ProtobufCMessage *request, struct err *e)
{
	auto_buf struct buf out = BUF_INIT(FRAME_DATA_MAX);
	struct frame f = { .stream = call->stream, .type = FRAME_REQUEST };
	int rc = pack_request(call, request, &out);

	if (rc == -ENOBUFS)
		return err_set(e, STATUS_RESOURCE_EXHAUSTED,
			"request exceeds maximum message size of %u", FRAME_DATA_MAX);
	if (rc < 0)
		return err_oom(e);
	f.len = (uint32_t)out.len;
	(void)conn_send(&call->client->conn, &f, out.data);
	return 0;
}

int client_call_start(
	struct client *c, struct client_call *call, const ProtobufCMessage *request, struct err *e)
{
	assert(call->timeout_s >= 0);
	if (may_start(c, e) < 0)
		return -1;
	call->client = c;
	call->stream = c->next_stream;
	if (send_request(call, request, e) < 0)
		return -1;
	c->next_stream += 2;
	c->n_calls++;
	list_init(&call->in);
	list_append(&c->calls, &call->in);
	ev_timer_init(&call->late, on_late, call->timeout_s, 0.);
	if (call->timeout_s > 0)
		ev_timer_start(c->loop, &call->late);
	return 0;
}

/* --- life --- */

void client_init(struct client *c, struct ev_loop *loop, const char *namespace,
	void (*on_closed)(struct client *c, int sys))
{
	*c = (struct client){ .loop = loop, .namespace = namespace, .on_closed = on_closed };
	c->conn.fd = -1;
	list_init(&c->calls);
}

void client_attach(struct client *c, int fd)
{
	assert(!client_is_open(c));
	c->next_stream = 1;
	conn_init(&c->conn, c->loop, fd, &client_ops);
}

int client_connect(struct client *c, const char *path, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	size_t n;

	if (fd < 0)
		return err_sys(e, "connect to '%s'", path);
	if (strncmp(path, SCHEME, strlen(SCHEME)) == 0)
		path += strlen(SCHEME);
	n = strlen(path);
	if (n == 0 || n >= sizeof(at.sun_path))
		return err_set(e, STATUS_INVALID_ARGUMENT, "'%s' is no path of a socket", path);
	memcpy(at.sun_path, path, n);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return err_sys(e, "connect to '%s'", path);
	client_attach(c, take_fd(&fd));
	return 0;
}

void client_close(struct client *c)
{
	struct list *first;

	c->life++;
	while ((first = list_first(&c->calls)))
		forget(container_of(first, struct client_call, in));
	conn_close(&c->conn);
}
