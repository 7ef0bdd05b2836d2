/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_STATS_KINDS_H
#define SHIM_STATS_KINDS_H

/*
 * stats_kinds.h - the two kinds of metrics. Private to stats.c.
 */

#include "process/cgroup/cgroup.h"
#include "proto/api/wellknown.pb-c.h"

/* 0, or a negative number when out of memory or room. */
int stats_collect_v1(const struct cgroup *cg, struct buf *bytes, Pb__Any *ret);
int stats_collect_v2(const struct cgroup *cg, struct buf *bytes, Pb__Any *ret);

#endif
