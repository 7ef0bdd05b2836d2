/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPER_SPAWN_H
#define REAPER_SPAWN_H

/*
 * spawn.h - new processes, from a description.
 *
 * A new program gets the descriptors named here and no others; every process an
 * empty signal mask, default dispositions for every signal, and dies with us
 * (PR_SET_PDEATHSIG) when asked to. What the kernel does not hand over at
 * clone() cannot be forgotten.
 *
 * These are mechanisms for child.c, which tracks what they start, and for run.c,
 * which waits for it; nobody else calls them, for a process nobody tracks is
 * nobody's.
 */

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Descriptors beyond 0, 1 and 2 that a program may be given (loggers take 3). */
#define SPAWN_EXTRA_MAX 4

struct cpus;

struct spawn {
	const char *const *argv;    /* argv[0] is searched in $PATH if it has no '/' */
	const char *const *envp;    /* NULL: our own */
	int stdio[3];               /* become 0, 1 and 2; -1: /dev/null. Borrowed */
	int extra[SPAWN_EXTRA_MAX]; /* the first n_extra become 3, 4...; borrowed */
	size_t n_extra;
	bool die_with_us; /* SIGKILL when the shim dies */

	/* Both NULL: as ours is. Borrowed. */
	const struct cpus *cpus;   /* where it may run; -EINVAL when that is nowhere */
	const char *oom_score_adj; /* a number; kept as ours is if it may not be set */
};

/*
 * Raises our limit of descriptors to what may be had (RLIMIT_NOFILE), and leaves
 * that of programs as it was: containers are born with it. 0 or -errno.
 */
int spawn_raise_nofile(void);

/*
 * Starts a program as vfork() would: our memory is shared, not copied, and we
 * sleep until the exec has succeeded or failed, some 70 us. An exec that failed
 * is a failure of this function (-ENOENT, -EACCES...) and leaves no process.
 */
int spawn_program(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd) NODISCARD;

/*
 * Starts a copy of ourselves that runs @body and exits with what it returns.
 * For work that may hang in the kernel, such as mount(2). It may not touch the
 * loop; it may block; it has all our descriptors, and should not keep them
 * (fd_close_others()). Dies with us.
 */
int spawn_body(int (*body)(void *arg), void *arg, pid_t *ret_pid, int *ret_pidfd) NODISCARD;

#endif
