/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The descriptor of a user namespace, and what happens when its process is
 * reaped between two system calls: a clean error, and never a
 * stranger's maps.
 */

#include "process/rootfs/userns.h"

#include "tests/lib/kernel.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAP_ROOM      256
#define CONCURRENT    10
#define ROUNDS        100
#define PID_MAX       400 /* of a pid namespace in which numbers come round */
#define RESERVED_PIDS 300 /* where the kernel begins again */

static const struct userns_maps maps = { "0 100000 65536\n70000 5 1\n", "0 200000 1000\n" };

/*
 * What the hook does: reaps the process at @at, @times times. That is the worst
 * that can happen to it: to be killed changes nothing, for it ends by itself.
 */
static struct {
	enum userns_point at;
	int times;
	void (*afterwards)(pid_t pid);
	int reaped;
} plan;

static void reap_it(struct zombie *zombie)
{
	siginfo_t si;

	assert_int_equal(waitid((idtype_t)P_PIDFD, (id_t)zombie->pidfd, &si, WEXITED | __WALL), 0);
	plan.reaped++;
	if (plan.afterwards)
		plan.afterwards(zombie->pid);
}

void userns_hook(enum userns_point at, struct zombie *zombie)
{
	if (at == plan.at && plan.reaped < plan.times)
		reap_it(zombie);
}

static void need_root(void)
{
	if (geteuid() != 0)
		test_skip("maps of more than one id need root");
}

static void read_file(const char *path, char ret[MAP_ROOM])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, ret, MAP_ROOM - 1);
	assert_true(n >= 0);
	ret[n] = '\0';
	close(fd);
}

/* The kernel pads its numbers. */
static void squeeze(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (*from != ' ' || (to > text && to[-1] != ' ' && to[-1] != '\n'))
			*to++ = *from;
	*to = '\0';
}

/* 0 when the namespace has these maps. In a process of its own, for one cannot come back. */
static int compare_maps(int ns)
{
	char uids[MAP_ROOM], gids[MAP_ROOM];

	if (setns(ns, CLONE_NEWUSER) < 0)
		return 10;
	read_file("/proc/self/uid_map", uids);
	read_file("/proc/self/gid_map", gids);
	squeeze(uids);
	squeeze(gids);
	return strcmp(uids, maps.uids) == 0 && strcmp(gids, maps.gids) == 0 ? 0 : 11;
}

static void expect_maps(int ns)
{
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0)
		_exit(compare_maps(ns));
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	assert_int_equal(si.si_status, 0);
}

static void expect_nothing_left(void)
{
	siginfo_t si;

	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
}

TEST(a_descriptor_is_of_a_namespace_with_these_maps)
{
	int fd = -1;

	need_root();
	assert_int_equal(userns_open(&maps, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	expect_maps(fd);
	close(fd);
	expect_nothing_left();
}

TEST(maps_the_kernel_refuses_are_an_error_and_leave_nothing)
{
	static const struct userns_maps overlap = { "0 0 10\n5 100 10\n", "0 0 1\n" };
	static const struct userns_maps text = { "0 0 1\n", "nonsense\n" };
	int fd = -1;

	need_root();
	assert_int_equal(userns_open(&overlap, &fd), -EINVAL);
	assert_int_equal(userns_open(&text, &fd), -EINVAL);
	assert_int_equal(fd, -1);
	expect_nothing_left();
}

static void reap_at(enum userns_point at, int times)
{
	plan.at = at;
	plan.times = times;
	plan.reaped = 0;
}

/* Every time it is tried: the error is told, and told as what it is. */
static void expect_esrch(enum userns_point at)
{
	int fd = -1;

	reap_at(at, USERNS_TRIES);
	assert_int_equal(userns_open(&maps, &fd), -ESRCH);
	assert_int_equal(plan.reaped, USERNS_TRIES);
	assert_int_equal(fd, -1);
	expect_nothing_left();
}

TEST(reaped_before_the_proof_it_is_esrch)
{
	need_root();
	for (enum userns_point at = USERNS_STARTED; at < USERNS_PROVEN; at++)
		expect_esrch(at);
}

TEST(reaped_once_it_is_tried_again)
{
	need_root();
	for (enum userns_point at = USERNS_STARTED; at < N_USERNS_POINTS; at++) {
		int fd = -1;

		reap_at(at, 1);
		assert_int_equal(userns_open(&maps, &fd), 0);
		assert_int_equal(plan.reaped, 1);
		expect_maps(fd);
		close(fd);
		expect_nothing_left();
	}
}

TEST(reaped_after_the_proof_the_descriptor_is_good)
{
	int fd = -1;

	need_root();
	reap_at(USERNS_PROVEN, 1);
	assert_int_equal(userns_open(&maps, &fd), 0);
	assert_int_equal(plan.reaped, 1);
	expect_maps(fd);
	close(fd);
}

/* One of the concurrent ones: another point each round. */
static int many_rounds(int seed)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fd = -1, rc;

		reap_at((enum userns_point)((seed + i) % N_USERNS_POINTS), 1 + i % USERNS_TRIES);
		rc = userns_open(&maps, &fd);
		if (rc == 0)
			expect_maps(fd);
		else if (rc != -ESRCH || plan.reaped < USERNS_TRIES)
			return 1;
		if (rc == 0)
			close(fd);
	}
	expect_nothing_left();
	return 0;
}

TEST(a_thousand_at_ten_a_time_are_each_good_or_esrch)
{
	pid_t pids[CONCURRENT];
	siginfo_t si;

	need_root();
	for (int i = 0; i < CONCURRENT; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(many_rounds(i));
	}
	for (int i = 0; i < CONCURRENT; i++) {
		assert_int_equal(waitid(P_PID, (id_t)pids[i], &si, WEXITED), 0);
		assert_int_equal(si.si_code, CLD_EXITED);
		assert_int_equal(si.si_status, 0);
	}
}

/* The stranger: a process in a user namespace of its own that nobody has given maps yet. */
static struct {
	pid_t pid;
	int met; /* how often it had the number of ours */
} stranger;

static pid_t start_stranger(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		for (;;)
			pause();
	assert_true(pid > 0);
	return (pid_t)pid;
}

static void end_stranger(pid_t pid)
{
	siginfo_t si;

	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
}

static pid_t burn_a_number(void)
{
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	return pid;
}

/* Starts processes until one of them has the number of ours. */
static void recycle(pid_t pid)
{
	for (int i = 0; i < 4 * PID_MAX; i++) {
		pid_t next;

		(void)burn_a_number();
		next = start_stranger();
		if (next == pid) {
			stranger.pid = next;
			stranger.met++;
			return;
		}
		end_stranger(next);
	}
}

static int expect_stranger_untouched(void)
{
	char path[64], map[MAP_ROOM];

	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)stranger.pid);
	read_file(path, map);
	return map[0] == '\0' ? 0 : 20;
}

/* As pid 1 of a pid namespace with a small pid_max. */
static int meet_strangers(void *arg)
{
	int fd, rc = 0;

	(void)arg;
	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		return 1;
	fd = open("/proc/sys/kernel/pid_max", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "400", 3) != 3)
		return 2;
	close(fd);
	while (burn_a_number() < RESERVED_PIDS)
		; /* those below are used once and never again */
	plan.afterwards = recycle;
	for (enum userns_point at = USERNS_STARTED; rc == 0 && at < N_USERNS_POINTS; at++) {
		int ns = -1;

		stranger.pid = 0;
		reap_at(at, 1);
		rc = userns_open(&maps, &ns);
		if (rc < 0)
			return 3;
		if (stranger.pid == 0)
			return 4;
		rc = expect_stranger_untouched();
		expect_maps(ns);
		close(ns);
		end_stranger(stranger.pid);
	}
	return rc;
}

static long host_pid_max(void)
{
	char text[MAP_ROOM];

	read_file("/proc/sys/kernel/pid_max", text);
	return strtol(text, NULL, 10);
}

TEST(a_stranger_with_the_number_of_ours_is_never_given_maps)
{
	long before = host_pid_max();
	siginfo_t si;
	pid_t pid;

	need_root();
	if (!kernel_is_at_least(6, 14)) /* it would be the machine's own */
		test_skip("this kernel has no pid_max of each pid namespace (Linux 6.14)");
	pid = (pid_t)syscall(
		SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(meet_strangers(NULL));
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	assert_int_equal(host_pid_max(), before);
	assert_int_equal(si.si_code, CLD_EXITED);
	assert_int_equal(si.si_status, 0);
}

static void set_maps(struct userns_maps *m, char text[MAP_ROOM], int i)
{
	snprintf(text, MAP_ROOM, "0 %d 1\n", 1000 + i);
	m->uids = m->gids = text;
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static ino_t ask(struct userns_cache *c, int i)
{
	char text[MAP_ROOM];
	struct userns_maps m;
	ino_t is;
	int fd;

	set_maps(&m, text, i);
	assert_int_equal(userns_cache_open(c, &m, &fd), 0);
	is = inode(fd);
	close(fd);
	return is;
}

TEST(the_same_maps_are_the_same_namespace_and_others_are_not)
{
	struct userns_cache c = { 0 };
	ino_t one, two;

	need_root();
	one = ask(&c, 1);
	two = ask(&c, 2);
	assert_true(one != two);
	assert_true(ask(&c, 1) == one);
	assert_true(ask(&c, 2) == two);
	userns_cache_fini(&c);
}

TEST(the_group_map_counts_too)
{
	static const struct userns_maps a = { "0 1 1\n", "0 1 1\n" }, b = { "0 1 1\n", "0 2 1\n" };
	struct userns_cache c = { 0 };
	int first, second;

	need_root();
	assert_int_equal(userns_cache_open(&c, &a, &first), 0);
	assert_int_equal(userns_cache_open(&c, &b, &second), 0);
	assert_true(inode(first) != inode(second));
	close(first);
	close(second);
	userns_cache_fini(&c);
}

TEST(the_cache_is_bounded_and_forgets_what_was_used_least_recently)
{
	struct userns_cache c = { 0 };
	ino_t first;

	need_root();
	first = ask(&c, 0);
	(void)ask(&c, 1);
	for (int i = 2; i < USERNS_CACHE_MAX; i++)
		(void)ask(&c, i);
	assert_true(ask(&c, 0) == first); /* now the second is the oldest */
	reap_at(USERNS_STARTED, 1);
	(void)ask(&c, USERNS_CACHE_MAX);
	assert_int_equal(plan.reaped, 1); /* that one was made */
	reap_at(USERNS_STARTED, 1);
	assert_true(ask(&c, 0) == first);
	assert_int_equal(plan.reaped, 0); /* and this one was not */
	(void)ask(&c, 1);
	assert_int_equal(plan.reaped, 1); /* forgotten */
	userns_cache_fini(&c);
}

TEST(a_descriptor_outlives_the_cache)
{
	struct userns_cache c = { 0 };
	int fd;

	need_root();
	assert_int_equal(userns_cache_open(&c, &maps, &fd), 0);
	userns_cache_fini(&c);
	expect_maps(fd);
	close(fd);
}

TEST(what_could_not_be_made_is_not_remembered)
{
	static const struct userns_maps bad = { "nonsense\n", "0 0 1\n" };
	struct userns_cache c = { 0 };
	int fd = -1;

	need_root();
	assert_int_equal(userns_cache_open(&c, &bad, &fd), -EINVAL);
	assert_int_equal(fd, -1);
	for (int i = 0; i < USERNS_CACHE_MAX; i++)
		assert_null(c.entries[i].uids);
}
