/* SPDX-License-Identifier: Apache-2.0 */

/*
 * stats_v1.c - io.containerd.cgroups.v1.Metrics.
 */

#include "base/buf.h"
#include "base/fd.h"
#include "proto/any.h"
#include "proto/api/metrics_v1.pb-c.h"
#include "shim/stats_kinds.h"
#include "shim/stats_read.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX          4096
#define BLKIO_ENTRIES_MAX 256 /* in each of the eight tables */

/* The kernel counts user and system time in these (USER_HZ), whatever it ticks at. */
#define NS_PER_TICK (1000000000u / 100u)

#define BLKIO_TABLES 8

struct blkio_line {
	Cgroup1__BlkIOEntry entry;
	char op[16];
	char device[48];
};

/* A slice of the lines: one behind the other, few tables with few devices touch few pages. */
struct blkio_table {
	struct blkio_line *line;
	Cgroup1__BlkIOEntry **entries;
	size_t n;
};

struct rdma_table {
	struct stats_rdma line[STATS_RDMA_MAX];
	Cgroup1__RdmaEntry entry[STATS_RDMA_MAX];
	Cgroup1__RdmaEntry *entries[STATS_RDMA_MAX];
	size_t n;
};

struct metrics {
	Cgroup1__Metrics m;
	Cgroup1__PidsStat pids;
	Cgroup1__CPUStat cpu;
	Cgroup1__CPUUsage usage;
	Cgroup1__Throttle throttle;
	uint64_t per_cpu[CPUS_MAX];
	Cgroup1__MemoryStat memory;
	Cgroup1__MemoryEntry entry[4];
	Cgroup1__MemoryOomControl oom;
	Cgroup1__BlkIOStat blkio;
	struct blkio_table table[BLKIO_TABLES];
	struct blkio_line blkio_line[BLKIO_TABLES * BLKIO_ENTRIES_MAX];
	Cgroup1__BlkIOEntry *blkio_entries[BLKIO_TABLES * BLKIO_ENTRIES_MAX];
	size_t n_blkio;
	Cgroup1__RdmaStat rdma;
	struct rdma_table rdma_current, rdma_limit;
	char huge_name[STATS_HUGE_SIZES_MAX][16];
	Cgroup1__HugetlbStat huge[STATS_HUGE_SIZES_MAX];
	Cgroup1__HugetlbStat *huges[STATS_HUGE_SIZES_MAX];
};

static void read_pids(const struct cgroup *cg, struct metrics *x)
{
	uint64_t current;

	if (!stats_find_number(cg, "pids", "pids.current", &current))
		return;
	cgroup1__pids_stat__init(&x->pids);
	x->pids.current = current;
	x->pids.limit = stats_read_number(cg, "pids", "pids.max");
	if (x->pids.limit == UINT64_MAX)
		x->pids.limit = 0; /* the reference's word for no limit, in version 1 only */
	x->m.pids = &x->pids;
}

/* "user 12\nsystem 34", in ticks. */
static void read_times(const struct cgroup *cg, Cgroup1__CPUUsage *usage)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	unsigned long long user, kernel;

	if (stats_read(cg, "cpuacct", "cpuacct.stat", &text) < 0 || !buf_text(&text))
		return;
	if (sscanf(buf_text(&text), "user %llu system %llu", &user, &kernel) != 2)
		return;
	usage->user = user * NS_PER_TICK;
	usage->kernel = kernel * NS_PER_TICK;
}

static void read_per_cpu(const struct cgroup *cg, struct metrics *x)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char *rest = NULL;
	char *word;

	if (stats_read(cg, "cpuacct", "cpuacct.usage_percpu", &text) == 0 && buf_text(&text))
		rest = (char *)text.data;
	while ((word = strsep(&rest, " \n")) && x->usage.n_per_cpu < CPUS_MAX)
		if (word[0])
			x->per_cpu[x->usage.n_per_cpu++] = stats_number(word);
	x->usage.per_cpu = x->per_cpu;
}

static void read_throttle(const struct cgroup *cg, Cgroup1__Throttle *t)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	unsigned long long periods, throttled, time;

	if (stats_read(cg, "cpu", "cpu.stat", &text) < 0 || !buf_text(&text))
		return;
	if (sscanf(buf_text(&text), "nr_periods %llu nr_throttled %llu throttled_time %llu",
		    &periods, &throttled, &time) != 3)
		return;
	t->periods = periods;
	t->throttled_periods = throttled;
	t->throttled_time = time;
}

static void read_cpu(const struct cgroup *cg, struct metrics *x)
{
	cgroup1__cpustat__init(&x->cpu);
	cgroup1__cpuusage__init(&x->usage);
	cgroup1__throttle__init(&x->throttle);
	x->usage.total = stats_read_number(cg, "cpuacct", "cpuacct.usage");
	read_times(cg, &x->usage);
	read_per_cpu(cg, x);
	read_throttle(cg, &x->throttle);
	x->cpu.usage = &x->usage;
	x->cpu.throttling = &x->throttle;
	x->m.cpu = &x->cpu;
}

/* memory.usage_in_bytes and its like, or memory.memsw.usage_in_bytes and so on. NULL: not there. */
static Cgroup1__MemoryEntry *read_entry(
	const struct cgroup *cg, const char *kind, Cgroup1__MemoryEntry *entry)
{
	static const char *const what[] = { "usage_in_bytes", "limit_in_bytes",
		"max_usage_in_bytes", "failcnt" };
	uint64_t value[ARRAY_LEN(what)] = { 0 };
	char file[64];

	for (size_t i = 0; i < ARRAY_LEN(what); i++) {
		snprintf(file, sizeof(file), "memory.%s%s", kind, what[i]);
		if (!stats_find_number(cg, "memory", file, &value[i]) && i == 0)
			return NULL;
	}
	cgroup1__memory_entry__init(entry);
	entry->usage = value[0];
	entry->limit = value[1];
	entry->max = value[2];
	entry->failcnt = value[3];
	return entry;
}

static void read_memory(const struct cgroup *cg, struct metrics *x)
{
	Cgroup1__MemoryStat *m = &x->memory;

	cgroup1__memory_stat__init(m);
	if (!stats_read_fields(cg, "memory", "memory.stat", &m->base))
		return;
	m->usage = read_entry(cg, "", &x->entry[0]);
	m->swap = read_entry(cg, "memsw.", &x->entry[1]);
	m->kernel = read_entry(cg, "kmem.", &x->entry[2]);
	m->kernel_tcp = read_entry(cg, "kmem.tcp.", &x->entry[3]);
	x->m.memory = m;
	cgroup1__memory_oom_control__init(&x->oom);
	if (stats_read_fields(cg, "memory", "memory.oom_control", &x->oom.base))
		x->m.memory_oom_control = &x->oom;
}

/* "8:0 Read 123", or "8:0 123" where operations are not told apart. */
static void add_blkio(struct blkio_table *t, const char *line)
{
	struct blkio_line *to = &t->line[t->n];
	unsigned int major, minor;
	unsigned long long value;
	char op[16] = "";

	if (sscanf(line, "%u:%u %15[A-Za-z] %llu", &major, &minor, op, &value) != 4) {
		op[0] = '\0';
		if (sscanf(line, "%u:%u %llu", &major, &minor, &value) != 3)
			return;
	}
	cgroup1__blk_ioentry__init(&to->entry);
	memcpy(to->op, op, sizeof(op));
	to->entry.op = to->op;
	to->entry.device = to->device;
	to->entry.major = major;
	to->entry.minor = minor;
	to->entry.value = value;
	t->entries[t->n++] = &to->entry;
}

static void read_blkio_file(
	const struct cgroup *cg, const char *name, struct metrics *x, struct blkio_table *t)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char file[64];
	char *rest = NULL;
	char *line;

	t->line = &x->blkio_line[x->n_blkio];
	t->entries = &x->blkio_entries[x->n_blkio];
	snprintf(file, sizeof(file), "blkio.%s", name);
	if (stats_read(cg, "blkio", file, &text) == 0 && buf_text(&text))
		rest = (char *)text.data;
	while ((line = strsep(&rest, "\n")) && t->n < BLKIO_ENTRIES_MAX)
		add_blkio(t, line);
	x->n_blkio += t->n;
}

/* Of several lines for a device the first counts. */
static void name_device(struct metrics *x, const char *line)
{
	unsigned int major, minor;
	char name[40];

	if (sscanf(line, "%u %u %*u %39s", &major, &minor, name) != 3)
		return; /* the heading */
	for (size_t i = 0; i < x->n_blkio; i++) {
		struct blkio_line *l = &x->blkio_line[i];

		if (l->entry.major == major && l->entry.minor == minor && !l->device[0])
			snprintf(l->device, sizeof(l->device), "/dev/%s", name);
	}
}

/* By the reference's list of devices, once for all tables; one that is not in it has no name. */
static void name_devices(struct metrics *x)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char *rest = NULL;
	char *line;

	if (x->n_blkio > 0 && fd_read_file(AT_FDCWD, "/proc/partitions", &text) == 0 &&
		buf_text(&text))
		rest = (char *)text.data;
	while ((line = strsep(&rest, "\n")))
		name_device(x, line);
}

static void read_blkio(const struct cgroup *cg, struct metrics *x)
{
	static const char *const recursive[] = { "io_service_bytes_recursive",
		"io_serviced_recursive", "io_queued_recursive", "io_service_time_recursive",
		"io_wait_time_recursive", "io_merged_recursive", "time_recursive",
		"sectors_recursive" };
	struct blkio_table *t = x->table;
	size_t n_files = ARRAY_LEN(recursive);

	_Static_assert(ARRAY_LEN(recursive) == ARRAY_LEN(x->table), "a table has no file");
	/* They come all together or, with most kernels, not at all. */
	if (!stats_has(cg, "blkio", "blkio.io_service_bytes_recursive"))
		n_files = 0;
	for (size_t i = 0; i < n_files; i++)
		read_blkio_file(cg, recursive[i], x, &t[i]);
	if (x->n_blkio == 0) {
		/* A scheduler that does not count: the throttling policy does. */
		read_blkio_file(cg, "throttle.io_service_bytes", x, &t[0]);
		read_blkio_file(cg, "throttle.io_serviced", x, &t[1]);
	}
	name_devices(x);
	cgroup1__blk_iostat__init(&x->blkio);
	x->blkio.io_service_bytes_recursive = t[0].entries;
	x->blkio.n_io_service_bytes_recursive = t[0].n;
	x->blkio.io_serviced_recursive = t[1].entries;
	x->blkio.n_io_serviced_recursive = t[1].n;
	x->blkio.io_queued_recursive = t[2].entries;
	x->blkio.n_io_queued_recursive = t[2].n;
	x->blkio.io_service_time_recursive = t[3].entries;
	x->blkio.n_io_service_time_recursive = t[3].n;
	x->blkio.io_wait_time_recursive = t[4].entries;
	x->blkio.n_io_wait_time_recursive = t[4].n;
	x->blkio.io_merged_recursive = t[5].entries;
	x->blkio.n_io_merged_recursive = t[5].n;
	x->blkio.io_time_recursive = t[6].entries;
	x->blkio.n_io_time_recursive = t[6].n;
	x->blkio.sectors_recursive = t[7].entries;
	x->blkio.n_sectors_recursive = t[7].n;
	x->m.blkio = &x->blkio;
}

static uint64_t huge_number(const struct cgroup *cg, const char *size, const char *what)
{
	char file[64];

	snprintf(file, sizeof(file), "hugetlb.%s.%s", size, what);
	return stats_read_number(cg, "hugetlb", file);
}

static void read_huge(const struct cgroup *cg, struct metrics *x)
{
	size_t n = stats_has(cg, "hugetlb", "cgroup.procs") ? stats_huge_sizes(x->huge_name) : 0;

	for (size_t i = 0; i < n; i++) {
		Cgroup1__HugetlbStat *h = &x->huge[i];

		cgroup1__hugetlb_stat__init(h);
		h->pagesize = x->huge_name[i];
		h->usage = huge_number(cg, h->pagesize, "usage_in_bytes");
		h->max = huge_number(cg, h->pagesize, "max_usage_in_bytes");
		h->failcnt = huge_number(cg, h->pagesize, "failcnt");
		x->huges[i] = h;
	}
	x->m.hugetlb = x->huges;
	x->m.n_hugetlb = n;
}

static void read_rdma_file(const struct cgroup *cg, const char *file, struct rdma_table *t)
{
	t->n = stats_read_rdma(cg, file, t->line);
	for (size_t i = 0; i < t->n; i++) {
		cgroup1__rdma_entry__init(&t->entry[i]);
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
	cgroup1__rdma_stat__init(&x->rdma);
	x->rdma.current = x->rdma_current.entries;
	x->rdma.n_current = x->rdma_current.n;
	x->rdma.limit = x->rdma_limit.entries;
	x->rdma.n_limit = x->rdma_limit.n;
	x->m.rdma = &x->rdma;
}

int stats_collect_v1(const struct cgroup *cg, struct buf *bytes, Pb__Any *ret)
{
	struct metrics *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -1;
	cgroup1__metrics__init(&x->m);
	read_pids(cg, x);
	read_cpu(cg, x);
	read_memory(cg, x);
	read_blkio(cg, x);
	if (stats_has(cg, "rdma", "rdma.current"))
		read_rdma(cg, x);
	read_huge(cg, x);
	rc = any_pack(&x->m.base, bytes, ret);
	free(x);
	return rc;
}
