/* SPDX-License-Identifier: Apache-2.0 */

/*
 * procs.c - the members of a control group.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "process/cgroup/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

struct pid_list {
	pid_t *pid; /* owned */
	size_t n, room;
};

static int add(struct pid_list *l, pid_t pid)
{
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 16;
		pid_t *more = room > CGROUP_PIDS_MAX ? NULL : realloc(l->pid, room * sizeof(*more));

		if (!more)
			return room > CGROUP_PIDS_MAX ? -E2BIG : -ENOMEM;
		l->pid = more;
		l->room = room;
	}
	l->pid[l->n++] = pid;
	return 0;
}

/* A threaded group cannot be read (EOPNOTSUPP), one just removed neither (ENODEV): both are empty.
 */
static int read_procs(int dir, struct pid_list *l)
{
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *f;
	int pid, rc = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	while (rc == 0 && fscanf(f, "%d", &pid) == 1)
		if (pid > 0) /* 0: a process our pid namespace cannot see */
			rc = add(l, (pid_t)pid);
	fclose(f);
	return rc;
}

static int walk(int dir, struct pid_list *l, int depth);

static int walk_below(DIR *d, struct pid_list *l, int depth)
{
	struct dirent *entry;
	int rc = 0;

	while (rc == 0 && (entry = readdir(d))) {
		auto_fd int sub = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		sub = openat(
			dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			rc = walk(sub, l, depth + 1);
	}
	return rc;
}

static int walk(int dir, struct pid_list *l, int depth)
{
	int rc = read_procs(dir, l);
	int again;
	DIR *d;

	if (rc < 0 || depth == CGROUP_DEPTH_MAX)
		return rc;
	again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (again < 0)
		return errno == ENOENT ? 0 : -errno; /* removed meanwhile */
	d = fdopendir(again);
	if (!d) {
		close(again);
		return -ENOMEM;
	}
	rc = walk_below(d, l, depth);
	closedir(d);
	return rc;
}

int cgroup_pids(const struct cgroup *cg, pid_t **ret, size_t *ret_n)
{
	struct pid_list l = { 0 };
	int rc = cg->dir < 0 ? 0 : walk(cg->dir, &l, 0);

	if (rc < 0) {
		free(l.pid);
		return rc;
	}
	*ret = l.pid;
	*ret_n = l.n;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* The kernel's own: nobody escapes by forking. -errno where it has none. */
static int kill_at_once(const struct cgroup *cg)
{
	auto_fd int fd = openat(cg->dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	auto_free pid_t *pid = NULL;
	size_t n;
	int rc;

	if (fd < 0)
		return -errno;
	rc = cgroup_pids(cg, &pid, &n);
	if (rc == 0)
		rc = fd_write_all(fd, "1", 1);
	return rc < 0 ? rc : (int)n;
}

/*
 * Opens as many of @pid as there is room for, gone ones (-1) included; half of
 * them when descriptors run out, for the next look at the group needs some. The
 * count, or -errno.
 */
static int open_members(const pid_t *pid, size_t n, int *pidfd)
{
	size_t i, keep;
	int why = 0;

	for (i = 0; i < n && i < CGROUP_SIGNAL_BATCH && !why; i++) {
		pidfd[i] = pidfd_open(pid[i], 0);
		why = pidfd[i] < 0 && errno != ESRCH ? errno : 0;
	}
	keep = why ? i / 2 : i;
	while (i > keep)
		fd_drop(&pidfd[--i]);
	return keep > 0 ? (int)keep : -why;
}

/*
 * Between the list and pidfd_open() a number may pass to a stranger. So open
 * first, then look whether the group still lists it: if it does, the pidfd is
 * of a member, for the number was not free in between.
 */
static int signal_members(const struct cgroup *cg, int signo, const pid_t *pid, int *pidfd, int n)
{
	struct pid_list now = { 0 };
	int rc = walk(cg->dir, &now, 0);
	int reached = 0;

	if (now.n > 0)
		qsort(now.pid, now.n, sizeof(*now.pid), by_number);
	for (int i = 0; i < n; i++) {
		if (rc == 0 && pidfd[i] >= 0 && now.n > 0 &&
			bsearch(&pid[i], now.pid, now.n, sizeof(*now.pid), by_number))
			reached += pidfd_send_signal(pidfd[i], signo, NULL, 0) == 0;
		fd_drop(&pidfd[i]);
	}
	free(now.pid);
	return rc < 0 ? rc : reached;
}

int cgroup_signal(const struct cgroup *cg, int signo)
{
	int pidfd[CGROUP_SIGNAL_BATCH];
	auto_free pid_t *pid = NULL;
	int reached = 0, rc;
	size_t n = 0;

	if (cg->dir < 0)
		return 0;
	memset(pidfd, -1, sizeof(pidfd)); /* none is open */
	rc = signo == SIGKILL ? kill_at_once(cg) : -ENOENT;
	if (rc >= 0)
		return rc;
	rc = cgroup_pids(cg, &pid, &n);
	for (size_t at = 0; rc >= 0 && at < n;) {
		int opened = open_members(pid + at, n - at, pidfd);

		rc = opened < 0 ? opened : signal_members(cg, signo, pid + at, pidfd, opened);
		reached += rc > 0 ? rc : 0;
		at += opened > 0 ? (size_t)opened : 0;
	}
	return rc < 0 ? rc : reached;
}
