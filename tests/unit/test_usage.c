/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "proto/any.h"
#include "proto/api/metrics_v1.pb-c.h"
#include "proto/api/metrics_v2.pb-c.h"
#include "shim/ctl/usage.h"
#include "tests/lib/test.h"

static int decode(const ProtobufCMessage *m, struct usage *u)
{
	auto_buf struct buf bytes = BUF_INIT(16 * 1024);
	struct err e = ERR_INIT;
	Pb__Any any;

	assert_int_equal(any_pack(m, &bytes, &any), 0);
	return usage_decode(&any, u, &e);
}

TEST(version_1_counts_in_nanoseconds_and_its_largest_number_is_no_limit)
{
	Cgroup1__Metrics m = CGROUP1__METRICS__INIT;
	Cgroup1__CPUStat cpu = CGROUP1__CPUSTAT__INIT;
	Cgroup1__CPUUsage cpu_usage = CGROUP1__CPUUSAGE__INIT;
	Cgroup1__MemoryStat memory = CGROUP1__MEMORY_STAT__INIT;
	Cgroup1__MemoryEntry entry = CGROUP1__MEMORY_ENTRY__INIT;
	Cgroup1__PidsStat pids = CGROUP1__PIDS_STAT__INIT;
	Cgroup1__BlkIOStat io = CGROUP1__BLK_IOSTAT__INIT;
	Cgroup1__BlkIOEntry r = CGROUP1__BLK_IOENTRY__INIT, w = CGROUP1__BLK_IOENTRY__INIT;
	Cgroup1__BlkIOEntry *entries[] = { &r, &w, &r };
	struct usage u;

	cpu_usage.total = 5;
	cpu_usage.user = 3;
	cpu.usage = &cpu_usage;
	m.cpu = &cpu;
	entry.usage = 4096;
	entry.limit = 0x7ffffffffffff000;
	memory.usage = &entry;
	m.memory = &memory;
	pids.current = 2;
	m.pids = &pids;
	r.op = "Read";
	r.value = 10;
	w.op = "Write";
	w.value = 7;
	io.io_service_bytes_recursive = entries;
	io.n_io_service_bytes_recursive = 3;
	m.blkio = &io;
	assert_int_equal(decode(&m.base, &u), 0);
	assert_true(u.cpu_ns == 5 && u.user_ns == 3 && u.memory == 4096 && u.pids == 2);
	assert_true(u.memory_limit == USAGE_NO_LIMIT && u.pids_limit == USAGE_NO_LIMIT);
	assert_true(u.read_bytes == 20 && u.written_bytes == 7);
}

TEST(version_2_counts_in_microseconds)
{
	Cgroup2__Metrics m = CGROUP2__METRICS__INIT;
	Cgroup2__CPUStat cpu = CGROUP2__CPUSTAT__INIT;
	Cgroup2__MemoryStat memory = CGROUP2__MEMORY_STAT__INIT;
	Cgroup2__MemoryEvents events = CGROUP2__MEMORY_EVENTS__INIT;
	struct usage u;

	cpu.usage_usec = 5;
	cpu.throttled_usec = 2;
	m.cpu = &cpu;
	memory.usage = 100;
	memory.usage_limit = UINT64_MAX;
	memory.file = 30;
	m.memory = &memory;
	events.oom_kill = 4;
	m.memory_events = &events;
	assert_int_equal(decode(&m.base, &u), 0);
	assert_true(u.cpu_ns == 5000 && u.throttled_ns == 2000);
	assert_true(u.memory == 100 && u.cache == 30 && u.oom_kills == 4);
	assert_true(u.memory_limit == USAGE_NO_LIMIT);
}

TEST(figures_of_another_kind_are_an_error_that_names_it)
{
	Pb__Any any = PB__ANY__INIT;
	struct err e = ERR_INIT;
	struct usage u;

	any.type_url = "io.somebody.Metrics";
	assert_int_equal(usage_decode(&any, &u, &e), -1);
	assert_string_equal(e.msg, "figures of type io.somebody.Metrics are not known here");
	assert_int_equal(usage_decode(NULL, &u, &e), -1);
}
