/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_CGROUP_FREEZER_H
#define PROCESS_CGROUP_FREEZER_H

/*
 * freezer.h - stops the processes of a group, and lets them go on.
 *
 * Version 1: freezer.state, in a hierarchy of its own. Freezing goes on while
 * processes are on their way; one that forks just then may keep it from ever
 * being over, so whoever waits writes again (kernel: freezer-subsystem.rst).
 * Version 2 (Linux 5.2): cgroup.freeze, and "frozen" in cgroup.events once it is
 * done.
 */

#include "process/cgroup/cgroup.h"

#include <stdbool.h>

enum freezer_state {
	FREEZER_THAWED,
	FREEZER_FREEZING,
	FREEZER_FROZEN,
};

/* An enum freezer_state, or -errno; -ENOENT where there is no freezer for it. */
int freezer_read(const struct cgroup *cg);

/* Asks for it; that it is done, freezer_read() tells. 0 or -errno. */
int freezer_write(const struct cgroup *cg, bool frozen);

/*
 * For processes that have been killed: version 1 lets nothing die that is
 * frozen, SIGKILL or not. In version 2 they die, but a runtime takes a group
 * that is left frozen for a paused container, and does not delete it (runc
 * 1.1.5: "that is not stopped: paused"). 0 or -errno.
 */
int freezer_let_die(const struct cgroup *cg);

#endif
