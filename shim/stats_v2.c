/* SPDX-License-Identifier: Apache-2.0 */

/*
 * stats_v2.c - io.containerd.cgroups.v2.Metrics.
 */

#include "base/buf.h"
#include "proto/any.h"
#include "proto/api/metrics_v2.pb-c.h"
#include "shim/stats_kinds.h"
#include "shim/stats_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Devices listed, at most. */
#define IO_ENTRIES_MAX 256

struct pressure {
	Cgroup2__PSIStats stats;
	Cgroup2__PSIData some, full;
};

struct rdma_table {
	struct stats_rdma line[STATS_RDMA_MAX];
	Cgroup2__RdmaEntry entry[STATS_RDMA_MAX];
	Cgroup2__RdmaEntry *entries[STATS_RDMA_MAX];
	size_t n;
};

struct metrics {
	Cgroup2__Metrics m;
	Cgroup2__PidsStat pids;
	Cgroup2__CPUStat cpu;
	Cgroup2__MemoryStat memory;
	Cgroup2__RdmaStat rdma;
	struct rdma_table rdma_current, rdma_limit;
	Cgroup2__IOStat io;
	Cgroup2__MemoryEvents events;
	struct pressure cpu_psi, memory_psi, io_psi;
	Cgroup2__IOEntry io_entry[IO_ENTRIES_MAX];
	Cgroup2__IOEntry *io_entries[IO_ENTRIES_MAX];
	char huge_name[STATS_HUGE_SIZES_MAX][16];
	Cgroup2__HugeTlbStat huge[STATS_HUGE_SIZES_MAX];
	Cgroup2__HugeTlbStat *huges[STATS_HUGE_SIZES_MAX];
};

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and the same with "full". NULL: no such file.
 */
static Cgroup2__PSIStats *read_pressure(
	const struct cgroup *cg, const char *file, struct pressure *p)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char *rest, *line;

	if (stats_read(cg, "", file, &text) < 0 || !buf_text(&text))
		return NULL;
	cgroup2__psistats__init(&p->stats);
	cgroup2__psidata__init(&p->some);
	cgroup2__psidata__init(&p->full);
	rest = (char *)text.data;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "some ", 5) == 0) {
			stats_parse_words(line + 5, &p->some.base);
			p->stats.some = &p->some;
		} else if (strncmp(line, "full ", 5) == 0) {
			stats_parse_words(line + 5, &p->full.base);
			p->stats.full = &p->full;
		}
	}
	return &p->stats;
}

static void read_pids(const struct cgroup *cg, struct metrics *x)
{
	cgroup2__pids_stat__init(&x->pids);
	x->pids.current = stats_read_number(cg, "", "pids.current");
	x->pids.limit = stats_read_number(cg, "", "pids.max");
	x->m.pids = &x->pids;
}

static void read_cpu(const struct cgroup *cg, struct metrics *x)
{
	cgroup2__cpustat__init(&x->cpu);
	(void)stats_read_fields(cg, "", "cpu.stat", &x->cpu.base); /* none: all 0 */
	x->cpu.psi = read_pressure(cg, "cpu.pressure", &x->cpu_psi);
	x->m.cpu = &x->cpu;
}

static void read_memory(const struct cgroup *cg, struct metrics *x)
{
	Cgroup2__MemoryStat *m = &x->memory;

	cgroup2__memory_stat__init(m);
	(void)stats_read_fields(cg, "", "memory.stat", &m->base); /* none: all 0 */
	m->usage = stats_read_number(cg, "", "memory.current");
	m->usage_limit = stats_read_number(cg, "", "memory.max");
	m->swap_usage = stats_read_number(cg, "", "memory.swap.current");
	m->swap_limit = stats_read_number(cg, "", "memory.swap.max");
	m->max_usage = stats_read_number(cg, "", "memory.peak");
	m->swap_max_usage = stats_read_number(cg, "", "memory.swap.peak");
	m->psi = read_pressure(cg, "memory.pressure", &x->memory_psi);
	x->m.memory = m;
	cgroup2__memory_events__init(&x->events);
	if (stats_read_fields(cg, "", "memory.events", &x->events.base))
		x->m.memory_events = &x->events;
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." */
static void add_io(struct metrics *x, char *line)
{
	Cgroup2__IOEntry *entry = &x->io_entry[x->io.n_usage];
	unsigned int major, minor;

	if (sscanf(line, "%u:%u", &major, &minor) != 2 || !strchr(line, '='))
		return;
	cgroup2__ioentry__init(entry);
	entry->major = major;
	entry->minor = minor;
	stats_parse_words(line, &entry->base);
	x->io_entries[x->io.n_usage++] = entry;
}

static void read_io(const struct cgroup *cg, struct metrics *x)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char *rest = NULL;
	char *line;

	cgroup2__iostat__init(&x->io);
	if (stats_read(cg, "", "io.stat", &text) == 0 && buf_text(&text))
		rest = (char *)text.data;
	while ((line = strsep(&rest, "\n")) && x->io.n_usage < IO_ENTRIES_MAX)
		add_io(x, line);
	x->io.usage = x->io_entries;
	x->io.psi = read_pressure(cg, "io.pressure", &x->io_psi);
	x->m.io = &x->io;
}

static uint64_t huge_number(const struct cgroup *cg, const char *size, const char *what)
{
	char file[64];

	snprintf(file, sizeof(file), "hugetlb.%s.%s", size, what);
	return stats_read_number(cg, "", file);
}

static void read_huge(const struct cgroup *cg, struct metrics *x)
{
	size_t n = stats_huge_sizes(x->huge_name);

	for (size_t i = 0; i < n; i++) {
		Cgroup2__HugeTlbStat *h = &x->huge[i];
		Cgroup2__MemoryEvents events = CGROUP2__MEMORY_EVENTS__INIT;
		char file[64];

		cgroup2__huge_tlb_stat__init(h);
		h->pagesize = x->huge_name[i];
		h->current = huge_number(cg, h->pagesize, "current");
		h->max = huge_number(cg, h->pagesize, "max");
		snprintf(file, sizeof(file), "hugetlb.%s.events", h->pagesize);
		if (stats_read_fields(cg, "", file, &events.base))
			h->failcnt = events.max;
		x->huges[i] = h;
	}
	x->m.hugetlb = x->huges;
	x->m.n_hugetlb = n;
}

static void read_rdma_file(const struct cgroup *cg, const char *file, struct rdma_table *t)
{
	t->n = stats_read_rdma(cg, file, t->line);
	for (size_t i = 0; i < t->n; i++) {
		cgroup2__rdma_entry__init(&t->entry[i]);
		t->entry[i].device = t->line[i].device;
		t->entry[i].hca_handles = t->line[i].handles;
		t->entry[i].hca_objects = t->line[i].objects;
		t->entries[i] = &t->entry[i];
	}
}

static void read_rdma(const struct cgroup *cg, struct metrics *x)
{
	read_rdma_file(cg, "rdma.current", &x->rdma_current);
	read_rdma_file(cg, "rdma.max", &x->rdma_limit);
	cgroup2__rdma_stat__init(&x->rdma);
	x->rdma.current = x->rdma_current.entries;
	x->rdma.n_current = x->rdma_current.n;
	x->rdma.limit = x->rdma_limit.entries;
	x->rdma.n_limit = x->rdma_limit.n;
	x->m.rdma = &x->rdma;
}

int stats_collect_v2(const struct cgroup *cg, struct buf *bytes, Pb__Any *ret)
{
	struct metrics *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -1;
	cgroup2__metrics__init(&x->m);
	read_pids(cg, x);
	read_cpu(cg, x);
	read_memory(cg, x);
	read_rdma(cg, x);
	read_io(cg, x);
	read_huge(cg, x);
	rc = any_pack(&x->m.base, bytes, ret);
	free(x);
	return rc;
}
