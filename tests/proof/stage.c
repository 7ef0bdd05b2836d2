/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proof/stage.h"

#include "base/auto.h"
#include "base/fd.h"
#include "proto/message.h"
#include "shim/socket.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define PATIENCE_S 15.

static const Pb__Empty nothing = PB__EMPTY__INIT;

static void on_forward(struct call *c)
{
	struct stage *s = call_user(c);
	auto_message Pb__ForwardRequest *req = call_unpack(c, &pb__forward_request__descriptor);

	if (!req || !req->envelope || !req->envelope->event)
		stage_broken(s, "what kind of event is that?");
	s->n_events++;
	if (s->on_event)
		s->on_event(s, req->envelope->topic, req->envelope->event);
	if (!s->is_deaf)
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
}

static void on_log(struct ev_loop *loop, ev_io *w, int revents)
{
	struct stage *s = container_of(w, struct stage, log_watcher);
	char text[4096];
	ssize_t n;

	(void)loop;
	(void)revents;
	while ((n = read(w->fd, text, sizeof(text))) > 0) {
		if (s->log.len > STAGE_LOG_KEPT)
			buf_consume(&s->log, s->log.len / 2);
		if (buf_add(&s->log, text, (size_t)n) < 0)
			give_up("out of memory");
	}
}

static void open_log(struct stage *s)
{
	if (mkfifo("log", 0600) < 0)
		give_up("log: %s", strerror(errno));
	s->log_fd = open("log", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	s->log = BUF_INIT(2 * STAGE_LOG_KEPT);
	ev_io_init(&s->log_watcher, on_log, s->log_fd, EV_READ);
	ev_io_start(s->loop, &s->log_watcher);
}

void stage_broken(struct stage *s, const char *fmt, ...)
{
	char why[1024];
	const char *log, *tail;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	on_log(s->loop, &s->log_watcher, EV_READ);
	log = buf_text(&s->log);
	tail = log && s->log.len > 4000 ? log + s->log.len - 4000 : log;
	broken("%s\n--- the shim's log:\n%s", why, tail ? tail : "");
}

void stage_prepare(struct stage *s, const char *shim)
{
	const char *dir = getenv("PROOF_DIR");

	*s = (struct stage){ .shim = shim, .daemon = CHILD_NONE };
	snprintf(s->dir, sizeof(s->dir), "%s", dir ? dir : "");
	if (!s->dir[0] || chdir(s->dir) < 0)
		give_up("run it by way of tests/proof/run");
	snprintf(s->socket, sizeof(s->socket), "%s/socket", s->dir);
	snprintf(s->ear_path, sizeof(s->ear_path), "%s/events", s->dir);
	signal(SIGPIPE, SIG_IGN);
	s->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!s->loop || reaper_init(&s->reaper, s->loop) < 0)
		give_up("no loop");
	(void)mkdir("lower", 0755); /* there already from the last one */
	s->caller.patience_s = PATIENCE_S;
	open_ear(s);
	open_log(s);
}

static void on_daemon_exit(struct child *c, const struct exit_status *st)
{
	struct stage *s = container_of(c, struct stage, daemon);

	s->has_ended = true;
	s->end = *st;
}

bool stage_try(struct stage *s)
{
	const char *argv[] = { s->shim, "-namespace", PROOF_NAMESPACE, "-id", "proof", "-address",
		s->ear_path, "-socket", s->socket, NULL };
	const struct spawn spawn = { .argv = argv, .stdio = { -1, 1, s->is_quiet ? -1 : 2 } };

	int rc = child_spawn(&s->daemon, &s->reaper, &spawn, on_daemon_exit);

	if (rc < 0)
		give_up("cannot run %s: %s", s->shim, strerror(-rc));
	while (!s->has_ended && !socket_answers(s->socket))
		ev_run(s->loop, EVRUN_NOWAIT);
	if (!s->has_ended)
		caller_open(&s->caller, s->loop, s->socket);
	return !s->has_ended;
}

void stage_start(struct stage *s)
{
	if (!stage_try(s))
		stage_broken(s, "the shim ended with status %d before it served", s->end.code);
}

void stage_open(struct stage *s, const char *shim)
{
	stage_prepare(s, shim);
	stage_start(s);
}

/* What is still ending: our own children, and orphans that have just become ours. */
static void await_nobody(struct stage *s)
{
	for (int i = 0; count_processes() > 1; i++) {
		if (i == 15000)
			stage_broken(s, "%ld processes outlive the shim", count_processes() - 1);
		ev_run(s->loop, EVRUN_NOWAIT);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

void stage_close(struct stage *s)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;
	struct ask a;

	req.id = "proof";
	ask_begin(&s->caller, &a, "Shutdown", &req.base, NULL);
	if (!ask_await(&s->caller, &a))
		stage_broken(s, "Shutdown: %s", a.err.msg);
	ask_fini(&a);
	caller_run_until(&s->caller, &s->has_ended, "the end of the shim");
	if (s->end.code != 0)
		stage_broken(s, "the shim ended with status %d", s->end.code);
	caller_close(&s->caller);
	stage_strike(s);
}

void stage_strike(struct stage *s)
{
	reaper_sweep(&s->reaper);
	await_nobody(s);
	server_fini(&s->ear);
	ev_io_stop(s->loop, &s->log_watcher);
	fd_drop(&s->log_fd);
	buf_fini(&s->log);
	reaper_fini(&s->reaper);
	ev_loop_destroy(s->loop);
	(void)unlink("log");
	(void)unlink(s->ear_path);
	(void)unlink(s->socket); /* of one that never served */
}

void *stage_share(const char *env, size_t n)
{
	int fd = memfd_create(env, 0);
	char path[64];
	void *at = MAP_FAILED;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	setenv(env, path, 1);
	if (fd >= 0 && ftruncate(fd, (off_t)n) == 0)
		at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		give_up("share memory: %s", strerror(errno));
	return at;
}

static bool is_called(int pid, const char *name)
{
	char path[64], comm[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%63s", comm) != 1)
		comm[0] = '\0';
	if (f)
		fclose(f);
	return strcmp(comm, name) == 0;
}

void stage_kill_helpers(struct stage *s)
{
	char path[64];
	int pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)s->daemon.pid,
		(int)s->daemon.pid);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		if (!is_called(pid, "mayfly"))
			kill(pid, SIGKILL); /* the shim may reap it, but we are alone here */
	if (f)
		fclose(f);
}

void stage_furnish(struct stage *s)
{
	auto_buf struct buf program = BUF_INIT(64u << 20);
	auto_fd int dir = open("lower", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = fd_read_file(AT_FDCWD, MAYFLY, &program);

	for (int i = 0; rc == 0 && i < 2; i++)
		if (mkdirat(dir, i ? "proc" : "dev", 0755) < 0 && errno != EEXIST)
			rc = -errno; /* it is there from the last time */
	if (rc == 0)
		rc = fd_replace_file(dir, "mayfly", program.data, program.len, 0755);
	if (rc < 0)
		stage_broken(s, "no rootfs: %s", strerror(-rc));
}

long read_number(const char *path, const char *key)
{
	auto_buf struct buf text = BUF_INIT(64 * 1024);
	const char *at;

	if (fd_read_file(AT_FDCWD, path, &text) < 0 || !buf_text(&text))
		return -1;
	at = strstr(buf_text(&text), key);
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static long count_entries(const char *path, bool only_numbers)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	long n = 0;

	while (d && (entry = readdir(d)))
		n += only_numbers ? isdigit((unsigned char)entry->d_name[0]) != 0
				  : entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

long count_processes(void)
{
	return count_entries("/proc", true);
}

static long count_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	long n = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static const char *cgroups_below; /* nftw() has no room for an argument */
static long n_cgroups;

static int count_cgroup(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	struct statfs fs;

	(void)st;
	(void)at;
	if (kind == FTW_D && strstr(path, cgroups_below) && statfs(path, &fs) == 0)
		n_cgroups += fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC;
	return 0;
}

long count_cgroups(const struct stage *s)
{
	char below[sizeof(s->dir) + 2];

	snprintf(below, sizeof(below), "%s/", strrchr(s->dir, '/'));
	cgroups_below = below;
	/* Again, if a group of somebody else has gone between its name and its turn. */
	do
		n_cgroups = 0;
	while (nftw("/sys/fs/cgroup", count_cgroup, 16, FTW_PHYS) < 0 && errno == ENOENT);
	return n_cgroups;
}

static void write_if_there(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	auto_fd int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, text, strlen(text)); /* of another version of control groups */
}

static int thaw_cgroup(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	if (kind == FTW_D && strstr(path, cgroups_below)) {
		write_if_there(path, "freezer.state", "THAWED");
		write_if_there(path, "cgroup.freeze", "0");
	}
	return 0;
}

void stage_thaw(void)
{
	char below[80];

	snprintf(below, sizeof(below), "%s/", strrchr(getenv("PROOF_DIR"), '/'));
	cgroups_below = below;
	(void)nftw("/sys/fs/cgroup", thaw_cgroup, 16, FTW_PHYS);
}

static void count_children(pid_t pid, struct holdings *ret)
{
	char path[64], state[32];
	int child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1) {
		auto_buf struct buf text = BUF_INIT(64 * 1024);

		ret->children++;
		snprintf(state, sizeof(state), "/proc/%d/status", child);
		if (fd_read_file(AT_FDCWD, state, &text) == 0 && buf_text(&text))
			ret->zombies += strstr(buf_text(&text), "\nState:\tZ") != NULL;
	}
	if (f)
		fclose(f);
}

struct holdings holdings_of(pid_t pid)
{
	struct holdings h = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	h.fds = count_entries(path, true);
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	h.mounts = count_lines(path);
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	h.anon_kib = read_number(path, "\nAnonymous:");
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	h.sleeps = read_number(path, "\nvoluntary_ctxt_switches:");
	h.preemptions = read_number(path, "\nnonvoluntary_ctxt_switches:");
	count_children(pid, &h);
	return h;
}
