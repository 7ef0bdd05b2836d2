/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_DELETE_H
#define SHIM_DELETE_H

/*
 * delete.h - the `delete` action: clean up after a shim, dead or gone.
 *
 * containerd runs it whenever its connection to a shim closes, so also after
 * every ordinary end: it is quick, quiet, and right when there is nothing to do.
 * Whatever it cannot do it says on stderr, which becomes a warning in
 * containerd's log, and goes on with the rest: when the runtime hangs, the rootfs
 * comes off; when the unmount hangs, how the container ended is told in time.
 */

#include "base/err.h"
#include "shim/args.h"

/* When it answers, however far it has come: before the 5 s after which containerd kills it. */
#define DELETE_DEADLINE_S 4.5

/* Prints a DeleteResponse. 0, or -1 and *e. */
int delete_run(const struct args *args, struct err *e);

#endif
