/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_USAGE_H
#define SHIM_CTL_USAGE_H

/*
 * usage.h - what a container uses: the figures that both kinds of metrics have.
 */

#include "base/err.h"
#include "proto/api/wellknown.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

#define USAGE_NO_LIMIT UINT64_MAX

struct usage {
	uint64_t cpu_ns, user_ns, system_ns;
	uint64_t throttled_ns;
	uint64_t memory, memory_limit; /* bytes */
	uint64_t cache;                /* of memory, what the kernel could take back: file pages */
	uint64_t pids, pids_limit;
	uint64_t read_bytes, written_bytes;
	uint64_t oom_kills;
};

/* io.containerd.cgroups.v1.Metrics or v2.Metrics. Figures that are not in it are 0. */
int usage_decode(const Pb__Any *any, struct usage *ret, struct err *e);

#endif
