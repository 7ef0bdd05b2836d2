/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CPUS_H
#define BASE_CPUS_H

/*
 * cpus.h - a set of processors: what the kernel calls a CPU list, "0-3,7".
 *
 * One form of the list is taken, that of runtime-spec (config.md, execCPUAffinity)
 * and of the kernel's own files: decimal numbers and ranges that do not run
 * backwards, commas between them, nothing else. The kernel's command line may
 * say more ("0-N", "all", strides); that is refused, not guessed.
 */

#include "base/attr.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The most processors an x86-64 kernel can be built for (NR_CPUS, with MAXSMP). */
#define CPUS_MAX 8192

#define CPUS_WORD_BITS (sizeof(unsigned long) * CHAR_BIT)

/* The fields are private. It is a KiB: not for a small stack. */
struct cpus {
	unsigned long word[CPUS_MAX / CPUS_WORD_BITS];
};

/*
 * Every processor there could be. As an affinity: whatever the cpuset allows,
 * for sched_setaffinity(2) takes what is possible of it and refuses nothing.
 */
extern const struct cpus cpus_all;

/* "" is the empty set. 0, -EINVAL for what is no list, -ERANGE for a number that is too high. */
int cpus_parse(struct cpus *ret, const char *list) NODISCARD;
void cpus_set_one(struct cpus *ret, int cpu);

bool cpus_has(const struct cpus *c, int cpu);

/* The lowest of @c that is not in @without, which may be NULL; -1 when there is none. */
int cpus_first(const struct cpus *c, const struct cpus *without);

/* Whether they have one in common. */
bool cpus_meet(const struct cpus *a, const struct cpus *b);

/*
 * Where every thread of @pid may run from now on; those it has in its cpuset.
 * @pid must be a child of ours that was not reaped, so that the number is its
 * own. Gone is as good. 0 or -errno: -EINVAL when its cpuset has none of @c.
 */
int cpus_apply(const struct cpus *c, pid_t pid) NODISCARD;

#endif
