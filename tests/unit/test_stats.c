/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "base/buf.h"
#include "proto/any.h"
#include "proto/api/metrics_v1.pb-c.h"
#include "proto/api/metrics_v2.pb-c.h"
#include "proto/message.h"
#include "shim/stats.h"
#include "shim/stats_read.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct file {
	const char *name, *text;
};

/* A group as a folder of files: what the code reads is a folder, whoever made it. */
static void put_files(const struct tmpdir *dir, const struct file *files)
{
	for (; files->name; files++)
		tmpdir_write(dir, files->name, files->text);
}

static const struct file v2_files[] = {
	{ "pids.current", "3\n" },
	{ "pids.max", "max\n" },
	{ "cpu.stat", "usage_usec 1234\nuser_usec 1000\nsystem_usec 234\nnr_periods 5\n"
		      "nr_throttled 2\nthrottled_usec 77\nnr_bursts 1\nburst_usec 9\nnew_key 5\n" },
	{ "cpu.pressure", "some avg10=1.50 avg60=0.25 avg300=0.00 total=99\n" },
	{ "memory.stat", "anon 4096\nfile 8192\nthp_collapse_alloc 6\nslab_reclaimable 10\n" },
	{ "memory.current", "20480\n" },
	{ "memory.max", "max\n" },
	{ "memory.swap.current", "7\n" },
	{ "memory.events", "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\n" },
	{ "memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
			     "full avg10=2.00 avg60=0.00 avg300=0.00 total=2\n" },
	{ "rdma.current", "mlx5_0 hca_handle=2 hca_object=2000\nodd hca_handle=2\n" },
	{ "rdma.max",
		"mlx5_0 hca_handle=2 hca_object=max\nocrdma1 hca_handle=3 hca_object=max x=1\n" },
	{ "io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0\n253:1 \n" },
	{ NULL, NULL },
};

static void collect(const struct cgroup *cg, struct buf *bytes, Pb__Any *any)
{
	struct err e = ERR_INIT;

	assert_int_equal(stats_collect(cg, bytes, any, &e), 0);
}

TEST(version_2_is_read_by_the_names_of_the_fields)
{
	struct tmpdir dir;
	auto_buf struct buf bytes = BUF_INIT(STATS_BYTES_MAX);
	struct cgroup cg = { .dir = -1, .is_v2 = true };
	Pb__Any any;

	tmpdir_open(&dir);
	put_files(&dir, v2_files);
	cg.dir = openat(dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	collect(&cg, &bytes, &any);
	assert_string_equal(any.type_url, "io.containerd.cgroups.v2.Metrics");
	auto_message Cgroup2__Metrics *m = any_unpack(&any, &cgroup2__metrics__descriptor);
	assert_non_null(m);
	assert_int_equal(m->pids->current, 3);
	assert_true(m->pids->limit == UINT64_MAX);
	assert_int_equal(m->cpu->usage_usec, 1234);
	assert_int_equal(m->cpu->throttled_usec, 77);
	assert_int_equal(m->cpu->burst_usec, 9);
	assert_true(m->cpu->psi->some->avg10 > 1.49 && m->cpu->psi->some->avg10 < 1.51);
	assert_int_equal(m->cpu->psi->some->total, 99);
	assert_null(m->cpu->psi->full);
	assert_int_equal(m->memory->anon, 4096);
	assert_int_equal(m->memory->thp_collapse_alloc, 6);
	assert_int_equal(m->memory->usage, 20480);
	assert_true(m->memory->usage_limit == UINT64_MAX);
	assert_int_equal(m->memory->swap_usage, 7);
	assert_int_equal(m->memory->psi->full->total, 2);
	assert_int_equal(m->memory_events->oom_kill, 4);
	assert_int_equal(m->rdma->n_current, 1);
	assert_string_equal(m->rdma->current[0]->device, "mlx5_0");
	assert_int_equal(m->rdma->current[0]->hca_handles, 2);
	assert_int_equal(m->rdma->current[0]->hca_objects, 2000);
	assert_int_equal(m->rdma->n_limit, 1);
	assert_true(m->rdma->limit[0]->hca_objects == UINT32_MAX);
	assert_int_equal(m->io->n_usage, 1);
	assert_int_equal(m->io->usage[0]->major, 8);
	assert_int_equal(m->io->usage[0]->wios, 4);
	cgroup_close(&cg);
	tmpdir_close(&dir);
}

TEST(a_group_without_files_has_empty_parts_and_no_events)
{
	struct tmpdir dir;
	auto_buf struct buf bytes = BUF_INIT(STATS_BYTES_MAX);
	struct cgroup cg = { .dir = -1, .is_v2 = true };
	Pb__Any any;

	tmpdir_open(&dir);
	cg.dir = openat(dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	collect(&cg, &bytes, &any);
	auto_message Cgroup2__Metrics *m = any_unpack(&any, &cgroup2__metrics__descriptor);
	assert_non_null(m);
	assert_non_null(m->pids);
	assert_non_null(m->cpu);
	assert_null(m->cpu->psi);
	assert_non_null(m->memory);
	assert_non_null(m->io);
	assert_non_null(m->rdma);
	assert_null(m->memory_events);
	cgroup_close(&cg);
	tmpdir_close(&dir);
}

static const struct file v1_files[] = {
	{ "cpu/at/cpu.stat", "nr_periods 1\nnr_throttled 2\nthrottled_time 3\n" },
	{ "cpuacct/at/cpuacct.usage", "5000\n" },
	{ "cpuacct/at/cpuacct.stat", "user 12\nsystem 34\n" },
	{ "cpuacct/at/cpuacct.usage_percpu", "2000 3000 \n" },
	{ "pids/at/pids.current", "2\n" },
	{ "pids/at/pids.max", "max\n" },
	{ "memory/at/memory.stat", "cache 1\nrss 2\ntotal_unevictable 32\n" },
	{ "memory/at/memory.usage_in_bytes", "100\n" },
	{ "memory/at/memory.limit_in_bytes", "200\n" },
	{ "memory/at/memory.max_usage_in_bytes", "150\n" },
	{ "memory/at/memory.failcnt", "1\n" },
	{ "memory/at/memory.oom_control", "oom_kill_disable 0\nunder_oom 1\noom_kill 6\n" },
	{ "blkio/at/blkio.io_service_bytes_recursive", "8:0 Read 11\n8:0 Write 12\nTotal 23\n" },
	{ "blkio/at/blkio.time_recursive", "8:0 44\n" },
	{ "rdma/at/rdma.current", "mlx5_0 hca_handle=2 hca_object=7\n" },
	{ "rdma/at/rdma.max", "mlx5_0 hca_handle=max hca_object=9\n" },
	{ NULL, NULL },
};

static void make_v1_folders(const struct tmpdir *root)
{
	static const char *const names[] = { "cpu", "cpu/at", "cpuacct", "cpuacct/at", "pids",
		"pids/at", "memory", "memory/at", "blkio", "blkio/at", "rdma", "rdma/at" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(mkdirat(root->fd, names[i], 0755), 0);
}

/* Of process 7, by what /proc has of it. */
static void open_v1(struct cgroup *cg, struct tmpdir *dir)
{
	char proc[TMPDIR_PATH_MAX + 8];

	snprintf(proc, sizeof(proc), "%s/proc", dir->path);
	assert_int_equal(mkdir(proc, 0755), 0);
	assert_int_equal(mkdirat(dir->fd, "proc/7", 0755), 0);
	assert_int_equal(mkdirat(dir->fd, "proc/self", 0755), 0);
	tmpdir_write(dir, "proc/self/cgroup", "9:cpu,cpuacct:/\n8:pids:/\n");
	tmpdir_write(dir, "proc/7/cgroup",
		"9:cpu,cpuacct:/at\n8:pids:/at\n7:memory:/at\n6:blkio:/at\n5:rdma:/at\n0::/\n");
	assert_int_equal(cgroup_open_at(cg, dir->path, proc, 7), 0);
}

TEST(version_1_is_read_from_the_hierarchy_of_each_controller)
{
	struct tmpdir dir;
	auto_buf struct buf bytes = BUF_INIT(STATS_BYTES_MAX);
	struct cgroup cg;
	Pb__Any any;

	tmpdir_open(&dir);
	make_v1_folders(&dir);
	put_files(&dir, v1_files);
	open_v1(&cg, &dir);
	collect(&cg, &bytes, &any);
	assert_string_equal(any.type_url, "io.containerd.cgroups.v1.Metrics");
	auto_message Cgroup1__Metrics *m = any_unpack(&any, &cgroup1__metrics__descriptor);
	assert_non_null(m);
	assert_int_equal(m->pids->current, 2);
	assert_int_equal(m->pids->limit, 0);
	assert_int_equal(m->cpu->usage->total, 5000);
	assert_int_equal(m->cpu->usage->user, 120000000);
	assert_int_equal(m->cpu->usage->kernel, 340000000);
	assert_int_equal(m->cpu->usage->n_per_cpu, 2);
	assert_int_equal(m->cpu->usage->per_cpu[1], 3000);
	assert_int_equal(m->cpu->throttling->throttled_periods, 2);
	assert_int_equal(m->memory->rss, 2);
	assert_int_equal(m->memory->total_unevictable, 32);
	assert_int_equal(m->memory->usage->max, 150);
	assert_null(m->memory->swap);
	assert_int_equal(m->memory_oom_control->oom_kill, 6);
	assert_int_equal(m->blkio->n_io_service_bytes_recursive, 2);
	assert_string_equal(m->blkio->io_service_bytes_recursive[1]->op, "Write");
	assert_int_equal(m->blkio->io_service_bytes_recursive[1]->value, 12);
	assert_int_equal(m->blkio->io_time_recursive[0]->value, 44);
	assert_int_equal(m->rdma->current[0]->hca_objects, 7);
	assert_true(m->rdma->limit[0]->hca_handles == UINT32_MAX);
	cgroup_close(&cg);
	tmpdir_close(&dir);
}

/* "MAJOR:MINOR" and the name of a device that this machine has. */
static void find_device(char number[32], char name[48])
{
	FILE *f = fopen("/proc/partitions", "re");
	unsigned int major, minor;
	char line[128];

	assert_non_null(f);
	name[0] = '\0';
	while (!name[0] && fgets(line, sizeof(line), f))
		if (sscanf(line, "%u %u %*u %47s", &major, &minor, name) == 3)
			snprintf(number, 32, "%u:%u", major, minor);
	fclose(f);
	if (!name[0])
		test_skip("there is no block device");
}

TEST(version_1_tells_a_block_device_by_its_name_if_it_has_one)
{
	auto_buf struct buf bytes = BUF_INIT(STATS_BYTES_MAX);
	char number[32], name[48], wanted[64], text[128];
	struct tmpdir dir;
	struct cgroup cg;
	Pb__Any any;

	find_device(number, name);
	tmpdir_open(&dir);
	make_v1_folders(&dir);
	snprintf(text, sizeof(text), "%s Read 1\n1023:77 Read 2\n%s Write 3\nTotal 6\n", number,
		number);
	tmpdir_write(&dir, "blkio/at/blkio.throttle.io_serviced", text);
	open_v1(&cg, &dir);
	collect(&cg, &bytes, &any);
	auto_message Cgroup1__Metrics *m = any_unpack(&any, &cgroup1__metrics__descriptor);
	assert_non_null(m);
	snprintf(wanted, sizeof(wanted), "/dev/%s", name);
	assert_int_equal(m->blkio->n_io_serviced_recursive, 3);
	assert_string_equal(m->blkio->io_serviced_recursive[0]->device, wanted);
	assert_string_equal(m->blkio->io_serviced_recursive[1]->device, "");
	assert_string_equal(m->blkio->io_serviced_recursive[2]->device, wanted);
	cgroup_close(&cg);
	tmpdir_close(&dir);
}

/* A name may come to mean another group: what is read again is read from the same. */
TEST(version_1_stays_with_the_group_it_found)
{
	struct tmpdir dir;
	struct cgroup cg;

	tmpdir_open(&dir);
	make_v1_folders(&dir);
	put_files(&dir, v1_files);
	open_v1(&cg, &dir);
	assert_int_equal(stats_read_number(&cg, "pids", "pids.current"), 2);
	assert_int_equal(renameat(dir.fd, "pids/at", dir.fd, "pids/before"), 0);
	assert_int_equal(mkdirat(dir.fd, "pids/at", 0755), 0);
	tmpdir_write(&dir, "pids/at/pids.current", "99\n");
	assert_int_equal(stats_read_number(&cg, "pids", "pids.current"), 2);
	cgroup_close(&cg);
	tmpdir_close(&dir);
}

/* In one read(2) or in as many as it takes. */
TEST(a_file_of_any_length_is_read_whole)
{
	static const size_t lengths[] = { 0, 1, 4095, 4096, 4097, 8192, 100000 };
	struct cgroup cg = { .dir = -1, .is_v2 = true };
	struct tmpdir dir;

	tmpdir_open(&dir);
	cg.dir = openat(dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
		auto_free char *bytes = calloc(lengths[i] + 1, 1);

		memset(bytes, 'x', lengths[i]);
		tmpdir_write(&dir, "long", bytes);
		assert_int_equal(stats_read(&cg, "memory", "long", &text), 0);
		assert_int_equal(text.len, lengths[i]);
	}
	cgroup_close(&cg);
	tmpdir_close(&dir);
}

TEST(no_more_than_so_many_rdma_devices_are_told)
{
	struct stats_rdma rows[STATS_RDMA_MAX];
	struct cgroup cg = { .dir = -1, .is_v2 = true };
	char text[4096] = "";
	struct tmpdir dir;

	for (int i = 0; i <= STATS_RDMA_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"d%d hca_handle=%d hca_object=1\n", i, i);
	tmpdir_open(&dir);
	tmpdir_write(&dir, "rdma.current", text);
	cg.dir = openat(dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(stats_read_rdma(&cg, "rdma.current", rows), STATS_RDMA_MAX);
	assert_string_equal(rows[STATS_RDMA_MAX - 1].device, "d15");
	cgroup_close(&cg);
	tmpdir_close(&dir);
}

TEST(without_a_group_there_are_no_metrics)
{
	auto_buf struct buf bytes = BUF_INIT(STATS_BYTES_MAX);
	struct cgroup cg = CGROUP_NONE;
	struct err e = ERR_INIT;
	Pb__Any any;

	assert_int_equal(stats_collect(&cg, &bytes, &any, &e), -1);
	assert_int_equal(e.status, STATUS_NOT_FOUND);
	assert_string_equal(e.msg, "cgroup does not exist: not found");
}
