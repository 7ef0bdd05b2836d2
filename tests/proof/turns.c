/* SPDX-License-Identifier: Apache-2.0 */

/*
 * turns.c - epoll_wait() and clone() of a shim that counts its sleeps (turns.h).
 *
 * Linked with --wrap, so that calls out of libev come here too.
 */

#include "tests/proof/turns.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

int __real_epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms);
int __real_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
int __wrap_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);

static struct turns *counts, nowhere;
static long at_begin, in_clone;

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
	long odd = counts->turns ? at_end - at_begin - in_clone : 0;
	int rc;

	counts->in_turns += odd;
	counts->bad_turns += odd > 0;
	counts->spawned += in_clone;
	rc = __real_epoll_wait(fd, events, n, timeout_ms);
	in_clone = 0;
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
