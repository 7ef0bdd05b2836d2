/* SPDX-License-Identifier: Apache-2.0 */

/*
 * turns.c - the calls of a shim that counts its sleeps (turns.h).
 *
 * Linked with --wrap, so that calls out of libev come here too.
 */

#include "tests/proof/turns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

int __real_epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms);
int __real_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
int __wrap_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, mode_t mode);
int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode);
struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);

static struct turns *counts, nowhere;
static long at_begin, in_clone, in_cgroups;

__attribute__((constructor)) static void open_counts(void)
{
	const char *path = getenv(TURNS_ENV);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	counts = fd < 0 ? MAP_FAILED
			: mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		counts = &nowhere;
	if (fd >= 0)
		close(fd);
}

static long switches(void)
{
	struct rusage ru;

	getrusage(RUSAGE_THREAD, &ru);
	return ru.ru_nvcsw;
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms)
{
	long at_end = switches();
	long odd = counts->turns ? at_end - at_begin - in_clone - in_cgroups : 0;
	int rc;

	counts->in_turns += odd;
	counts->bad_turns += odd > 0;
	counts->spawned += in_clone;
	counts->at_locks += in_cgroups;
	rc = __real_epoll_wait(fd, events, n, timeout_ms);
	in_clone = in_cgroups = 0;
	at_begin = switches();
	counts->slept += at_begin - at_end;
	counts->turns++;
	return rc;
}

/* The pidfd is the only one of the optional arguments that the shim has a use for. */
int __wrap_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	long before = switches();
	va_list ap;
	void *pidfd;
	int rc;

	va_start(ap, arg);
	pidfd = va_arg(ap, void *);
	va_end(ap);
	rc = __real_clone(fn, stack, flags, arg, pidfd);
	in_clone += switches() - before;
	return rc;
}

/* fd: what was looked up, or where. */
static void note_lookup(long before, int fd)
{
	long slept = switches() - before;
	int saved = errno;
	struct statfs fs;

	if (slept > 0 && fstatfs(fd, &fs) == 0 &&
		(fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC))
		in_cgroups += slept;
	errno = saved;
}

/* The mode is there only with some flags; where it is not, it is not looked at. */
int __wrap_open(const char *path, int flags, mode_t mode)
{
	long before = switches();
	int fd = __real_open(path, flags, mode);

	note_lookup(before, fd);
	return fd;
}

int __wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
	long before = switches();
	int fd = __real_openat(dir, path, flags, mode);

	note_lookup(before, fd < 0 ? dir : fd);
	return fd;
}

struct dirent *__wrap_readdir(DIR *dir)
{
	long before = switches();
	struct dirent *entry = __real_readdir(dir);

	note_lookup(before, dirfd(dir));
	return entry;
}
