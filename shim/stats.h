/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_STATS_H
#define SHIM_STATS_H

/*
 * stats.h - what a control group has used, as containerd's metrics messages.
 *
 * The fields of those messages are named after the keys in the kernel's files,
 * so a file is read into a message by the names of its fields; there are no
 * tables to keep. What the kernel does not have is left out or 0.
 */

#include "base/err.h"
#include "process/cgroup/cgroup.h"
#include "proto/api/wellknown.pb-c.h"

struct buf;

/* Room for an encoded metrics message. */
#define STATS_BYTES_MAX (1u << 20)

/* The message goes to @bytes, which *ret borrows. 0, or -1 and *e. */
int stats_collect(const struct cgroup *cg, struct buf *bytes, Pb__Any *ret, struct err *e);

#endif
