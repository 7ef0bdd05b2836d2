/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/usage.h"

#include "base/attr.h"
#include "proto/any.h"
#include "proto/api/metrics_v1.pb-c.h"
#include "proto/api/metrics_v2.pb-c.h"
#include "proto/message.h"

#include <stddef.h>
#include <strings.h>

#define NS_PER_US 1000u

/* Version 1 says "no limit" with the largest number of pages, in bytes; on 4 KiB pages and larger.
 */
#define V1_UNLIMITED ((uint64_t)1 << 62)

static uint64_t limit_of(uint64_t n)
{
	return n >= V1_UNLIMITED ? USAGE_NO_LIMIT : n;
}

static void take_cpu_v1(const Cgroup1__CPUStat *cpu, struct usage *u)
{
	if (cpu && cpu->usage) {
		u->cpu_ns = cpu->usage->total;
		u->user_ns = cpu->usage->user;
		u->system_ns = cpu->usage->kernel;
	}
	if (cpu && cpu->throttling)
		u->throttled_ns = cpu->throttling->throttled_time;
}

static void take_v1(const Cgroup1__Metrics *m, struct usage *u)
{
	take_cpu_v1(m->cpu, u);
	if (m->memory && m->memory->usage) {
		u->memory = m->memory->usage->usage;
		u->memory_limit = limit_of(m->memory->usage->limit);
		u->cache = m->memory->total_cache;
	}
	if (m->pids) {
		u->pids = m->pids->current;
		/* 0 is version 1's word for none. */
		u->pids_limit = m->pids->limit ? m->pids->limit : USAGE_NO_LIMIT;
	}
	for (size_t i = 0; m->blkio && i < m->blkio->n_io_service_bytes_recursive; i++) {
		const Cgroup1__BlkIOEntry *b = m->blkio->io_service_bytes_recursive[i];

		if (strcasecmp(b->op, "Read") == 0)
			u->read_bytes += b->value;
		else if (strcasecmp(b->op, "Write") == 0)
			u->written_bytes += b->value;
	}
	if (m->memory_oom_control)
		u->oom_kills = m->memory_oom_control->oom_kill;
}

static void take_v2(const Cgroup2__Metrics *m, struct usage *u)
{
	if (m->cpu) {
		u->cpu_ns = m->cpu->usage_usec * NS_PER_US;
		u->user_ns = m->cpu->user_usec * NS_PER_US;
		u->system_ns = m->cpu->system_usec * NS_PER_US;
		u->throttled_ns = m->cpu->throttled_usec * NS_PER_US;
	}
	if (m->memory) {
		u->memory = m->memory->usage;
		u->memory_limit = limit_of(m->memory->usage_limit);
		u->cache = m->memory->file;
	}
	if (m->pids) {
		u->pids = m->pids->current;
		u->pids_limit = m->pids->limit ? limit_of(m->pids->limit) : USAGE_NO_LIMIT;
	}
	for (size_t i = 0; m->io && i < m->io->n_usage; i++) {
		u->read_bytes += m->io->usage[i]->rbytes;
		u->written_bytes += m->io->usage[i]->wbytes;
	}
	if (m->memory_events)
		u->oom_kills = m->memory_events->oom_kill;
}

int usage_decode(const Pb__Any *any, struct usage *ret, struct err *e)
{
	auto_message Cgroup1__Metrics *v1 = NULL;
	auto_message Cgroup2__Metrics *v2 = NULL;

	if (!any)
		return err_set(e, STATUS_INTERNAL, "the answer to Stats is empty");
	*ret = (struct usage){ .memory_limit = USAGE_NO_LIMIT, .pids_limit = USAGE_NO_LIMIT };
	v1 = any_unpack(any, &cgroup1__metrics__descriptor);
	if (v1) {
		take_v1(v1, ret);
		return 0;
	}
	v2 = any_unpack(any, &cgroup2__metrics__descriptor);
	if (v2) {
		take_v2(v2, ret);
		return 0;
	}
	return err_set(
		e, STATUS_UNIMPLEMENTED, "figures of type %s are not known here", any->type_url);
}
