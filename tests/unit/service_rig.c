/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/service_rig.h"

#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "shim/daemon.h"
#include "shim/socket.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const Pb__Empty nothing = PB__EMPTY__INIT;

static void hear(struct rig *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void hear(struct rig *r, const char *fmt, ...)
{
	size_t at = strlen(r->heard);
	va_list ap;

	assert_true(at + 2 < sizeof(r->heard));
	if (at > 0)
		r->heard[at++] = ' ';
	va_start(ap, fmt);
	vsnprintf(r->heard + at, sizeof(r->heard) - at, fmt, ap);
	va_end(ap);
}

static void hear_exit(struct rig *r, const Pb__Any *any)
{
	auto_message Pb__TaskExit *m = any_unpack(any, &pb__task_exit__descriptor);

	assert_non_null(m);
	assert_string_equal(m->container_id, "c1");
	assert_true(m->pid > 1);
	assert_true(m->exited_at->seconds > 0);
	if (strcmp(m->id, "c1") == 0)
		hear(r, "exit=%u", m->exit_status);
	else
		hear(r, "exit(%s)=%u", m->id, m->exit_status);
}

/* Every event of a task begins with the container's id. */
static void check_container(const Pb__Any *any)
{
	auto_message Pb__TaskPaused *m =
		message_unpack(&pb__task_paused__descriptor, any->value.data, any->value.len);

	assert_non_null(m);
	assert_string_equal(m->container_id, "c1");
}

static void check_envelope(const Pb__Envelope *e)
{
	assert_non_null(e);
	assert_string_equal(e->namespace_, RIG_NAMESPACE);
	assert_true(e->timestamp->seconds > 0);
	assert_memory_equal(e->topic, "/tasks/", 7);
	assert_memory_equal(e->event->type_url, "containerd.events.Task", 22);
}

static void on_forward(struct call *c)
{
	struct rig *r = call_user(c);
	auto_message Pb__ForwardRequest *req = call_unpack(c, &pb__forward_request__descriptor);

	assert_non_null(req);
	check_envelope(req->envelope);
	check_container(req->envelope->event);
	if (strcmp(req->envelope->topic, "/tasks/exit") == 0)
		hear_exit(r, req->envelope->event);
	else
		hear(r, "%s", req->envelope->topic + strlen("/tasks/"));
	call_reply(c, &nothing.base);
}

static const struct server_method ear_methods[] = { { "Forward", on_forward }, { NULL, NULL } };
static const struct server_service ear_services[] = {
	{ "containerd.services.events.ttrpc.v1.Events", ear_methods },
	{ NULL, NULL },
};

static int listen_at(const char *path)
{
	struct err e = ERR_INIT;
	int fd = -1;

	assert_int_equal(socket_listen(path, &fd, &e), 0);
	assert_true(fd >= 0);
	return fd;
}

void rig_listen(struct rig *r)
{
	assert_int_equal(server_init(&r->ear, r->loop, listen_at(r->ear_path), ear_services, r), 0);
	r->is_listening = true;
}

void rig_stop_listening(struct rig *r)
{
	if (r->is_listening)
		server_fini(&r->ear);
	r->is_listening = false;
}

/* In the daemon's process. */
struct start {
	const struct rig *rig;
	int listen_fd;
};

/* A copy of the test has its descriptors too: its ear, for one, would never fall silent. */
static void keep_only(int fd)
{
	if (fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0U, 0);
}

static int run_daemon(void *arg)
{
	const struct start *s = arg;
	const struct daemon_conf conf = {
		.ns = RIG_NAMESPACE,
		.id = "c1",
		.ttrpc_address = s->rig->ear_path,
	};

	keep_only(s->listen_fd);
	if (chdir(s->rig->bundle) < 0)
		return 1;
	return daemon_run(&conf, s->listen_fd, -1);
}

static void on_daemon_exit(struct child *c, const struct exit_status *st)
{
	struct rig *r = container_of(c, struct rig, daemon);

	r->end = *st;
	r->has_ended = true;
}

static void start_daemon(struct rig *r)
{
	struct start s = { .rig = r, .listen_fd = listen_at(r->socket) };

	r->daemon = CHILD_NONE;
	assert_int_equal(child_fork(&r->daemon, &r->reaper, run_daemon, &s, on_daemon_exit), 0);
	close(s.listen_fd);
}

static void on_closed(struct client *c, int sys)
{
	(void)c;
	(void)sys; /* each call has been told */
}

void rig_connect(struct rig *r, struct client *c)
{
	struct err e = ERR_INIT;

	client_init(c, r->loop, RIG_NAMESPACE, on_closed);
	if (client_connect(c, r->socket, &e) < 0)
		fail_msg("%s", e.msg);
}

void rig_init(struct rig *r)
{
	*r = (struct rig){ .loop = loop_new() };
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(reaper_init(&r->reaper, r->loop), 0);
	tmpdir_open(&r->dir);
	snprintf(r->bundle, sizeof(r->bundle), "%s/c1", r->dir.path);
	snprintf(r->root, sizeof(r->root), "%s/runtime", r->dir.path);
	snprintf(r->socket, sizeof(r->socket), "%s/socket", r->dir.path);
	snprintf(r->ear_path, sizeof(r->ear_path), "%s/events", r->dir.path);
	setenv("B", r->bundle, 1);
	assert_int_equal(mkdirat(r->dir.fd, "c1", 0700), 0);
	assert_int_equal(mkfifoat(r->dir.fd, "c1/log", 0600), 0);
	rig_script(r, "exec sleep 1000");
	rig_listen(r);
	start_daemon(r);
	rig_connect(r, &r->client);
}

void rig_fini(struct rig *r)
{
	assert_true(r->has_ended);
	client_close(&r->client);
	rig_stop_listening(r);
	reaper_sweep(&r->reaper);
	reaper_fini(&r->reaper);
	ev_loop_destroy(r->loop);
	tmpdir_close(&r->dir);
}

void rig_script(struct rig *r, const char *script)
{
	json_t *config = json_pack("{s:{s:[sss]}, s:{s:[{s:s}]}}", "process", "args", "sh", "-c",
		script, "linux", "namespaces", "type", "pid");
	char *text = json_dumps(config, JSON_COMPACT);

	tmpdir_write(&r->dir, "c1/config.json", text);
	free(text);
	json_decref(config);
}

void rig_misdeeds(struct rig *r, const char *lines)
{
	tmpdir_write(&r->dir, "c1/fake", lines);
}

static void on_done(struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct answer *a = container_of(call, struct answer, call);

	a->done = true;
	a->calls++;
	a->failed = e != NULL;
	if (e)
		a->err = *e;
	else
		assert_int_equal(buf_add(&a->payload, payload, n), 0);
}

static void ask(struct client *c, const char *service, const char *method,
	const ProtobufCMessage *m, double timeout_s, struct answer *a)
{
	struct err e = ERR_INIT;

	*a = (struct answer){
		.call = { .service = service,
			.method = method,
			.timeout_s = timeout_s,
			.on_done = on_done },
		.payload = BUF_INIT(FRAME_DATA_MAX),
	};
	if (client_call_start(c, &a->call, m, &e) < 0)
		fail_msg("%s: %s", method, e.msg);
}

void rig_ask_at(struct client *c, const char *service, const char *method,
	const ProtobufCMessage *m, struct answer *a)
{
	ask(c, service, method, m, 0, a);
}

void rig_ask_within(struct rig *r, const char *method, const ProtobufCMessage *m, double timeout_s,
	struct answer *a)
{
	ask(&r->client, TASK_V3, method, m, timeout_s, a);
}

void rig_ask(struct rig *r, const char *method, const ProtobufCMessage *m, struct answer *a)
{
	rig_ask_at(&r->client, TASK_V3, method, m, a);
}

void rig_await(struct rig *r, struct answer *a)
{
	loop_run_until(r->loop, &a->done);
	assert_int_equal(a->calls, 1);
}

void *answer_take(struct answer *a, const ProtobufCMessageDescriptor *type)
{
	void *m;

	if (a->failed)
		fail_msg("%s: %s", a->call.method, a->err.msg);
	m = message_unpack(type, a->payload.data, a->payload.len);
	assert_non_null(m);
	buf_fini(&a->payload);
	return m;
}

void answer_expect(struct answer *a, enum status status, const char *words)
{
	assert_true(a->failed);
	assert_string_equal(a->err.msg, words);
	assert_int_equal(a->err.status, status);
	buf_fini(&a->payload);
}

void *rig_get(struct rig *r, const char *method, const ProtobufCMessage *m,
	const ProtobufCMessageDescriptor *type)
{
	struct answer a;

	rig_ask(r, method, m, &a);
	rig_await(r, &a);
	return answer_take(&a, type);
}

void rig_do(struct rig *r, const char *method, const ProtobufCMessage *m)
{
	message_free(rig_get(r, method, m, &pb__empty__descriptor));
}

void rig_expect_refused(struct rig *r, const char *method, const ProtobufCMessage *m,
	enum status status, const char *words)
{
	struct answer a;

	rig_ask(r, method, m, &a);
	rig_await(r, &a);
	answer_expect(&a, status, words);
}

void rig_create_request(struct rig *r, struct rig_create_request *ret)
{
	Runc__Options o = RUNC__OPTIONS__INIT;

	ret->bytes = BUF_INIT(4096);
	o.binary_name = BUILD_DIR "/tests/fake/fake-runtime";
	o.root = r->root;
	assert_int_equal(any_pack(&o.base, &ret->bytes, &ret->options), 0);
	pb__create_task_request__init(&ret->req);
	ret->req.id = "c1";
	ret->req.bundle = r->bundle;
	ret->req.options = &ret->options;
}

void rig_create_request_fini(struct rig_create_request *c)
{
	buf_fini(&c->bytes);
}

uint32_t rig_create(struct rig *r)
{
	auto_message Pb__CreateTaskResponse *reply = NULL;
	struct rig_create_request c;

	rig_create_request(r, &c);
	reply = rig_get(r, "Create", &c.req.base, &pb__create_task_response__descriptor);
	rig_create_request_fini(&c);
	assert_true(reply->pid > 1);
	return reply->pid;
}

uint32_t rig_start(struct rig *r)
{
	Pb__StartRequest req = PB__START_REQUEST__INIT;
	auto_message Pb__StartResponse *reply = NULL;

	req.id = "c1";
	reply = rig_get(r, "Start", &req.base, &pb__start_response__descriptor);
	return reply->pid;
}

uint32_t rig_wait(struct rig *r)
{
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;
	auto_message Pb__WaitResponse *reply = NULL;

	req.id = "c1";
	reply = rig_get(r, "Wait", &req.base, &pb__wait_response__descriptor);
	assert_true(reply->exited_at->seconds > 0);
	return reply->exit_status;
}

uint32_t rig_delete(struct rig *r)
{
	Pb__DeleteRequest req = PB__DELETE_REQUEST__INIT;
	auto_message Pb__DeleteResponse *reply = NULL;

	req.id = "c1";
	reply = rig_get(r, "Delete", &req.base, &pb__delete_response__descriptor);
	assert_true(reply->pid > 1);
	assert_true(reply->exited_at->seconds > 0);
	return reply->exit_status;
}

void rig_kill(struct rig *r, uint32_t signal)
{
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;

	req.id = "c1";
	req.signal = signal;
	rig_do(r, "Kill", &req.base);
}

Pb__StateResponse *rig_state(struct rig *r)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;

	req.id = "c1";
	return rig_get(r, "State", &req.base, &pb__state_response__descriptor);
}

struct hearing {
	const struct rig *rig;
	size_t wanted;
};

static bool is_hearing(void *arg)
{
	const struct hearing *h = arg;

	return strlen(h->rig->heard) < h->wanted;
}

void rig_expect_heard(struct rig *r, const char *wanted)
{
	struct hearing h = { .rig = r, .wanted = strlen(wanted) };

	loop_run_while(r->loop, is_hearing, &h);
	assert_string_equal(r->heard, wanted);
}

void rig_await_daemon(struct rig *r)
{
	loop_run_until(r->loop, &r->has_ended);
	assert_int_equal(r->end.code, 0);
}

void rig_shut_down(struct rig *r)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;
	struct stat st;

	req.id = "c1";
	rig_do(r, "Shutdown", &req.base);
	rig_await_daemon(r);
	assert_int_equal(stat(r->socket, &st), -1);
}
