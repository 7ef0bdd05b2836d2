/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Control groups: trees of our own in place of /sys/fs/cgroup and /proc, and,
 * as root, a real version 2 hierarchy.
 */

#include "process/cgroup/cgroup.h"
#include "process/cgroup/freezer.h"

#include "base/auto.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene {
	struct tmpdir dir;
	char root[TMPDIR_PATH_MAX + 16], proc[TMPDIR_PATH_MAX + 16];
	struct cgroup cg;
};

static void make_folder(const struct scene *s, const char *name)
{
	assert_int_equal(mkdirat(s->dir.fd, name, 0755), 0);
}

#define OURS "5:devices:/ours\n4:pids:/ours\n0::/ours\n"

/* @theirs is what /proc/7/cgroup says; we are in /ours. Not version 2: it is no cgroup2 mount. */
static void scene_set(struct scene *s, const char *theirs)
{
	tmpdir_open(&s->dir);
	make_folder(s, "root");
	make_folder(s, "proc");
	make_folder(s, "proc/self");
	make_folder(s, "proc/7");
	snprintf(s->root, sizeof(s->root), "%s/root", s->dir.path);
	snprintf(s->proc, sizeof(s->proc), "%s/proc", s->dir.path);
	tmpdir_write(&s->dir, "proc/self/cgroup", OURS);
	tmpdir_write(&s->dir, "proc/7/cgroup", theirs);
}

static void scene_strike(struct scene *s)
{
	cgroup_close(&s->cg);
	tmpdir_close(&s->dir);
}

static int open_group(struct scene *s)
{
	return cgroup_open_at(&s->cg, s->root, s->proc, 7);
}

/* A container's group in the devices hierarchy, opened. */
static void group_set(struct scene *s)
{
	scene_set(s, "5:devices:/c1\n");
	make_folder(s, "root/devices");
	make_folder(s, "root/devices/c1");
	assert_int_equal(open_group(s), 0);
}

static void expect_pids(struct scene *s, const pid_t *wanted, size_t n)
{
	pid_t *pids;
	size_t got;

	assert_int_equal(cgroup_pids(&s->cg, &pids, &got), 0);
	assert_int_equal(got, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pids[i], wanted[i]);
	free(pids);
}

TEST(a_group_of_version_1_is_found_by_its_devices_controller)
{
	static const pid_t wanted[] = { 7 };
	struct scene s;

	scene_set(&s, "11:memory:/elsewhere\n5:cpu,devices:/k8s/c1\n1:name=systemd:/x\n0::/y\n");
	make_folder(&s, "root/devices");
	make_folder(&s, "root/devices/k8s");
	make_folder(&s, "root/devices/k8s/c1");
	tmpdir_write(&s.dir, "root/devices/k8s/c1/cgroup.procs", "7\n");
	tmpdir_write(&s.dir, "proc/self/cgroup", "5:cpu,devices:/ours\n");
	assert_int_equal(open_group(&s), 0);
	expect_pids(&s, wanted, 1);
	scene_strike(&s);
}

TEST(without_devices_another_controller_will_do)
{
	struct scene s;

	scene_set(&s, "4:pids:/c1\n");
	make_folder(&s, "root/pids");
	make_folder(&s, "root/pids/c1");
	assert_int_equal(open_group(&s), 0);
	assert_true(s.cg.dir >= 0);
	scene_strike(&s);
}

static void expect_not_ours(const char *theirs, int rc)
{
	struct scene s;

	scene_set(&s, theirs);
	make_folder(&s, "root/devices");
	make_folder(&s, "root/devices/ours");
	make_folder(&s, "root/devices/mydevices");
	assert_int_equal(open_group(&s), rc);
	assert_int_equal(s.cg.dir, -1);
	scene_strike(&s);
}

TEST(the_root_our_own_group_and_what_a_namespace_hides_are_never_a_containers)
{
	expect_not_ours("5:devices:/\n", -ENOENT);
	expect_not_ours("5:devices:/ours\n", -ENOENT);
	expect_not_ours("5:devices:/../../system\n", -ENOENT);
	expect_not_ours("5:devices:/ours/..\n", -ENOENT);
}

/* It holds us as well: "kill all" there would be the end of the shim. */
TEST(a_group_above_our_own_is_never_a_containers)
{
	struct scene s;

	scene_set(&s, "5:devices:/above\n");
	make_folder(&s, "root/devices");
	make_folder(&s, "root/devices/above");
	tmpdir_write(&s.dir, "proc/self/cgroup", "5:devices:/above/ours\n");
	assert_int_equal(open_group(&s), -ENOENT);
	tmpdir_write(&s.dir, "proc/self/cgroup", "5:devices:/above-not\n");
	assert_int_equal(open_group(&s), 0);
	scene_strike(&s);
}

TEST(what_cannot_be_found_is_not_found)
{
	expect_not_ours("", -ENOENT);
	expect_not_ours("5:devices:/gone\n", -ENOENT);
	expect_not_ours("5:mydevices:/mydevices\n", -ENOENT);
	expect_not_ours("5:devices\ngarbage\n::\n", -ENOENT);
}

TEST(a_process_or_a_tree_that_is_not_there_is_an_error)
{
	struct cgroup cg;

	assert_int_equal(cgroup_open_at(&cg, "/nowhere", "/proc", 7), -ENOENT);
	assert_int_equal(cgroup_open_at(&cg, "/tmp", "/nowhere", 7), -ENOENT);
	assert_int_equal(cg.dir, -1);
	cgroup_close(&cg);
}

TEST(groups_below_count_too)
{
	static const pid_t wanted[] = { 10, 11, 12 };
	struct scene s;

	group_set(&s);
	make_folder(&s, "root/devices/c1/sub");
	make_folder(&s, "root/devices/c1/sub/deep");
	tmpdir_write(&s.dir, "root/devices/c1/cgroup.procs", "10\n0\n");
	tmpdir_write(&s.dir, "root/devices/c1/sub/cgroup.procs", "11\n");
	tmpdir_write(&s.dir, "root/devices/c1/sub/deep/cgroup.procs", "12\n");
	expect_pids(&s, wanted, ARRAY_LEN(wanted));
	scene_strike(&s);
}

TEST(a_link_among_the_groups_is_not_followed)
{
	struct scene s;

	group_set(&s);
	make_folder(&s, "outside");
	tmpdir_write(&s.dir, "outside/cgroup.procs", "1\n");
	assert_int_equal(symlinkat("../../../outside", s.dir.fd, "root/devices/c1/link"), 0);
	expect_pids(&s, NULL, 0);
	scene_strike(&s);
}

TEST(no_group_has_no_processes)
{
	struct scene s = { .cg = CGROUP_NONE };

	expect_pids(&s, NULL, 0);
	assert_int_equal(cgroup_signal(&s.cg, SIGKILL), 0);
	cgroup_close(&s.cg);
}

static void write_pids(struct scene *s, int n)
{
	char path[TMPDIR_PATH_MAX + 64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/devices/c1/cgroup.procs", s->root);
	f = fopen(path, "we");
	for (int i = 0; i < n; i++)
		fprintf(f, "%d\n", 100 + i);
	fclose(f);
}

TEST(a_frozen_group_of_version_1_is_thawed_in_its_own_hierarchy)
{
	struct scene s;
	char *state;

	scene_set(&s, "5:devices:/c1\n2:freezer:/k8s/c1\n");
	make_folder(&s, "root/devices");
	make_folder(&s, "root/devices/c1");
	make_folder(&s, "root/freezer");
	make_folder(&s, "root/freezer/k8s");
	make_folder(&s, "root/freezer/k8s/c1");
	assert_int_equal(open_group(&s), 0);
	assert_int_equal(freezer_let_die(&s.cg), -ENOENT);
	tmpdir_write(&s.dir, "root/freezer/k8s/c1/freezer.state", "FROZEN");
	assert_int_equal(freezer_let_die(&s.cg), 0);
	state = tmpdir_read(&s.dir, "root/freezer/k8s/c1/freezer.state");
	assert_string_equal(state, "THAWED");
	free(state);
	scene_strike(&s);
}

TEST(no_more_than_so_many_processes_are_listed)
{
	struct scene s;
	pid_t *pids = NULL;
	size_t n = 0;

	group_set(&s);
	write_pids(&s, CGROUP_PIDS_MAX);
	assert_int_equal(cgroup_pids(&s.cg, &pids, &n), 0);
	assert_int_equal(n, CGROUP_PIDS_MAX);
	free(pids);
	write_pids(&s, CGROUP_PIDS_MAX + 1);
	assert_int_equal(cgroup_pids(&s.cg, &pids, &n), -E2BIG);
	scene_strike(&s);
}

TEST(no_deeper_than_so_many_groups_are_looked_into)
{
	char path[1024] = "root/devices/c1";
	struct scene s;

	group_set(&s);
	for (int i = 0; i < CGROUP_DEPTH_MAX + 3; i++) {
		strcat(path, "/d");
		make_folder(&s, path);
	}
	strcat(path, "/cgroup.procs");
	tmpdir_write(&s.dir, path, "7\n");
	expect_pids(&s, NULL, 0);
	scene_strike(&s);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static int end_of(pid_t pid)
{
	siginfo_t si;

	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	return si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
}

TEST(a_signal_reaches_every_member_and_nobody_else)
{
	pid_t first = sleeper(), second = sleeper(), stranger = sleeper(), gone = sleeper();
	struct scene s;
	char pids[64];

	assert_int_equal(kill(gone, SIGKILL), 0);
	assert_int_equal(end_of(gone), 128 + SIGKILL);
	group_set(&s);
	make_folder(&s, "root/devices/c1/sub");
	snprintf(pids, sizeof(pids), "%d\n%d\n", (int)first, (int)gone);
	tmpdir_write(&s.dir, "root/devices/c1/cgroup.procs", pids);
	snprintf(pids, sizeof(pids), "%d\n", (int)second);
	tmpdir_write(&s.dir, "root/devices/c1/sub/cgroup.procs", pids);
	assert_int_equal(cgroup_signal(&s.cg, SIGTERM), 2);
	assert_int_equal(end_of(first), 128 + SIGTERM);
	assert_int_equal(end_of(second), 128 + SIGTERM);
	assert_int_equal(kill(stranger, 0), 0);
	assert_int_equal(kill(stranger, SIGKILL), 0);
	assert_int_equal(end_of(stranger), 128 + SIGKILL);
	scene_strike(&s);
}

/* Nor descriptors for all of them at once. */
TEST(a_signal_reaches_more_members_than_there_are_descriptors)
{
	const struct rlimit few = { 64, 64 };
	pid_t member[100];
	struct scene s;
	char pids[1024] = "";
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(member); i++) {
		member[i] = sleeper();
		at += (size_t)snprintf(pids + at, sizeof(pids) - at, "%d\n", (int)member[i]);
	}
	group_set(&s);
	tmpdir_write(&s.dir, "root/devices/c1/cgroup.procs", pids);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(cgroup_signal(&s.cg, SIGTERM), ARRAY_LEN(member));
	for (size_t i = 0; i < ARRAY_LEN(member); i++)
		assert_int_equal(end_of(member[i]), 128 + SIGTERM);
	scene_strike(&s);
}

TEST(what_kills_a_whole_group_at_once_is_left_to_the_kernel)
{
	pid_t member = sleeper();
	struct scene s;
	char pids[32], *written;

	group_set(&s);
	snprintf(pids, sizeof(pids), "%d\n", (int)member);
	tmpdir_write(&s.dir, "root/devices/c1/cgroup.procs", pids);
	tmpdir_write(&s.dir, "root/devices/c1/cgroup.kill", "");
	assert_int_equal(cgroup_signal(&s.cg, SIGKILL), 1);
	written = tmpdir_read(&s.dir, "root/devices/c1/cgroup.kill");
	assert_string_equal(written, "1");
	free(written);
	assert_int_equal(kill(member, 0), 0); /* this file is only a file */
	assert_int_equal(cgroup_signal(&s.cg, SIGTERM), 1);
	assert_int_equal(end_of(member), 128 + SIGTERM);
	scene_strike(&s);
}

/*
 * The group as it changes between two looks at it: the first is a FIFO, whose
 * reader gets the end only when the second, empty, has taken its place.
 */
static pid_t replace_while_read(struct scene *s, pid_t listed)
{
	static const char first[] = "root/devices/c1/cgroup.procs",
			  second[] = "root/devices/c1/empty";
	pid_t pid;
	int fd;

	assert_int_equal(mkfifoat(s->dir.fd, first, 0600), 0);
	tmpdir_write(&s->dir, second, "");
	pid = fork();
	if (pid != 0)
		return pid;
	fd = openat(s->dir.fd, first, O_WRONLY | O_CLOEXEC);
	dprintf(fd, "%d\n", (int)listed);
	_exit(renameat(s->dir.fd, second, s->dir.fd, first) != 0);
}

TEST(a_number_that_has_left_the_group_meanwhile_is_not_signalled)
{
	pid_t stranger = sleeper(), helper;
	struct scene s;

	group_set(&s);
	helper = replace_while_read(&s, stranger);
	assert_int_equal(cgroup_signal(&s.cg, SIGTERM), 0);
	assert_int_equal(end_of(helper), 0);
	assert_int_equal(kill(stranger, SIGKILL), 0);
	assert_int_equal(end_of(stranger), 128 + SIGKILL);
	scene_strike(&s);
}

static void put_in(const char *group, pid_t pid)
{
	char path[TMPDIR_PATH_MAX + 64], text[16];
	auto_fd int fd = -1;
	int n;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	n = snprintf(text, sizeof(text), "%d", (int)pid);
	if (fd < 0 || write(fd, text, (size_t)n) != n)
		test_skip("a process cannot be put into a new group here: %s", strerror(errno));
}

TEST(a_real_group_of_version_2_is_found_and_signalled)
{
	char group[TMPDIR_PATH_MAX + 32];
	struct scene s;
	pid_t *pids;
	pid_t pid;
	size_t n;

	tmpdir_open(&s.dir);
	make_folder(&s, "root");
	snprintf(s.root, sizeof(s.root), "%s/root", s.dir.path);
	if (mount("none", s.root, "cgroup2", 0, NULL) < 0)
		test_skip("mount cgroup2: %s", strerror(errno));
	snprintf(group, sizeof(group), "%s/belay-test-%d", s.root, (int)getpid());
	pid = sleeper();
	assert_int_equal(mkdir(group, 0755), 0);
	put_in(group, pid);
	assert_int_equal(cgroup_open_at(&s.cg, s.root, "/proc", pid), 0);
	assert_int_equal(cgroup_pids(&s.cg, &pids, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], pid);
	free(pids);
	assert_int_equal(cgroup_signal(&s.cg, SIGKILL), 1);
	assert_int_equal(end_of(pid), 128 + SIGKILL);
	assert_int_equal(rmdir(group), 0);
	assert_int_equal(cgroup_pids(&s.cg, &pids, &n), 0); /* removed: empty, and no error */
	assert_int_equal(n, 0);
	cgroup_close(&s.cg);
	assert_int_equal(umount2(s.root, 0), 0);
	tmpdir_close(&s.dir);
}
