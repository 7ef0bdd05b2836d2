/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

/*
 * process.h - one process of a container: its init, or an exec.
 *
 * Owned by its container. Its exit passes two gates before anybody hears of
 * it: the news is held while an operation is about to tell of its start
 * (process_hold_news), and the container decides when its turn has come
 * (container.h: an init is reported after its execs).
 */

#include "base/list.h"
#include "process/affinity.h"
#include "process/io/console.h"
#include "process/io/logger.h"
#include "process/io/stdio.h"
#include "process/state.h"
#include "reaper/child.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct container;
struct handover;
struct process;

struct exit_record {
	bool is_set;
	uint32_t code; /* 0..255 or 128 + signal; 255 when nobody knows */
	struct timespec at;
};

/* Somebody who waits for an exit. Embed it; on_exit is called once, with the waiter unlinked. */
struct waiter {
	struct list link;
	void (*on_exit)(struct waiter *w, const struct process *p);
};

/* Deletes of one exec, the one under way included. */
#define PROCESS_DELETES_MAX 64

struct process {
	struct container *ct; /* borrowed: it owns us */
	struct list link;     /* in the container's execs */
	char *exec_id;        /* owned; NULL for an init */
	char *in, *out, *err; /* owned; as the client named its streams */
	bool terminal;

	enum state state; /* written by process_set_state() only */
	struct child child;
	pid_t pid; /* 0 until it exists; kept after its exit */
	struct stdio *io;
	struct console *console; /* while a Create or Start waits for its pty */
	struct logger *logger;   /* of a binary:// log URI */
	struct list waiters;

	/* Of an exec. */
	char *spec; /* owned; the OCI process, until it has been started */
	struct cpu_wish wish;
	struct list deletes; /* the one under way, then those who wait for what it comes to */
	unsigned n_deletes;
	bool is_starting;  /* its Start runs */
	bool start_failed; /* and the last one did: who waits is not kept waiting */

	int news_held;
	bool is_told;            /* its container knows of that */
	struct exit_record seen; /* it has exited */
	struct exit_record exit; /* and that was reported */
};

/* Copies the paths. 0 or -ENOMEM; process_fini() is right in either case. */
int process_init(struct process *p, struct container *ct, const char *exec_id,
	const struct stdio_paths *paths) NODISCARD;
void process_fini(struct process *p);

/*
 * Opens its streams and, for a terminal, the console socket; a logger is
 * started. 0, or -1 and *e.
 */
int process_open_stdio(struct process *p, struct err *e);
void process_close_stdio(struct process *p);

/*
 * Waits for the pty of a process that has a terminal, and hands it to its
 * streams. True: there is nothing to wait for. False: @on_done follows, to be
 * answered with process_take_console().
 */
bool process_await_console(struct process *p, void (*on_done)(void *user), void *user);
int process_take_console(struct process *p, struct err *e);

/*
 * Follows the orphan that the runtime has left, while a hold is taken (reaper.h):
 * the process of @pid_file, by the pidfd in @h if one has come, which must name
 * the same. 0, or -1 and *e.
 */
int process_adopt(struct process *p, struct handover *h, const char *pid_file, struct err *e);

/*
 * Ends it where it may run without our having adopted it: the runtime was killed,
 * or failed, after it had handed it over or written its pid. Orphans are still
 * held, so the number is its own.
 */
void process_kill_stray(struct process *p, struct handover *h, const char *pid_file);

void process_set_state(struct process *p, enum state to);

/* The container's id for an init, its own for an exec: how containerd names it in events. */
const char *process_name(const struct process *p);

void process_hold_news(struct process *p);
void process_release_news(struct process *p); /* may report the exit */

/*
 * Calls @w when the exit is reported; true if it has been already, and no call
 * follows. An exec whose start failed counts as over, without a record.
 */
bool process_wait(struct process *p, struct waiter *w);
void process_wait_cancel(struct waiter *w);

/* The container says that its turn has come. */
void process_report_exit(struct process *p);

/* Answers all who wait, as things are. */
void process_release_waiters(struct process *p);

/* An exec: unlinks and frees it. Returns NULL. */
struct process *process_free(struct process *p);

#endif
