/* SPDX-License-Identifier: Apache-2.0 */

/*
 * inject.c - calls that fail on request (inject.h). Each fails with what the
 * kernel says when a machine is at its limits.
 */

#include "tests/proof/inject.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct faults *faults, nowhere;

int __real_open(const char *path, int flags, ...);

__attribute__((constructor)) static void open_faults(void)
{
	const char *path = getenv(FAULTS_ENV);
	int fd = path ? __real_open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED
			  : mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	faults = at == MAP_FAILED ? &nowhere : at;
	if (fd >= 0)
		close(fd);
}

static bool is_due(enum fault_kind kind, const char *name, int sys)
{
	if (!faults || !faults->is_armed || faults->kind != kind || ++faults->count != faults->at)
		return false;
	snprintf(faults->hit, sizeof(faults->hit), "%s", name);
	errno = sys;
	return true;
}

/* All that has a fixed number of arguments. */
#define WRAP(kind, ret, name, failed, sys, params, args)                                           \
	ret __real_##name params;                                                                  \
	ret __wrap_##name params;                                                                  \
	ret __wrap_##name params                                                                   \
	{                                                                                          \
		return is_due(kind, #name, sys) ? (failed) : __real_##name args;                   \
	}

#define MEMORY(name, params, args)    WRAP(FAULT_MEMORY, void *, name, NULL, ENOMEM, params, args)
#define CALL(name, sys, params, args) WRAP(FAULT_CALL, int, name, -1, sys, params, args)

struct epoll_event;
struct msghdr;

MEMORY(malloc, (size_t n), (n))
MEMORY(calloc, (size_t n, size_t size), (n, size))
MEMORY(realloc, (void *p, size_t n), (p, n))
WRAP(FAULT_MEMORY, void *, mmap, MAP_FAILED, ENOMEM,
	(void *at, size_t n, int prot, int flags, int fd, off_t off), (at, n, prot, flags, fd, off))

WRAP(FAULT_CALL, DIR *, opendir, NULL, EMFILE, (const char *path), (path))
WRAP(FAULT_CALL, ssize_t, read, -1, EIO, (int fd, void *to, size_t n), (fd, to, n))
WRAP(FAULT_CALL, ssize_t, pread, -1, EIO, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
WRAP(FAULT_CALL, ssize_t, write, -1, ENOSPC, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(FAULT_CALL, ssize_t, sendmsg, -1, ENOBUFS, (int fd, const struct msghdr *m, int flags),
	(fd, m, flags))
WRAP(FAULT_CALL, ssize_t, recv, -1, ENOMEM, (int fd, void *to, size_t n, int flags),
	(fd, to, n, flags))
WRAP(FAULT_CALL, ssize_t, recvmsg, -1, ENOMEM, (int fd, struct msghdr *m, int flags),
	(fd, m, flags))
WRAP(FAULT_CALL, ssize_t, splice, -1, ENOMEM,
	(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned int flags),
	(from, from_at, to, to_at, n, flags))
WRAP(FAULT_CALL, DIR *, fdopendir, NULL, ENOMEM, (int fd), (fd))
CALL(pipe2, EMFILE, (int fd[2], int flags), (fd, flags))
CALL(socket, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
CALL(connect, ENOMEM, (int fd, const struct sockaddr *to, socklen_t n), (fd, to, n))
CALL(bind, EADDRINUSE, (int fd, const struct sockaddr *to, socklen_t n), (fd, to, n))
CALL(listen, ENOMEM, (int fd, int n), (fd, n))
CALL(getsockopt, ENOBUFS, (int fd, int level, int name, void *to, socklen_t *n),
	(fd, level, name, to, n))
CALL(memfd_create, EMFILE, (const char *name, unsigned int flags), (name, flags))
CALL(eventfd, EMFILE, (unsigned int n, int flags), (n, flags))
CALL(signalfd, EMFILE, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
CALL(pidfd_open, EMFILE, (pid_t pid, unsigned int flags), (pid, flags))
CALL(epoll_create1, EMFILE, (int flags), (flags))
CALL(epoll_ctl, ENOSPC, (int ep, int op, int fd, struct epoll_event *e), (ep, op, fd, e))
CALL(inotify_init1, EMFILE, (int flags), (flags))
CALL(inotify_add_watch, ENOSPC, (int fd, const char *path, uint32_t mask), (fd, path, mask))
CALL(ftruncate, ENOSPC, (int fd, off_t n), (fd, n))
CALL(fstat, EIO, (int fd, struct stat *st), (fd, st))
CALL(fstatat, EIO, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags))
CALL(mkdir, ENOSPC, (const char *path, mode_t mode), (path, mode))
CALL(mkdirat, ENOSPC, (int fd, const char *path, mode_t mode), (fd, path, mode))
CALL(renameat, ENOSPC, (int from, const char *a, int to, const char *b), (from, a, to, b))
CALL(unlinkat, EIO, (int fd, const char *path, int flags), (fd, path, flags))
CALL(unlink, EIO, (const char *path), (path))
CALL(mount, ENOMEM,
	(const char *what, const char *at, const char *type, unsigned long flags, const void *data),
	(what, at, type, flags, data))
CALL(umount2, EIO, (const char *at, int flags), (at, flags))
CALL(dup2, EMFILE, (int from, int to), (from, to))
CALL(prctl, ENOMEM, (int what, unsigned long a, unsigned long b, unsigned long c, unsigned long d),
	(what, a, b, c, d))

/* Of a sanitizer, if we are built with it. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

int __real_accept4(int fd, struct sockaddr *who, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *who, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *who, socklen_t *n, int flags)
{
	if (faults->looks_for_leaks && __lsan_do_recoverable_leak_check)
		faults->n_leaks += __lsan_do_recoverable_leak_check() != 0;
	return is_due(FAULT_CALL, "accept4", EMFILE) ? -1 : __real_accept4(fd, who, n, flags);
}

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	unsigned int mode;

	va_start(ap, flags);
	mode = va_arg(ap, unsigned int);
	va_end(ap);
	return is_due(FAULT_CALL, "open", EMFILE) ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	unsigned int mode;

	va_start(ap, flags);
	mode = va_arg(ap, unsigned int);
	va_end(ap);
	return is_due(FAULT_CALL, "openat", EMFILE) ? -1 : __real_openat(dir, path, flags, mode);
}

int __real_fcntl(int fd, int what, ...);
int __wrap_fcntl(int fd, int what, ...);
int __wrap_fcntl(int fd, int what, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, what);
	arg = va_arg(ap, void *);
	va_end(ap);
	return is_due(FAULT_CALL, "fcntl", EMFILE) ? -1 : __real_fcntl(fd, what, arg);
}

int __real_ioctl(int fd, unsigned long what, ...);
int __wrap_ioctl(int fd, unsigned long what, ...);
int __wrap_ioctl(int fd, unsigned long what, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, what);
	arg = va_arg(ap, void *);
	va_end(ap);
	return is_due(FAULT_CALL, "ioctl", ENOMEM) ? -1 : __real_ioctl(fd, what, arg);
}

int __real_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
int __wrap_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
int __wrap_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	va_list ap;
	void *pidfd;

	va_start(ap, arg);
	pidfd = va_arg(ap, void *);
	va_end(ap);
	return is_due(FAULT_CALL, "clone", EAGAIN) ? -1
						   : __real_clone(fn, stack, flags, arg, pidfd);
}

/* clone3(), and what libc has no function for. Six are taken and passed on, however few there are.
 */
long __real_syscall(long n, ...);
long __wrap_syscall(long n, ...);
__attribute__((no_sanitize("address"))) long __wrap_syscall(long n, ...)
{
	long arg[6];
	va_list ap;

	va_start(ap, n);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	return is_due(FAULT_CALL, "syscall", EAGAIN)
		       ? -1
		       : __real_syscall(n, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
