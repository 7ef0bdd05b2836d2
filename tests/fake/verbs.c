/* SPDX-License-Identifier: Apache-2.0 */

/*
 * verbs.c - what fake-runtime does when it behaves.
 */

#include "tests/fake/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEAD_INIT_CODE 42
#define EXEC_FAILED    127

/* `process.args` of config.json, or `args` of the file that exec is given. */
static char **read_args(const struct call *c, const char *path, bool in_process)
{
	json_error_t why;
	json_t *root = json_load_file(path, 0, &why);
	json_t *args =
		json_object_get(in_process ? json_object_get(root, "process") : root, "args");
	size_t n = json_array_size(args);
	char **argv = calloc(n + 1, sizeof(*argv));

	if (n == 0 || !argv)
		die(c, "%s: no arguments for the process: %s", path, why.text);
	for (size_t i = 0; i < n; i++)
		argv[i] = (char *)json_string_value(json_array_get(args, i));
	return argv; /* with the JSON behind it: we do not live long */
}

/* Becomes the process. @gate is -1, or gives a byte when `start` comes. */
static void become(char **argv, int gate, int terminal)
{
	char byte;

	if (terminal >= 0) {
		setsid();
		ioctl(terminal, TIOCSCTTY, 0);
		for (int fd = 0; fd < 3; fd++)
			dup2(terminal, fd);
	}
	if (gate >= 0 && read(gate, &byte, 1) != 1)
		_exit(EXEC_FAILED);
	execvp(argv[0], argv);
	fprintf(stderr, "exec %s: %s\n", argv[0], strerror(errno));
	_exit(EXEC_FAILED);
}

static void write_pid_file(const struct call *c, pid_t pid, const struct misdeeds *m)
{
	FILE *f = c->pid_file ? fopen(c->pid_file, "we") : NULL;

	if (!f)
		return;
	if (!m->half_pid)
		fprintf(f, "%d", m->stranger_pid ? 1 : (int)pid);
	fclose(f);
}

static void hand_over(const struct call *c, pid_t pid, const struct misdeeds *m)
{
	int fd;

	if (!c->pidfd_socket || m->no_pidfd)
		return;
	fd = m->false_pidfd ? open("/dev/null", O_RDONLY | O_CLOEXEC)
			    : pidfd_open(m->wrong_pidfd ? getpid() : pid, 0);
	if (fd < 0)
		die(c, "a pidfd to hand over: %s", strerror(errno));
	send_descriptor(c, c->pidfd_socket, fd, "standard");
	close(fd);
}

/* As fork(), by way of a process that ends at once: in the child 0, and its parent is the shim. */
static pid_t fork_orphan(void)
{
	pid_t between, pid = -1;
	siginfo_t si;
	int told[2];

	if (pipe2(told, O_CLOEXEC) < 0)
		return -1;
	between = fork();
	if (between == 0) {
		pid = fork();
		if (pid == 0) {
			close(told[0]);
			close(told[1]);
			return 0;
		}
		_exit(write(told[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	close(told[1]);
	if (between < 0 || read(told[0], &pid, sizeof(pid)) != sizeof(pid))
		pid = -1;
	close(told[0]);
	if (between > 0)
		waitid(P_PID, (id_t)between, &si, WEXITED);
	if (pid < 0)
		errno = EAGAIN;
	return pid;
}

/* Nobody waits for it here: when we are gone it is the shim's, which is a subreaper. */
static pid_t launch(const struct call *c, char **argv, int gate, const struct misdeeds *m)
{
	int terminal = -1;
	siginfo_t si;
	pid_t pid;

	if (c->console_socket && m->mute_console)
		console_connect(c, c->console_socket);
	else if (c->console_socket)
		terminal = console_open(c, c->console_socket);
	pid = m->orphan_ms ? fork_orphan() : fork();
	if (pid < 0)
		die(c, "fork: %s", strerror(errno));
	if (pid == 0) {
		if (m->dead_init)
			_exit(DEAD_INIT_CODE);
		become(argv, gate, terminal);
	}
	if (m->dead_init)
		waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
	if (m->orphan_ms)
		misdeed_hang(m->orphan_ms);
	hand_over(c, pid, m);
	write_pid_file(c, pid, m);
	return pid;
}

static void remember(struct state *s, pid_t pid, const char *status)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", (int)pid);
	state_save(s, "pid", text);
	pid_started(pid, text);
	state_save(s, "started", text);
	state_save(s, "status", status);
}

/* The gate is held open for writing too, by init: `start` finds out by opening if init lives. */
static int make_gate(const struct call *c, const struct state *s)
{
	char path[4200];
	int gate;

	snprintf(path, sizeof(path), "%s/start", s->dir);
	gate = mkfifo(path, 0600) < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
	if (gate < 0)
		die(c, "%s: %s", path, strerror(errno));
	return gate;
}

static char **bundle_args(const struct call *c)
{
	char path[4200];

	if (!c->bundle)
		die(c, "no bundle given");
	snprintf(path, sizeof(path), "%s/config.json", c->bundle);
	return read_args(c, path, true);
}

static void create(const struct call *c, struct state *s, const struct misdeeds *m)
{
	char **argv = bundle_args(c);

	state_make(c, s);
	remember(s, launch(c, argv, make_gate(c, s), m), "created");
}

static void restore(const struct call *c, struct state *s, const struct misdeeds *m)
{
	char **argv = bundle_args(c);

	state_make(c, s);
	remember(s, launch(c, argv, -1, m), "running");
}

static void start(const struct call *c, struct state *s, const struct misdeeds *m)
{
	char path[4200];
	int gate;

	(void)m;
	if (strcmp(s->status, "created") != 0)
		die(c, "cannot start a container that has %s",
			strcmp(s->status, "stopped") == 0 ? "stopped" : "run already");
	snprintf(path, sizeof(path), "%s/start", s->dir);
	gate = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (gate < 0 || write(gate, "", 1) != 1)
		die(c, "cannot start a container that has stopped");
	state_save(s, "status", "running");
}

static void exec(const struct call *c, struct state *s, const struct misdeeds *m)
{
	char line[32];

	if (!c->process || !c->detach)
		die(c, "exec needs --process and --detach");
	if (strcmp(s->status, "running") != 0)
		die(c, "cannot exec in a %s container", s->status);
	snprintf(
		line, sizeof(line), "%d\n", (int)launch(c, read_args(c, c->process, false), -1, m));
	state_append(s, "execs", line);
}

static void kill_init(const struct call *c, struct state *s, const struct misdeeds *m)
{
	(void)m;
	if (!c->last)
		die(c, "kill needs a signal");
	if (strcmp(s->status, "stopped") == 0)
		die(c, "container not running");
	if (kill(s->pid, (int)strtol(c->last, NULL, 10)) < 0)
		die(c, "kill: %s", strerror(errno));
}

static void delete (const struct call *c, struct state *s, const struct misdeeds *m)
{
	bool idle = strcmp(s->status, "created") == 0;

	(void)m;
	if (!idle && !c->force && strcmp(s->status, "stopped") != 0)
		die(c, "cannot delete container %s that is not stopped: %s", c->id, s->status);
	if (strcmp(s->status, "stopped") != 0)
		kill(s->pid, SIGKILL);
	state_remove(s);
}

static void ps(const struct call *c, struct state *s, const struct misdeeds *m)
{
	char execs[4096] = "", *at = execs, *end;

	(void)c;
	(void)m;
	if (strcmp(s->status, "stopped") == 0) {
		puts("null");
		return;
	}
	state_read(s, "execs", execs, sizeof(execs));
	printf("[%d", (int)s->pid);
	for (long pid = strtol(at, &end, 10); end != at; pid = strtol(at, &end, 10)) {
		if (kill((pid_t)pid, 0) == 0)
			printf(",%ld", pid);
		at = end;
	}
	puts("]");
}

static void pause_init(const struct call *c, struct state *s, const struct misdeeds *m)
{
	(void)m;
	if (strcmp(s->status, "running") != 0)
		die(c, "cannot pause a %s container", s->status);
	kill(s->pid, SIGSTOP);
	state_save(s, "status", "paused");
}

static void resume(const struct call *c, struct state *s, const struct misdeeds *m)
{
	(void)m;
	if (strcmp(s->status, "paused") != 0)
		die(c, "cannot resume a %s container", s->status);
	kill(s->pid, SIGCONT);
	state_save(s, "status", "running");
}

/* What came on stdin is in ROOT/ID/resources afterwards. */
static void update(const struct call *c, struct state *s, const struct misdeeds *m)
{
	json_error_t why;
	json_t *resources = json_loadf(stdin, 0, &why);

	(void)m;
	if (!resources)
		die(c, "resources: %s", why.text);
	state_save(s, "resources", json_dumps(resources, JSON_COMPACT));
}

static void checkpoint(const struct call *c, struct state *s, const struct misdeeds *m)
{
	char path[4200];

	(void)m;
	if (!c->image_path)
		die(c, "checkpoint needs --image-path");
	snprintf(path, sizeof(path), "%s/checkpointed", c->image_path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	if (!c->leave_running)
		kill(s->pid, SIGKILL);
}

const struct verb verbs[] = {
	{ "create", create, true },
	{ "restore", restore, true },
	{ "start", start, false },
	{ "exec", exec, false },
	{ "kill", kill_init, false },
	{ "delete", delete, false },
	{ "ps", ps, false },
	{ "pause", pause_init, false },
	{ "resume", resume, false },
	{ "update", update, false },
	{ "checkpoint", checkpoint, false },
	{ NULL, NULL, false },
};
