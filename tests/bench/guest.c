/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/guest.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/fd.h"
#include "proto/any.h"
#include "proto/api/events.pb-c.h"
#include "proto/api/options.pb-c.h"
#include "shim/socket.h"
#include "tests/lib/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define OUTPUT_MAX (64 * 1024)

static double ms_between(int64_t from_ns, int64_t to_ns)
{
	return (double)(to_ns - from_ns) / 1e6;
}

/* --- one shim --- */

static void on_log(struct ev_loop *loop, ev_io *w, int revents)
{
	char text[4096];

	(void)loop;
	(void)revents;
	while (read(w->fd, text, sizeof(text)) > 0)
		; /* nobody reads it; but a full pipe would stop a shim that waits for its log */
}

static void make_bundle(struct bench *b, const char *id, char ret[PATH_MAX])
{
	if (snprintf(ret, PATH_MAX, "%s/%s", b->dir, id) >= PATH_MAX || mkdir(ret, 0700) < 0 ||
		chdir(ret) < 0)
		bench_give_up("%s: %s", ret, strerror(errno));
}

static const char config[] =
	"{\"ociVersion\":\"1.0.2\",\"hostname\":\"box\","
	"\"root\":{\"path\":\"%s\",\"readonly\":true},"
	"\"process\":{\"args\":[\"/bin/sh\",\"-c\",\"%s\"],\"cwd\":\"/\",\"terminal\":false,"
	"\"user\":{\"uid\":0,\"gid\":0},\"env\":[\"PATH=/bin\"]},"
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}],"
	"\"linux\":{\"cgroupsPath\":\"%s/%s\",\"namespaces\":[{\"type\":\"pid\"},"
	"{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"}]}}";

static void write_config(struct bench *b, const char *id, const char *script)
{
	auto_free char *text = NULL;
	int rc = asprintf(&text, config, b->rootfs, script, strrchr(b->dir, '/'), id);

	if (rc >= 0)
		rc = fd_replace_file(AT_FDCWD, "config.json", text, strlen(text), 0600);
	if (rc < 0)
		bench_give_up("config.json: %s", strerror(-rc));
}

static void on_closed(struct client *c, int sys)
{
	(void)c;
	(void)sys; /* each call is told */
}

static void on_daemon_exit(struct child *c, const struct exit_status *st)
{
	(void)st;
	container_of(c, struct guest, daemon)->has_ended = true;
}

/* It is ours now: `start`, its parent, has ended. */
static void follow_daemon(struct guest *g)
{
	Pb__ConnectRequest req = PB__CONNECT_REQUEST__INIT;
	struct asked a = { .type = &pb__connect_response__descriptor };
	pid_t pid;

	req.id = g->id;
	guest_ask_begin(g, &a, "Connect", &req.base);
	(void)guest_ask_end(g, &a);
	pid = (pid_t)((const Pb__ConnectResponse *)(const void *)a.reply)->shim_pid;
	message_free(a.reply);
	if (child_adopt(&g->daemon, &g->b->reaper, pid, on_daemon_exit) < 0)
		bench_give_up("%s: the shim is not our child", g->shim);
}

static void run_start(struct guest *g)
{
	const struct bootstrap_args words = { .shim = g->shim,
		.ns = BENCH_NAMESPACE,
		.address = g->b->dir,
		.id = g->id,
		.action = "start" };
	const char *argv[BOOTSTRAP_WORDS_MAX];
	auto_buf struct buf text = BUF_INIT(OUTPUT_MAX);
	auto_fd int output = memfd_create("start", MFD_CLOEXEC);
	int code;

	bootstrap_words(&words, argv);
	g->start_ms = bench_run_program(g->b, argv, output, &code);
	if (lseek(output, 0, SEEK_SET) < 0 || fd_read_all(output, &text) < 0 || code != 0)
		bench_give_up("%s start: %s", g->shim, text.len ? buf_text(&text) : "failed");
	g->address = bootstrap_address(&text);
	g->service = bootstrap_service(&text);
	if (!g->address)
		bench_give_up("%s start printed no address", g->shim);
}

void guest_start(struct guest *g, struct bench *b, const char *shim)
{
	struct err e = ERR_INIT;

	*g = (struct guest){ .b = b, .shim = shim, .daemon = CHILD_NONE };
	snprintf(g->id, sizeof(g->id), "c%u", b->n_containers++);
	make_bundle(b, g->id, g->bundle);
	write_config(b, g->id, "true"); /* some shims read it for annotations */
	if (mkfifo("log", 0700) < 0)
		bench_give_up("%s/log: %s", g->bundle, strerror(errno));
	g->log_fd = open("log", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ev_io_init(&g->log_watcher, on_log, g->log_fd, EV_READ);
	ev_io_start(b->loop, &g->log_watcher);
	reaper_hold(&b->reaper); /* until it is followed */
	run_start(g);
	client_init(&g->client, b->loop, BENCH_NAMESPACE, on_closed);
	if (client_connect(&g->client, g->address, &e) < 0)
		bench_give_up("%s", e.msg);
	follow_daemon(g);
	reaper_release(&b->reaper);
}

void guest_end(struct guest *g)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;

	req.id = g->id;
	(void)guest_ask(g, "Shutdown", &req.base);
	bench_run_until(g->b, &g->has_ended, "end of the shim");
	client_close(&g->client);
	ev_io_stop(g->b->loop, &g->log_watcher);
	fd_drop(&g->log_fd);
	free(take_ptr(&g->address));
}

/* --- calls --- */

static void on_done(struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	struct asked *a = container_of(call, struct asked, call);

	a->ended_ns = clock_mono_ns();
	/* The stock shim may have exited before its answer is on the wire; containerd forgives it.
	 */
	if (e && strcmp(a->method, "Shutdown") != 0)
		bench_give_up("%s: %s", a->method, e->msg);
	if (a->type)
		a->reply = message_unpack(a->type, payload, n);
	a->is_over = true;
}

void guest_ask_begin(
	struct guest *g, struct asked *a, const char *method, const ProtobufCMessage *request)
{
	struct err e = ERR_INIT;

	a->method = method;
	a->call =
		(struct client_call){ .service = g->service, .method = method, .on_done = on_done };
	a->began_ns = clock_mono_ns();
	if (client_call_start(&g->client, &a->call, request, &e) < 0)
		bench_give_up("%s: %s: %s", g->shim, method, e.msg);
}

double guest_ask_end(struct guest *g, struct asked *a)
{
	bench_run_until(g->b, &a->is_over, a->method);
	if (a->type && !a->reply)
		bench_give_up("%s: %s: what kind of answer is that?", g->shim, a->method);
	return ms_between(a->began_ns, a->ended_ns);
}

double guest_ask(struct guest *g, const char *method, const ProtobufCMessage *request)
{
	struct asked a = { 0 };

	guest_ask_begin(g, &a, method, request);
	return guest_ask_end(g, &a);
}

double guest_ask_of(struct guest *g, const char *method, const char *id, const char *exec)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;

	req.id = id;
	req.exec_id = exec ? exec : "";
	return guest_ask(g, method, &req.base);
}

/* --- containers --- */

double guest_create(
	struct guest *g, struct inmate *i, const char *script, const struct guest_io *io)
{
	auto_buf struct buf bytes = BUF_INIT(8192);
	Pb__CreateTaskRequest req = PB__CREATE_TASK_REQUEST__INIT;
	Runc__Options o = RUNC__OPTIONS__INIT;
	struct asked a = { .type = &pb__create_task_response__descriptor };
	Pb__Any any;
	char root[PATH_MAX];
	double took;

	snprintf(i->id, sizeof(i->id), "c%u", g->b->n_containers++);
	make_bundle(g->b, i->id, i->bundle);
	write_config(g->b, i->id, script);
	snprintf(root, sizeof(root), "%s/runtime", g->b->dir);
	o.binary_name = g->b->runtime;
	o.root = root;
	if (any_pack(&o.base, &bytes, &any) < 0)
		bench_give_up("out of memory");
	req.id = i->id;
	req.bundle = i->bundle;
	req.options = &any;
	req.stdout = io ? io->out : "";
	req.stderr = io ? io->err : ""; /* with one alone the stock shim refuses the other, "" */
	guest_ask_begin(g, &a, "Create", &req.base);
	took = guest_ask_end(g, &a);
	i->pid = (pid_t)((const Pb__CreateTaskResponse *)(const void *)a.reply)->pid;
	message_free(a.reply);
	return took;
}

double guest_exec(struct guest *g, const struct inmate *i, const char *exec, const char *program)
{
	Pb__ExecProcessRequest req = PB__EXEC_PROCESS_REQUEST__INIT;
	Pb__Any any = PB__ANY__INIT;
	char spec[512];
	double took;

	snprintf(spec, sizeof(spec),
		"{\"args\":[\"%s\"],\"cwd\":\"/\",\"env\":[\"PATH=/bin\"],"
		"\"user\":{\"uid\":0,\"gid\":0}}",
		program);
	any.type_url = "types.containerd.io/opencontainers/runtime-spec/1/Process";
	any.value = (ProtobufCBinaryData){ strlen(spec), (uint8_t *)spec };
	req.id = i->id;
	req.exec_id = exec;
	req.spec = &any;
	took = guest_ask(g, "Exec", &req.base);
	return took + guest_ask_of(g, "Start", i->id, exec);
}

double guest_delete(struct guest *g, const struct inmate *i)
{
	struct asked a = { 0 };
	Pb__WaitRequest wait = PB__WAIT_REQUEST__INIT;

	wait.id = i->id;
	guest_ask_begin(g, &a, "Wait", &wait.base);
	(void)kill(i->pid, SIGKILL); /* a member of our pid namespace, not yet reaped by its shim */
	(void)guest_ask_end(g, &a);
	return guest_ask_of(g, "Delete", i->id, NULL);
}
