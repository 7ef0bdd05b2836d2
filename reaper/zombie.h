/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPER_ZOMBIE_H
#define REAPER_ZOMBIE_H

/*
 * zombie.h - a process that ends as soon as it is born, and is not reaped: its
 * number is taken and its namespaces exist, and that is all we want of it.
 *
 *	zombie_start(&z, CLONE_NEWUSER);
 *	...look at /proc/PID, open what is needed...
 *	zombie_check(&z)                that was it, and nobody else
 *	zombie_end(&z);
 *
 * One that lives until it is killed would do the same, but to be woken and to
 * die on another processor takes longer than all the rest, and it would happen
 * while we wait; this one dies while we look at it. It shares memory,
 * descriptors and signal handlers with us, so starting it copies nothing and
 * its end frees nothing, however large we are. All it runs is _exit(), on a
 * stack inside struct zombie, with every signal blocked. If we are killed,
 * whoever inherits it reaps it.
 *
 * Its exit signal is none: the kernel tells nobody of its end and shows it to
 * no waitid() that does not ask for it, so no sweep (reaper.h) can collect it
 * before zombie_end() does. Its pid is ours until then. The exception is
 * somebody who reaps it on purpose, as tests do; zombie_check() finds even that.
 */

#include "base/attr.h"

#include <sys/types.h>

/* Two frames of libc, and room for what a sanitizer adds. */
#define ZOMBIE_STACK_BYTES 4096

/* Embed it, or keep it on the stack; it must stay put until the end. The fields are to be read. */
struct zombie {
	pid_t pid;
	int pidfd; /* -1: none */
	_Alignas(16) char stack[ZOMBIE_STACK_BYTES];
};

/* @namespaces are CLONE_NEW* flags. 0 or -errno. */
int zombie_start(struct zombie *z, int namespaces) NODISCARD;

/*
 * 0: it has not been reaped, so its pid has meant nobody else so far. -ESRCH:
 * it has, and the pid may mean anybody.
 */
int zombie_check(const struct zombie *z) NODISCARD;

/*
 * Waits for it and gives its number back. This may be called from the loop: a
 * process that owns nothing by itself needs only a processor to end, as we do
 * to get here. Accepts one that never started.
 */
void zombie_end(struct zombie *z);

#endif
