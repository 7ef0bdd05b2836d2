/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FD_H
#define BASE_FD_H

/*
 * fd.h - descriptors and small files.
 *
 * All functions return 0 or a count, or -errno. What they open is
 * close-on-exec. Names are relative to a directory descriptor the caller holds.
 */

#include "base/attr.h"
#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

int fd_set_nonblock(int fd, bool on);

/* Appends all that is left of @fd, which may block. -EFBIG when @ret may not hold it. */
int fd_read_all(int fd, struct buf *ret) NODISCARD;

/* Appends a whole file to @ret. -EFBIG when it has more bytes than @ret may hold. */
int fd_read_file(int dir, const char *name, struct buf *ret) NODISCARD;

/*
 * A file with these bytes appears under @name whole or not at all: written
 * beside it, under a name of this process's own, then renamed over it. A link of
 * that name is replaced, never followed.
 */
int fd_replace_file(int dir, const char *name, const void *bytes, size_t n, mode_t mode) NODISCARD;

/* Writes all of it to a descriptor that may block, such as a pipe to a terminal. */
int fd_write_all(int fd, const void *bytes, size_t n) NODISCARD;

/*
 * In the child of a fork: closes all that is open but 0, 1, 2 and the @n of
 * @keep, which are sorted; those that are negative are none. What a child goes
 * on holding is a file that others wait for the end of.
 */
void fd_close_others(int *keep, size_t n);

/*
 * Of the message that waits on a UNIX socket: how many descriptors came with it.
 * One alone is the caller's, in *ret_fd, close-on-exec; more, or some of more
 * than there is room for, are closed. What is said beside them is not wanted.
 * -errno, -EAGAIN when there is no message.
 */
int fd_receive(int sock, int *ret_fd) NODISCARD;

#endif
