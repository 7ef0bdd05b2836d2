/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "base/fd.h"
#include "proto/api/events.pb-c.h"
#include "shim/socket.h"
#include "tests/lib/bootstrap.h"
#include "tests/parity/parity.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX (64 * 1024)

void give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("parity: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
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

/* The shim's last words, for whoever reads why a test failed. */
static void show_log(const struct stage *s)
{
	char text[16 * 1024];
	ssize_t n = s->log_fd < 0 ? 0 : read(s->log_fd, text, sizeof(text));

	if (n > 0)
		(void)!fwrite(text, 1, (size_t)n, stderr);
}

void stage_run_until(struct stage *s, const bool *flag, const char *what)
{
	struct patience p = { .is_over = false };

	ev_timer_init(&p.timer, on_impatient, STAGE_PATIENCE_S, 0.);
	ev_now_update(s->loop);
	ev_timer_start(s->loop, &p.timer);
	while (!*flag && !p.is_over)
		ev_run(s->loop, EVRUN_ONCE);
	ev_timer_stop(s->loop, &p.timer);
	if (*flag)
		return;
	show_log(s);
	give_up("%s, %s: no %s in %.0f s", s->shim, s->scene, what, STAGE_PATIENCE_S);
}

void stage_poll(struct stage *s, bool (*is_so)(void *user), void *user, const char *what)
{
	const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
	double left = STAGE_PATIENCE_S;

	for (; !is_so(user); left -= 0.005) {
		if (left < 0)
			give_up("%s, %s: no %s in %.0f s", s->shim, s->scene, what,
				STAGE_PATIENCE_S);
		nanosleep(&pause, NULL);
	}
}

void stage_await_news(struct stage *s, size_t n)
{
	s->wanted_news = n;
	s->has_news = s->n_news >= n;
	stage_run_until(s, &s->has_news, "event");
}

char *stage_path(struct stage *s, const char *name)
{
	static char paths[8][PATH_MAX + 32];
	static size_t used;
	char *path = paths[used++ % 8];

	snprintf(path, sizeof(paths[0]), "%.*s/%s", PATH_MAX, s->bundle, name);
	return path;
}

void stage_write(struct stage *s, const char *name, const char *text)
{
	int rc;

	(void)s; /* we are in its bundle */
	rc = fd_replace_file(AT_FDCWD, name, text, strlen(text), 0600);
	if (rc < 0)
		give_up("write %s: %s", name, strerror(-rc));
}

static const char config[] =
	"{\"ociVersion\":\"1.0.2\",\"hostname\":\"box\","
	"\"root\":{\"path\":\"%s\",\"readonly\":true},"
	"\"process\":{\"args\":[\"/bin/sh\",\"-c\",\"%s\"],\"cwd\":\"/\",\"terminal\":%s,"
	"\"user\":{\"uid\":0,\"gid\":0},\"env\":[\"PATH=/bin\"]},"
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
	"\"options\":[\"newinstance\",\"ptmxmode=0666\"]}],"
	"\"linux\":{\"cgroupsPath\":\"/belay/%s\",\"namespaces\":[%s"
	"{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"}]}}";

static void write_config(struct stage *s, const char *script, bool terminal)
{
	char *text;

	if (asprintf(&text, config, s->rootfs, script, terminal ? "true" : "false",
		    strrchr(s->dir, '/') + 1,
		    strncmp(s->scene, "shared pids", 11) == 0 ? "" : "{\"type\":\"pid\"},") < 0)
		give_up("out of memory");
	stage_write(s, "config.json", text);
	free(text);
}

void stage_config(struct stage *s, const char *script)
{
	write_config(s, script, strncmp(s->scene, "terminal", 8) == 0);
}

static const Pb__Empty nothing = PB__EMPTY__INIT;

static void on_forward(struct call *c)
{
	struct stage *s = call_user(c);
	Pb__ForwardRequest *req = call_unpack(c, &pb__forward_request__descriptor);

	if (!req || !req->envelope || s->n_news == STAGE_NEWS_MAX)
		give_up("%s: what kind of event is that?", s->shim);
	s->news[s->n_news++] = req;
	s->has_news = s->n_news >= s->wanted_news;
	call_reply(c, &nothing.base);
}

static const struct server_method ear_methods[] = { { "Forward", on_forward }, { NULL, NULL } };
static const struct server_service ear_services[] = {
	{ "containerd.services.events.ttrpc.v1.Events", ear_methods },
	{ NULL, NULL },
};

static void open_ear(struct stage *s)
{
	struct err e = ERR_INIT;
	int fd;

	if (socket_listen(s->ear_path, &fd, &e) < 0)
		give_up("%s", e.msg);
	if (server_init(&s->ear, s->loop, fd, ear_services, s) < 0)
		give_up("no server");
	setenv("TTRPC_ADDRESS", s->ear_path, 1);
	setenv("GOMAXPROCS", "2", 1);
}

void stage_prepare(struct stage *s, const char *script)
{
	snprintf(s->dir, sizeof(s->dir), "%s/parity.XXXXXX", getenv("PARITY_DIR"));
	if (!mkdtemp(s->dir))
		give_up("%s: %s", s->dir, strerror(errno));
	snprintf(s->bundle, sizeof(s->bundle), "%s/%s", s->dir, STAGE_ID);
	snprintf(s->ear_path, sizeof(s->ear_path), "%s/events", s->dir);
	s->daemon = CHILD_NONE;
	s->input = -1;
	s->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!s->loop || reaper_init(&s->reaper, s->loop) < 0 || mkdir(s->bundle, 0700) < 0 ||
		chdir(s->bundle) < 0 || mkfifo("log", 0700) < 0)
		give_up("%s: %s", s->bundle, strerror(errno));
	s->log_fd = open("log", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	stage_config(s, script);
	open_ear(s);
}

struct running {
	struct child child;
	int code;
	bool is_over;
};

static void on_ran(struct child *c, const struct exit_status *st)
{
	struct running *r = container_of(c, struct running, child);

	r->code = st->code;
	r->is_over = true;
}

void ran_fini(struct ran *r)
{
	buf_fini(&r->output);
	buf_fini(&r->errors);
}

struct ran stage_run_words(struct stage *s, const char *const *argv)
{
	struct running r = { .child = CHILD_NONE };
	struct ran ret = { .output = BUF_INIT(OUTPUT_MAX), .errors = BUF_INIT(OUTPUT_MAX) };
	auto_fd int out = memfd_create("output", MFD_CLOEXEC);
	auto_fd int err = memfd_create("errors", MFD_CLOEXEC);
	struct spawn spawn = { .argv = argv, .stdio = { s->input, out, err } };

	if (child_spawn(&r.child, &s->reaper, &spawn, on_ran) < 0)
		give_up("cannot run %s", argv[0]);
	stage_run_until(s, &r.is_over, "end of the command");
	if (lseek(out, 0, SEEK_SET) < 0 || fd_read_all(out, &ret.output) < 0 ||
		lseek(err, 0, SEEK_SET) < 0 || fd_read_all(err, &ret.errors) < 0)
		give_up("no output");
	ret.code = r.code;
	return ret;
}

/* In the order of containerd 1.6 to 2.2. */
struct ran stage_run(struct stage *s, const char *action)
{
	char address[PATH_MAX + 32];
	const struct bootstrap_args words = { s->shim, STAGE_NAMESPACE, address, STAGE_ID,
		s->bundle, action };
	const char *argv[BOOTSTRAP_WORDS_MAX];

	snprintf(address, sizeof(address), "%s/containerd.sock", s->dir);
	bootstrap_words(&words, argv);
	return stage_run_words(s, argv);
}

static void on_daemon_exit(struct child *c, const struct exit_status *st)
{
	struct stage *s = container_of(c, struct stage, daemon);

	s->daemon_ended = true;
	s->daemon_code = st->code;
}

static void on_closed(struct client *c, int sys)
{
	(void)c;
	(void)sys; /* each call is told */
}

/* It is ours now: `start`, its parent, has ended. */
static void follow_daemon(struct stage *s)
{
	Pb__ConnectResponse *reply;

	reply = ask_quietly(s, "Connect", &pb__connect_response__descriptor);
	stage_name_pid(s, "shim", reply->shim_pid);
	if (child_adopt(&s->daemon, &s->reaper, (pid_t)reply->shim_pid, on_daemon_exit) < 0)
		give_up("%s: the shim is not our child", s->shim);
	message_free(&reply->base);
}

void stage_start_shim(struct stage *s)
{
	struct err e = ERR_INIT;
	struct ran r;

	reaper_hold(&s->reaper); /* until it is followed */
	r = stage_run(s, "start");
	if (r.code != 0)
		give_up("%s start: %s", s->shim, buf_text(&r.errors));
	if (r.errors.len > 0) /* containerd would read it as the address */
		give_up("%s start said: %s", s->shim, buf_text(&r.errors));
	s->address = bootstrap_address(&r.output);
	s->service = bootstrap_service(&r.output);
	if (!s->address)
		give_up("%s start printed no address: %s", s->shim, buf_text(&r.output));
	ran_fini(&r);
	client_init(&s->client, s->loop, STAGE_NAMESPACE, on_closed);
	if (client_connect(&s->client, s->address, &e) < 0)
		give_up("%s", e.msg);
	follow_daemon(s);
	reaper_release(&s->reaper);
}

void stage_open(struct stage *s, const char *script)
{
	stage_prepare(s, script);
	stage_start_shim(s);
}
