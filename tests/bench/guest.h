/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_BENCH_GUEST_H
#define TESTS_BENCH_GUEST_H

/*
 * guest.h - any number of shims in one loop, driven as containerd drives them.
 *
 * All calls wait, and give up the whole program when something does not come:
 * tests/bench/run gives it namespaces of its own, which end with it. Times are
 * taken in here, as close to the wire as a client can.
 */

#include "base/attr.h"
#include "base/buf.h"
#include "proto/api/task.pb-c.h"
#include "proto/client.h"
#include "proto/message.h"
#include "proto/server.h"
#include "reaper/child.h"
#include "reaper/reaper.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* How long a shim may take for one answer, in seconds. */
#define BENCH_PATIENCE_S 60.

#define BENCH_NAMESPACE "bench"

struct bench {
	const char *runtime; /* the program that times the real one; see timed_runtime.c */
	const char *rootfs;  /* borrowed, like the rest of these */
	const char *dir;

	struct ev_loop *loop;
	struct reaper reaper;
	struct server ear;
	char ear_path[PATH_MAX];
	int timings;               /* the file to which the runtime's times are appended */
	double bare_ms;            /* what running that program costs without any shim */
	bool has_exit_event;       /* since it was last cleared */
	int64_t exit_event_ns;     /* when it came */
	unsigned int n_containers; /* so far; makes their ids */
};

struct guest {
	struct bench *b; /* borrowed */
	const char *shim;
	char id[32], bundle[PATH_MAX];
	int log_fd;
	ev_io log_watcher;
	char *address; /* owned */
	const char *service;
	struct client client;
	struct child daemon;
	bool has_ended;
	double start_ms; /* what `start` took, until its end */
};

/* A container of some guest. */
struct inmate {
	char id[32], bundle[PATH_MAX];
	pid_t pid;
};

/* One call and how long its answer took. */
struct asked {
	struct client_call call;
	bool is_over;
	int64_t began_ns, ended_ns;
	const ProtobufCMessageDescriptor *type;
	ProtobufCMessage *reply; /* owned; NULL if @type was */
	const char *method;
};

NORETURN void bench_give_up(const char *fmt, ...) PRINTF_LIKE(1, 2);

void bench_open(struct bench *b);
void bench_run_until(struct bench *b, const bool *flag, const char *what);

/* A program from beginning to end, in milliseconds; its output goes to @output. */
double bench_run_program(struct bench *b, const char *const *argv, int output, int *ret_code);

/*
 * What the runtime took since bench_clear_timings(), in milliseconds; with what
 * its timing program costs by itself, so that the rest is the shim's.
 */
void bench_clear_timings(struct bench *b);
double bench_runtime_ms(struct bench *b);

/* A shim that serves, with no container yet. */
void guest_start(struct guest *g, struct bench *b, const char *shim);
/* Shutdown, and the end of the daemon. */
void guest_end(struct guest *g);

/* Returns what it took, in milliseconds. An error gives up. */
double guest_ask(struct guest *g, const char *method, const ProtobufCMessage *request);
/* The same in two steps; the answer's owner frees reply. */
void guest_ask_begin(
	struct guest *g, struct asked *a, const char *method, const ProtobufCMessage *request);
double guest_ask_end(struct guest *g, struct asked *a);

/* The methods that take an id and perhaps an exec's. */
double guest_ask_of(struct guest *g, const char *method, const char *id, const char *exec);

/* FIFOs that the caller made. */
struct guest_io {
	const char *out, *err;
};

/* A container of busybox that runs @script; @io may be NULL. Returns what Create took. */
double guest_create(
	struct guest *g, struct inmate *i, const char *script, const struct guest_io *io);
double guest_exec(struct guest *g, const struct inmate *i, const char *exec, const char *program);
/* Kills, waits and deletes. Returns what Delete took. */
double guest_delete(struct guest *g, const struct inmate *i);

#endif
