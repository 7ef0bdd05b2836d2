/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proof/caller.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/fd.h"
#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "proto/message.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TASK "containerd.task.v3.Task"

static void say(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);
static void say(const char *fmt, va_list ap)
{
	char line[8192];

	vsnprintf(line, sizeof(line), fmt, ap);
	fprintf(stderr, "%s\n", line); /* in one write: several processes speak here */
}

void (*before_broken)(void);

void broken(const char *fmt, ...)
{
	va_list ap;

	if (before_broken)
		before_broken();
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	_exit(PROOF_BROKEN);
}

void give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	_exit(1);
}

static void on_closed(struct client *c, int sys)
{
	(void)c;
	(void)sys; /* each call is told */
}

void caller_open(struct caller *c, struct ev_loop *loop, const char *socket)
{
	struct err e = ERR_INIT;

	c->loop = loop;
	client_init(&c->client, loop, PROOF_NAMESPACE, on_closed);
	if (client_connect(&c->client, socket, &e) < 0)
		give_up("%s", e.msg);
}

void caller_close(struct caller *c)
{
	client_close(&c->client);
}

struct patience {
	ev_timer timer;
	bool is_over;
};

static void on_impatient(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	container_of(timer, struct patience, timer)->is_over = true;
}

void caller_run_until(struct caller *c, const bool *flag, const char *what)
{
	struct patience p = { .is_over = false };

	ev_timer_init(&p.timer, on_impatient, c->patience_s, 0.);
	ev_now_update(c->loop);
	ev_timer_start(c->loop, &p.timer);
	while (!*flag && !p.is_over)
		ev_run(c->loop, EVRUN_ONCE);
	ev_timer_stop(c->loop, &p.timer);
	if (!*flag && c->on_lost)
		c->on_lost(c);
	if (!*flag)
		broken("lost: no answer in %.0f s: %s", c->patience_s, what);
}

static void on_done(struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct ask *a = container_of(call, struct ask, call);

	a->ended_ns = clock_mono_ns();
	a->is_over = true;
	if (e)
		a->err = *e;
	else
		a->reply = message_unpack(a->type, payload, n);
	if (!e && !a->reply)
		broken("%s: what kind of answer is that?", a->about);
}

void ask_begin(struct caller *c, struct ask *a, const char *method, const ProtobufCMessage *m,
	const ProtobufCMessageDescriptor *type)
{
	struct err e = ERR_INIT;

	*a = (struct ask){ .type = type ? type : &pb__empty__descriptor, .method = method };
	snprintf(a->about, sizeof(a->about), "%s", method);
	a->call = (struct client_call){ .service = TASK, .method = method, .on_done = on_done };
	a->began_ns = clock_mono_ns();
	if (client_call_start(&c->client, &a->call, m, &e) < 0)
		broken("%s: %s", method, e.msg);
}

void ask_begin_of(struct caller *c, struct ask *a, const char *method, const char *id,
	const char *exec, const ProtobufCMessageDescriptor *type)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;

	req.id = id;
	req.exec_id = exec;
	ask_begin(c, a, method, &req.base, type);
	snprintf(a->about, sizeof(a->about), "%s %s %s", method, id, exec);
}

void ask_begin_kill(
	struct caller *c, struct ask *a, const char *id, const char *exec, uint32_t signo)
{
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;

	req.id = id;
	req.exec_id = exec;
	req.signal = signo;
	ask_begin(c, a, "Kill", &req.base, NULL);
	snprintf(a->about, sizeof(a->about), "Kill %s %s", id, exec);
}

bool ask_await(struct caller *c, struct ask *a)
{
	caller_run_until(c, &a->is_over, a->about);
	return a->reply != NULL;
}

void ask_fini(struct ask *a)
{
	if (!a->is_over)
		client_call_cancel(&a->call);
	if (a->reply)
		message_free(a->reply);
	a->reply = NULL;
}

static bool end_quietly(struct caller *c, struct ask *a, struct err *e)
{
	bool ok = ask_await(c, a);

	if (e)
		*e = a->err;
	ask_fini(a);
	return ok;
}

/* Where nobody asks for what is in the answer, any message will do: its fields are unknown. */
bool ask_of(struct caller *c, const char *method, const char *id, const char *exec, struct err *e)
{
	struct ask a;

	ask_begin_of(c, &a, method, id, exec, NULL);
	return end_quietly(c, &a, e);
}

bool ask_kill(struct caller *c, const char *id, const char *exec, uint32_t signo, struct err *e)
{
	struct ask a;

	ask_begin_kill(c, &a, id, exec, signo);
	return end_quietly(c, &a, e);
}

static json_t *words(const char *const *argv)
{
	json_t *a = json_array();

	for (; *argv; argv++)
		json_array_append_new(a, json_string(*argv));
	return a;
}

static void vessel_write(const struct vessel *v, const char *name, const char *text)
{
	char path[PATH_MAX];
	auto_fd int dir = -1;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", v->dir, v->id);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = dir < 0 ? -errno : fd_replace_file(dir, name, text, strlen(text), 0600);
	if (rc < 0)
		give_up("write %s/%s: %s", path, name, strerror(-rc));
}

void vessel_misdeed(const struct vessel *v, const char *line)
{
	vessel_write(v, "fake", line);
}

static json_t *fake_config(const struct vessel *v)
{
	return json_pack("{s:{s:o}, s:{s:[{s:s}]}}", "process", "args", words(v->argv), "linux",
		"namespaces", "type", "pid");
}

static json_t *real_config(const struct vessel *v)
{
	json_t *process = json_pack("{s:o, s:s, s:b, s:{s:i, s:i}}", "args", words(v->argv), "cwd",
		"/", "terminal", v->terminal, "user", "uid", 0, "gid", 0);
	json_t *linux_part = json_pack("{s:s++, s:[{s:s}, {s:s}]}", "cgroupsPath",
		strrchr(v->dir, '/'), "/", v->id, "namespaces", "type", "pid", "type", "mount");

	return json_pack(
		"{s:s, s:o, s:o, s:{s:s}, s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}, {s:s, s:s, s:s}]}",
		"ociVersion", "1.0.2", "process", process, "linux", linux_part, "root", "path",
		"rootfs", "mounts", "destination", "/proc", "type", "proc", "source", "proc",
		"destination", "/dev", "type", "tmpfs", "source", "tmpfs", "destination",
		"/dev/pts", "type", "devpts", "source", "devpts");
}

void vessel_prepare(const struct vessel *v)
{
	json_t *config = v->real ? real_config(v) : fake_config(v);
	auto_free char *text = json_dumps(config, JSON_COMPACT);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", v->dir, v->id);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		give_up("%s: %s", path, strerror(errno));
	vessel_write(v, "config.json", text);
	json_decref(config);
}

void ask_begin_create(struct caller *c, struct ask *a, const struct vessel *v)
{
	auto_buf struct buf bytes = BUF_INIT(8192);
	Pb__CreateTaskRequest req = PB__CREATE_TASK_REQUEST__INIT;
	Runc__Options o = RUNC__OPTIONS__INIT;
	Pb__Mount mount = PB__MOUNT__INIT;
	Pb__Mount *mounts[] = { &mount };
	const char *bind[] = { "rbind" };
	char bundle[PATH_MAX], root[PATH_MAX], lower[PATH_MAX], runtime[PATH_MAX];
	Pb__Any any;

	snprintf(bundle, sizeof(bundle), "%s/%s", v->dir, v->id);
	snprintf(root, sizeof(root), "%s/runtime", v->dir);
	snprintf(lower, sizeof(lower), "%s/%s", v->dir, v->lower ? v->lower : "");
	snprintf(runtime, sizeof(runtime), "%s/%s", v->dir, v->runtime ? v->runtime : "");
	o.binary_name = v->real ? v->real : v->runtime ? runtime : FAKE_RUNTIME;
	o.root = root;
	if (any_pack(&o.base, &bytes, &any) < 0)
		give_up("out of memory");
	req.id = v->id;
	req.bundle = bundle;
	req.options = &any;
	req.stdin = v->in ? v->in : "";
	req.stdout = v->out ? v->out : "";
	req.terminal = v->terminal;
	mount.type = "bind";
	mount.source = lower;
	mount.options = bind;
	mount.n_options = 1;
	req.rootfs = mounts;
	req.n_rootfs = v->lower ? 1 : 0;
	ask_begin(c, a, "Create", &req.base, &pb__create_task_response__descriptor);
	snprintf(a->about, sizeof(a->about), "Create %s", v->id);
}

void ask_begin_exec(struct caller *c, struct ask *a, const char *id, const char *exec,
	const char *const *argv, const char *out)
{
	Pb__ExecProcessRequest req = PB__EXEC_PROCESS_REQUEST__INIT;
	Pb__Any any = PB__ANY__INIT;
	json_t *spec = json_pack("{s:o, s:s}", "args", words(argv), "cwd", "/");
	auto_free char *text = json_dumps(spec, JSON_COMPACT);

	any.type_url = "types.containerd.io/opencontainers/runtime-spec/1/Process";
	any.value = (ProtobufCBinaryData){ strlen(text), (uint8_t *)text };
	req.id = id;
	req.exec_id = exec;
	req.spec = &any;
	req.stdout = out ? out : "";
	ask_begin(c, a, "Exec", &req.base, NULL);
	snprintf(a->about, sizeof(a->about), "Exec %s %s", id, exec);
	json_decref(spec);
}

void ask_begin_update(struct caller *c, struct ask *a, const char *id)
{
	Pb__UpdateTaskRequest req = PB__UPDATE_TASK_REQUEST__INIT;
	Pb__Any any = PB__ANY__INIT;

	any.type_url = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
	any.value = (ProtobufCBinaryData){ 2, (uint8_t *)"{}" };
	req.id = id;
	req.resources = &any;
	ask_begin(c, a, "Update", &req.base, NULL);
}

void ask_begin_checkpoint(struct caller *c, struct ask *a, const char *id, const char *path)
{
	Pb__CheckpointTaskRequest req = PB__CHECKPOINT_TASK_REQUEST__INIT;

	req.id = id;
	req.path = path;
	ask_begin(c, a, "Checkpoint", &req.base, NULL);
}

uint32_t ask_pid(const struct ask *a)
{
	const void *m = a->reply;

	if (a->type == &pb__create_task_response__descriptor)
		return ((const Pb__CreateTaskResponse *)m)->pid;
	if (a->type == &pb__start_response__descriptor)
		return ((const Pb__StartResponse *)m)->pid;
	return ((const Pb__DeleteResponse *)m)->pid;
}
