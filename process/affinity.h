/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_AFFINITY_H
#define PROCESS_AFFINITY_H

/*
 * affinity.h - the processors a runtime, and what it leaves behind, may run on.
 *
 * A process that joins a cpuset keeps, since Linux 6.2, the affinity somebody
 * asked for, as far as the cpuset has it: of a containerd that systemd confines
 * (CPUAffinity=), every container would inherit that. So a runtime is started
 * for Create and Exec with every processor, and its container ends with those
 * of its cpuset. Runtimes that see to that themselves (runc since 1.3.1, crun
 * since 1.25) stay where containerd is: on a host with isolated processors that
 * is where they disturb nobody.
 *
 * An exec may land, since Linux 5.7, on any processor of the cpuset it joins,
 * with the runtime still at work: a real-time thread there starves it for ever.
 * Two things steer it:
 *
 * - process.execCPUAffinity (runtime-spec 1.2.1) of the exec, else that of
 *   config.json: `initial` for the runtime, `final` for the process. Left to
 *   runtimes that have it: runc since 1.3, crun since 1.19 (but not the one of
 *   config.json). No features entry tells; the version does.
 * - the annotation below, which no release of runc has. `temporary` starts the
 *   runtime on one processor, chosen by affinity_pick(), and the process ends
 *   with its cpuset; `definitive` leaves it there.
 *
 * execCPUAffinity, which is in the specification, goes before the annotation.
 */

#include "base/cpus.h"
#include "base/err.h"

#include <stdbool.h>

struct cgroup;
struct json_t;

#define AFFINITY_ANNOTATION "org.opencontainers.runc.exec.isolated-cpu-affinity-transition"

enum transition {
	TRANSITION_NONE,
	TRANSITION_TEMPORARY,
	TRANSITION_DEFINITIVE
};

/* An execCPUAffinity: lists that can be parsed, owned; NULL: not said. */
struct cpu_wish {
	char *initial, *final;
};

/* What is known of a container and its runtime. */
struct affinity {
	enum transition transition;
	struct cpu_wish wish; /* of config.json */
	bool runtime_resets;
	bool runtime_takes_wish, runtime_takes_config;
};

/* Files in which the kernel tells its isolated processors. Tests have others. */
struct affinity_place {
	const char *cmdline, *nohz_full;
};

#define AFFINITY_PLACE                                                                             \
	((struct affinity_place){ "/proc/cmdline", "/sys/devices/system/cpu/nohz_full" })

/* From the `process` of config.json or of an exec. -1 and *e, which names the member. */
int cpu_wish_read(struct cpu_wish *ret, struct json_t *process, const char *what, struct err *e);
void cpu_wish_fini(struct cpu_wish *w);

/* From config.json; what was known of the runtime stays. -1 and *e for another word. */
int affinity_read(struct affinity *a, struct json_t *config, struct err *e);
void affinity_fini(struct affinity *a);

/* @name: what the runtime calls itself (features.h). Of an unknown one nothing is expected. */
void affinity_know_runtime(struct affinity *a, const char *name);

/* For `create` and `restore`: NULL is where we are. */
const struct cpus *affinity_of_runtime(const struct affinity *a);

/*
 * Where to start the runtime of an exec into a container with @cpuset: on its
 * first processor that is not isolated; if all are, on its first; -1, for which
 * it does not matter, when none is, or it has no cpuset.
 */
int affinity_pick(const struct cpus *cpuset, const struct cpus *isolated);

/* What an exec does. */
struct affinity_plan {
	bool for_runtime; /* else it starts where we are */
	struct cpus runtime;
	bool for_process; /* else it stays as the runtime leaves it */
	struct cpus process;
	const char *from; /* who wanted that, for errors; NULL: nobody in particular */
};

/* What that is decided by; all borrowed. */
struct affinity_case {
	const struct affinity *container;
	const struct cpu_wish *wish; /* the exec's own */
	const struct affinity_place *at;
	const struct cgroup *cg;
};

/* 0, or -1 and *e when the annotation cannot be honoured. */
int affinity_plan_exec(struct affinity_plan *ret, const struct affinity_case *given, struct err *e);

/*
 * What the kernel says is isolated: nohz_full= of its command line or, if that
 * is missing or in a form we do not read, the file in sysfs, in which "(null)"
 * and nothing mean none. 0 or -errno.
 */
int affinity_read_isolated(struct cpus *ret, const struct affinity_place *at) NODISCARD;

#endif
