/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROOF_STAGE_H
#define TESTS_PROOF_STAGE_H

/*
 * stage.h - one shim that serves, in a folder of its own, and all that is to be seen of it.
 *
 *	stage_open(&s, argv[1]);
 *	...s.caller...
 *	stage_close(&s);     Shutdown, its end with 0, and nothing that outlives it
 */

#include "base/buf.h"
#include "proto/api/events.pb-c.h"
#include "proto/server.h"
#include "reaper/reaper.h"
#include "tests/proof/caller.h"

#define STAGE_LOG_KEPT (64u << 10)

struct stage {
	const char *shim; /* borrowed */
	char dir[64];     /* absolute; the bundle of the shim, and all others are below */
	char socket[96], ear_path[96];
	struct ev_loop *loop;
	struct reaper reaper;
	struct caller caller;
	struct child daemon;
	bool has_ended;
	struct exit_status end;

	struct server ear;
	size_t n_events;
	/* May be NULL. */
	void (*on_event)(struct stage *s, const char *topic, const Pb__Any *event);
	bool is_quiet; /* what the shim says of itself is not shown */
	bool is_deaf;  /* events are heard and never answered */

	int log_fd;
	ev_io log_watcher; /* stop it to let the log fill up */
	struct buf log;    /* the newest of it */
};

/* Loop, reaper, ear and log; then the shim. Set what is not to be as it is in between. */
void stage_prepare(struct stage *s, const char *shim);
void stage_start(struct stage *s);
bool stage_try(struct stage *s); /* false: it has ended instead */
void stage_open(struct stage *s, const char *shim);
void stage_close(struct stage *s);

/* Of a shim that has ended. */
void stage_strike(struct stage *s);

/* Ends the program, with the end of the shim's log. */
void stage_broken(struct stage *s, const char *fmt, ...) PRINTF_LIKE(2, 3) NORETURN;

/* Zeroed memory that a shim gets at, too, if it opens the file that $@env names from here on. */
void *stage_share(const char *env, size_t n);

/* All a real container needs in its rootfs, which is "lower": /mayfly, /proc and /dev. */
void stage_furnish(struct stage *s);

/* SIGKILL for all children of the shim that are no mayflies: runtimes, loggers, mount helpers. */
void stage_kill_helpers(struct stage *s);

/* What a shim holds that must be the same when its containers are gone. */
struct holdings {
	long fds, children, mounts, zombies;
	long anon_kib;
	long sleeps, preemptions; /* context switches so far */
};
struct holdings holdings_of(pid_t pid);

/* Control groups of real containers (caller.h), in all hierarchies. */
long count_cgroups(const struct stage *s);

/*
 * What is paused of them goes on. A pid namespace in which something is left frozen by a freezer of
 * version 1 never ends, for even SIGKILL waits for it to be thawed.
 */
void stage_thaw(void);

/* Processes in this pid namespace. */
long count_processes(void);

/* A number of /proc/self or the like, behind @key; -1: not there. */
long read_number(const char *path, const char *key);

#endif
