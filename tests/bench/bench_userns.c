/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bench_userns - what a descriptor of a user namespace costs, in microseconds.
 *
 *	bench_userns [ROUNDS]
 *
 * Beside it, in the same run and in turns, the same done as with fork(): a
 * child with a copy of our memory, its namespace from /proc/PID/ns/user, then
 * kill and wait. Each figure is the median of all rounds, from the call to the
 * moment the child is gone. Ten: one after the other, as one thread does it;
 * in three passes over all ten; and in ten threads made for the occasion.
 */

#include "base/attr.h"
#include "base/auto.h"
#include "base/clock.h"
#include "process/rootfs/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ROUNDS  1000
#define WARM_UP 20
#define TEN     10

static const struct userns_maps maps = {
	"1000 0 100\n5000 2000 100\n10000 3000 100\n",
	"1000 0 100\n5000 2000 100\n10000 3000 100\n",
};

static void die(const char *what, int rc)
{
	fprintf(stderr, "bench_userns: %s: %s\n", what, strerror(-rc));
	exit(EXIT_FAILURE);
}

struct forked {
	long pid;
	int pidfd, fd;
};

static void fork_begin(struct forked *f)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&f->pidfd,
		.exit_signal = SIGCHLD,
	};

	f->pid = syscall(SYS_clone3, &args, sizeof(args));
	if (f->pid == 0)
		for (;;)
			pause();
	if (f->pid < 0)
		die("clone3", -errno);
}

static void write_map(const struct forked *f, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", f->pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path, -errno);
	close(fd);
}

static void fork_settle(struct forked *f)
{
	char path[64];

	write_map(f, "uid_map", maps.uids);
	write_map(f, "gid_map", maps.gids);
	snprintf(path, sizeof(path), "/proc/%ld/ns/user", f->pid);
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0 || pidfd_send_signal(f->pidfd, 0, NULL, 0) < 0)
		die(path, -errno);
	pidfd_send_signal(f->pidfd, SIGKILL, NULL, 0);
}

static void fork_end(struct forked *f)
{
	siginfo_t si;

	if (waitid((idtype_t)P_PIDFD, (id_t)f->pidfd, &si, WEXITED) < 0)
		die("waitid", -errno);
	close(f->pidfd);
	close(f->fd);
}

static void fork_one(void)
{
	struct forked f;

	fork_begin(&f);
	fork_settle(&f);
	fork_end(&f);
}

static void belay_one(void)
{
	int fd, rc = userns_open(&maps, &fd);

	if (rc < 0)
		die("userns_open", rc);
	close(fd);
}

static void belay_cached(void)
{
	static struct userns_cache cache;
	int fd, rc = userns_cache_open(&cache, &maps, &fd);

	if (rc < 0)
		die("userns_cache_open", rc);
	close(fd);
}

static void fork_in_turn(void)
{
	for (int i = 0; i < TEN; i++)
		fork_one();
}

static void belay_in_turn(void)
{
	for (int i = 0; i < TEN; i++)
		belay_one();
}

static void fork_in_passes(void)
{
	struct forked f[TEN];

	for (int i = 0; i < TEN; i++)
		fork_begin(&f[i]);
	for (int i = 0; i < TEN; i++)
		fork_settle(&f[i]);
	for (int i = 0; i < TEN; i++)
		fork_end(&f[i]);
}

static void belay_in_passes(void)
{
	static struct userns_birth b[TEN];
	int fd[TEN];

	for (int i = 0; i < TEN; i++) {
		int rc = userns_begin(&b[i]);

		if (rc < 0)
			die("userns_begin", rc);
	}
	for (int i = 0; i < TEN; i++) {
		int rc = userns_settle(&b[i], &maps, &fd[i]);

		if (rc < 0)
			die("userns_settle", rc);
	}
	for (int i = 0; i < TEN; i++) {
		userns_end(&b[i]);
		close(fd[i]);
	}
}

static void *in_thread(void *arg)
{
	((void (*)(void))arg)();
	return NULL;
}

static void in_threads(void (*one)(void))
{
	pthread_t threads[TEN];

	for (int i = 0; i < TEN; i++)
		if (pthread_create(&threads[i], NULL, in_thread, (void *)one) != 0)
			die("pthread_create", -EAGAIN);
	for (int i = 0; i < TEN; i++)
		pthread_join(threads[i], NULL);
}

static void fork_in_threads(void)
{
	in_threads(fork_one);
}

static void belay_in_threads(void)
{
	in_threads(belay_one);
}

struct row {
	const char *name;
	void (*fork)(void);
	void (*belay)(void);
	double *fork_us, *belay_us;
};

static struct row rows[] = {
	{ .name = "one", .fork = fork_one, .belay = belay_one },
	{ .name = "one, known to the cache", .fork = fork_one, .belay = belay_cached },
	{ .name = "ten, one after the other", .fork = fork_in_turn, .belay = belay_in_turn },
	{ .name = "ten, in three passes", .fork = fork_in_passes, .belay = belay_in_passes },
	{ .name = "ten, in ten threads", .fork = fork_in_threads, .belay = belay_in_threads },
};

static double time_us(void (*what)(void))
{
	int64_t since = clock_mono_ns();

	what();
	return (double)(clock_mono_ns() - since) / 1000.;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *figures, size_t n)
{
	qsort(figures, n, sizeof(*figures), compare);
	return figures[n / 2];
}

static void measure(size_t rounds)
{
	for (size_t i = 0; i < rounds + WARM_UP; i++) {
		size_t at = i < WARM_UP ? 0 : i - WARM_UP; /* the first are overwritten */

		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			rows[k].fork_us[at] = time_us(rows[k].fork);
			rows[k].belay_us[at] = time_us(rows[k].belay);
		}
	}
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS;

	if (rounds == 0 || argc > 2) {
		fprintf(stderr, "usage: bench_userns [ROUNDS]\n");
		return EXIT_FAILURE;
	}
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		rows[k].fork_us = calloc(rounds, sizeof(double));
		rows[k].belay_us = calloc(rounds, sizeof(double));
		if (!rows[k].fork_us || !rows[k].belay_us)
			die("memory", -ENOMEM);
	}
	measure(rounds);
	printf("%-28s %10s %10s %8s   (us, medians of %zu rounds)\n", "user namespace descriptors",
		"fork-style", "belay", "ratio", rounds);
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		double a = median(rows[k].fork_us, rounds), b = median(rows[k].belay_us, rounds);

		printf("%-28s %10.1f %10.1f %7.1fx\n", rows[k].name, a, b, a / b);
	}
	return EXIT_SUCCESS;
}
