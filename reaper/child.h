/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPER_CHILD_H
#define REAPER_CHILD_H

/*
 * child.h - a process of ours: its pid and its pidfd, never one without the other.
 *
 *	child_spawn(&c, reaper, &spawn, on_exit);     it runs
 *	child_signal(&c, SIGTERM);                    reaches it and nobody else
 *	...on_exit(&c, &status)                       once, from the loop
 *
 * A pid is ours until we reap it, and a pidfd names one process for ever, so
 * nothing here can hit a process that was given a recycled number.
 *
 * Embed struct child; its fields are private, but for `pid`, which is for
 * people and for the wire. It must stay put while the child is tracked.
 */

#include "base/attr.h"
#include "base/list.h"
#include "reaper/spawn.h"

#include <ev.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct reaper;

/* What containerd calls UnknownExitStatus. Never guess 0. */
#define EXIT_CODE_UNKNOWN 255

struct exit_status {
	int code;           /* 0..255 as exit(2) has it, or 128 + signal */
	int signal;         /* 0 unless killed by one */
	struct timespec at; /* wall clock, when we learnt of it */
};

/* What waitid() said, for the two places in this room that ask it. */
void exit_status_decode(const siginfo_t *si, struct exit_status *ret);

struct child;

typedef void child_exit_fn(struct child *c, const struct exit_status *st);

struct child {
	struct reaper *reaper; /* borrowed while tracked */
	struct list link;
	pid_t pid;
	int pidfd; /* -1 when nothing is tracked */
	ev_io watcher;
	bool is_blind; /* the kernel refused to watch its pidfd: see reaper.h */
	child_exit_fn *on_exit;
};

#define CHILD_NONE ((struct child){ .pidfd = -1 })

static inline bool child_is_tracked(const struct child *c)
{
	return c->pidfd >= 0;
}

/*
 * Each starts or takes over a process, then calls @on_exit once from the loop,
 * as the last thing done with @c, which may be freed there. @c must not be
 * tracked already. 0 or -errno; on failure there is no process and no call.
 */
int child_spawn(
	struct child *c, struct reaper *r, const struct spawn *s, child_exit_fn *on_exit) NODISCARD;
int child_fork(struct child *c, struct reaper *r, int (*body)(void *arg), void *arg,
	child_exit_fn *on_exit) NODISCARD;

/*
 * For an orphan that has become our child, dead or alive, because we are a
 * subreaper. Safe against a recycled number as long as a hold has been taken
 * since the process was alive (reaper.h). -ECHILD when @pid is not our child,
 * -ESRCH when there is no such process, -EBUSY when it is tracked already.
 */
int child_adopt(struct child *c, struct reaper *r, pid_t pid, child_exit_fn *on_exit) NODISCARD;

/*
 * The same by @pidfd, which is taken over on success and needs no hold: it names
 * that process and no other. What it names is in @c->pid afterwards.
 */
int child_adopt_pidfd(
	struct child *c, struct reaper *r, int pidfd, child_exit_fn *on_exit) NODISCARD;

/* Which process @pidfd names, as we number it. -ESRCH when it was reaped, -EBADF for no pidfd. */
int child_pid_of(int pidfd, pid_t *ret) NODISCARD;

/* Moves what @from tracks to @to, with another callback; @from tracks nothing afterwards. */
void child_move(struct child *to, struct child *from, child_exit_fn *on_exit);

/* 0, or -ESRCH when it has exited or nothing is tracked. */
int child_signal(struct child *c, int signo);

/* For reaper.c: looks, soon and from the loop, whether it has ended. */
void child_look(struct child *c);

/* Stops watching; on_exit will not be called. The process, if any, is left to the sweep. */
void child_forget(struct child *c);

#endif
