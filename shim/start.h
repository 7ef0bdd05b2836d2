/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_START_H
#define SHIM_START_H

/*
 * start.h - the `start` action: find or launch the shim of a group, say where it is.
 *
 * containerd reads stdout and stderr as one and waits for their end, so on
 * success nothing but the answer is written, and the daemon keeps neither open.
 * The answer is in the dialect of the question: BootstrapParams on stdin is
 * answered with a BootstrapResult, a daemon that sets MAX_SHIM_VERSION with
 * JSON, an older one with the bare address.
 */

#include "base/err.h"
#include "shim/args.h"

/*
 * 0, or -1 and *e, in the parent only: the daemon, if one is launched, leaves by
 * _exit() when it has served. After a failure none is left. @argv is what ps
 * shows of the daemon: the action is taken off it.
 */
int start_run(const struct args *args, char **argv, struct err *e);

#endif
