/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

/*
 * auto.h - variables that clean up after themselves.
 *
 *	auto_fd int fd = open(...);          closed on every way out
 *	auto_free char *path = strdup(...);  freed on every way out
 *	*ret_fd = take_fd(&fd);              ...unless handed over
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define auto_fd   __attribute__((cleanup(auto_close_)))
#define auto_free __attribute__((cleanup(auto_free_)))

/* Closes *fd if it is open and marks it closed. Keeps errno. */
static inline void fd_drop(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd); /* Linux frees the number even on EINTR: never retry */
	*fd = -1;
	errno = saved;
}

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(*(p)) taken_ = *(p);                                                    \
		*(p) = NULL;                                                                       \
		taken_;                                                                            \
	})

static inline void auto_close_(int *fd)
{
	fd_drop(fd);
}

static inline void auto_free_(void *p)
{
	free(*(void **)p);
}

#endif
