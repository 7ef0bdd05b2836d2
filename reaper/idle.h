/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPER_IDLE_H
#define REAPER_IDLE_H

/*
 * idle.h - a process that does nothing, so that its namespaces exist.
 *
 *	idle_start(&i, CLONE_NEWUSER);
 *	...look at /proc/PID, open what is needed...
 *	idle_check(&i)                  that was it, and nobody else
 *	idle_end(&i);
 *
 * It shares memory, descriptors and signal handlers with us, so that starting
 * it copies nothing and ending it frees nothing: some 30 us less each way than
 * a fork, however large we are. It runs no code but a system call that never
 * returns, on a stack inside struct idle, with every signal blocked, and dies
 * with us.
 *
 * Its exit signal is none: the kernel tells nobody of its end and shows it to
 * no waitid() that does not ask for it, so no sweep (reaper.h) can collect it
 * before idle_end() does. Its pid is ours until then. The exception is somebody
 * who reaps it on purpose, as tests do; idle_check() finds even that.
 */

#include "base/attr.h"

#include <stdbool.h>
#include <sys/types.h>

/* Two frames of libc, and room for what a sanitizer adds. */
#define IDLE_STACK_BYTES 4096

/* Embed it, or keep it on the stack; it must stay put while it runs. The fields are to be read. */
struct idle {
	pid_t pid;
	int pidfd; /* -1: none runs */
	pid_t parent;
	_Alignas(16) char stack[IDLE_STACK_BYTES];
};

/* @namespaces are CLONE_NEW* flags. 0 or -errno. */
int idle_start(struct idle *i, int namespaces) NODISCARD;

/*
 * 0: it has not been reaped, so its pid has meant nobody else so far. -ESRCH:
 * it has, and the pid may mean anybody.
 */
int idle_check(const struct idle *i) NODISCARD;

/* SIGKILL, without waiting: several may die at a time. */
void idle_kill(struct idle *i);

/*
 * SIGKILL, and waits for it. This may be called from the loop: a process that
 * sleeps and owns nothing by itself needs only a processor to end,
 * as we do to get here. Accepts one that never started.
 */
void idle_end(struct idle *i);

#endif
