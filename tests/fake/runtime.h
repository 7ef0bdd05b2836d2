/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FAKE_RUNTIME_H
#define TESTS_FAKE_RUNTIME_H

/*
 * runtime.h - the parts of fake-runtime: an OCI runtime without containers.
 *
 * It keeps its state in ROOT/ID/ as a real one does, and "init" is a program
 * of the host. A file BUNDLE/fake makes it misbehave (misdeed.c). Every call
 * is noted in ROOT/calls.log.
 */

#include "base/attr.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/* The command line, taken apart. All strings are argv's own; NULL where absent. */
struct call {
	const char *root, *log, *verb, *id, *last; /* last: the argument after the id */
	const char *bundle, *pid_file, *console_socket, *pidfd_socket, *process, *image_path;
	bool force, leave_running, detach;
};

/* Ends the program with an error record in the log, as runc and crun do. */
void die(const struct call *c, const char *fmt, ...) PRINTF_LIKE(2, 3) NORETURN;

/* state.c: what is in ROOT/ID/. */
struct state {
	char dir[4096];
	char bundle[4096];
	char status[16]; /* "created", "running", "paused", "stopped" */
	pid_t pid;
};

void state_make(const struct call *c, struct state *s);
bool state_load(const struct call *c, struct state *s);
void state_save(const struct state *s, const char *name, const char *text);
void state_append(const struct state *s, const char *name, const char *text);
void state_remove(const struct state *s);
bool state_read(const struct state *s, const char *name, char *ret_text, size_t room);
bool pid_is_alive(pid_t pid, const char *started);
void pid_started(pid_t pid, char ret_started[32]);

/* misdeed.c */
struct misdeeds {
	bool dead_init, lie, half_pid, stranger_pid;
	bool no_pidfd, wrong_pidfd, false_pidfd;
	bool mute_console;
	long orphan_ms;       /* 0: init is our child */
	char after_fail[512]; /* empty: does not */
};

/* Reads BUNDLE/fake and does what comes before the real work: hang, fail, die, make noise. */
void misdeeds_begin(const struct call *c, const char *bundle, struct misdeeds *ret);
void misdeed_hang(long ms);

/* console.c: sends @fd, and @words beside it, over a stream socket. */
void send_descriptor(const struct call *c, const char *socket_path, int fd, const char *words);

/* console.c: a new terminal whose master goes to @socket_path; returns the slave. */
int console_open(const struct call *c, const char *socket_path);

/* console.c: connects, and leaves it at that; whoever we start inherits the connection. */
void console_connect(const struct call *c, const char *socket_path);

/* verbs.c */
extern const struct verb {
	const char *name;
	void (*run)(const struct call *c, struct state *s, const struct misdeeds *m);
	bool makes; /* there must be no such container yet */
} verbs[];

#endif
