/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_cgroup.c - what the kernel's files of a group may say, be it nonsense: the same text in all
 * of them. The first byte says which version; /proc/PID/cgroup is another.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "process/cgroup/freezer.h"
#include "proto/any.h"
#include "shim/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const v2_files[] = { "memory.stat", "memory.current", "memory.max",
	"memory.events", "memory.swap.current", "cpu.stat", "cpu.pressure", "memory.pressure",
	"io.stat", "io.pressure", "pids.current", "pids.max", "rdma.current", "rdma.max",
	"hugetlb.2MB.current", "cgroup.events", "cgroup.freeze", "cgroup.procs" };

static const char *const v1_files[] = { "memory/memory.stat", "memory/memory.usage_in_bytes",
	"memory/memory.oom_control", "cpu/cpu.stat", "cpuacct/cpuacct.stat",
	"cpuacct/cpuacct.usage_percpu", "pids/pids.current", "pids/pids.max",
	"blkio/blkio.io_service_bytes_recursive", "blkio/blkio.throttle.io_serviced",
	"rdma/rdma.current", "freezer/freezer.state" };

static const char *const folders[] = { "memory", "cpu", "cpuacct", "pids", "blkio", "rdma",
	"freezer", "proc", "proc/7", "proc/self" };

static char root[] = "/tmp/belay-fuzz.XXXXXX";

static void clean_up(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", root);
}

static int open_root(void)
{
	int dir;

	if (!mkdtemp(root))
		abort();
	atexit(clean_up);
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mkdirat(dir, folders[i], 0700) < 0)
			abort();
	return dir;
}

static void put(int dir, const char *file, const uint8_t *data, size_t n)
{
	auto_fd int fd = openat(dir, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || fd_write_all(fd, data, n) < 0)
		abort();
}

/* The files are one file with many names: writing each would take most of the time. */
static void put_all(
	int dir, const char *const *names, size_t n_names, const uint8_t *data, size_t n)
{
	put(dir, names[0], data, n);
	for (size_t i = 1; i < n_names; i++)
		if (linkat(dir, names[0], dir, names[i], 0) < 0 && errno != EEXIST)
			abort();
}

static void ask(const struct cgroup *cg)
{
	auto_buf struct buf bytes = BUF_INIT(STATS_BYTES_MAX);
	auto_free pid_t *pids = NULL;
	struct err e = ERR_INIT;
	Pb__Any any;
	size_t n;
	int rc = stats_collect(cg, &bytes, &any, &e);

	if ((rc < 0) != err_is_set(&e))
		abort();
	rc = freezer_read(cg);
	if (rc > FREEZER_FROZEN)
		abort();
	(void)!cgroup_pids(cg, &pids, &n);
}

static void as_v2(int dir, const uint8_t *data, size_t n)
{
	struct cgroup cg = { .dir = fcntl(dir, F_DUPFD_CLOEXEC, 0), .is_v2 = true, .root = root };

	put_all(dir, v2_files, ARRAY_LEN(v2_files), data, n);
	ask(&cg);
	cgroup_close(&cg);
}

static void as_v1(int dir, const uint8_t *data, size_t n)
{
	static const char lines[] =
		"9:cpu,cpuacct:/\n8:pids:/\n7:memory:/\n6:blkio:/\n5:rdma:/\n4:freezer:/\n";
	static const char theirs[] = "8:pids:/x\n";
	char proc[64];
	struct cgroup cg;

	put_all(dir, v1_files, ARRAY_LEN(v1_files), data, n);
	put(dir, "proc/7/cgroup", (const uint8_t *)theirs, sizeof(theirs) - 1);
	put(dir, "proc/self/cgroup", (const uint8_t *)lines, sizeof(lines) - 1);
	snprintf(proc, sizeof(proc), "%s/proc", root);
	(void)mkdirat(dir, "pids/x", 0700);
	if (cgroup_open_at(&cg, root, proc, 7) < 0)
		return;
	free(cg.where);
	cg.where = strdup(lines);
	ask(&cg);
	cgroup_close(&cg);
}

static void as_proc(int dir, const uint8_t *data, size_t n)
{
	struct cgroup cg;
	char proc[64];

	put(dir, "proc/7/cgroup", data, n);
	put(dir, "proc/self/cgroup", data, n / 2);
	snprintf(proc, sizeof(proc), "%s/proc", root);
	if (cgroup_open_at(&cg, root, proc, 7) == 0)
		cgroup_close(&cg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const kinds[])(int, const uint8_t *, size_t) = { as_v2, as_v1, as_proc };
	static int dir = -1;

	if (dir < 0)
		dir = open_root();
	if (n > 0)
		kinds[data[0] % ARRAY_LEN(kinds)](dir, data + 1, n - 1);
	return 0;
}
