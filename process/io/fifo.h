/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_IO_FIFO_H
#define PROCESS_IO_FIFO_H

/*
 * fifo.h - containerd's FIFOs, opened so that nobody can hang us.
 *
 * A FIFO has two ends and we hold both: a client that goes away must not give
 * the container EPIPE or end of file, and one that comes back finds its stream
 * where it left it. A client opens its end in the background, with an open()
 * that blocks until the other end exists; so the end it reads may be closed
 * only after a reader has been there, or it would wait for ever for a writer.
 */

#include "base/attr.h"

#include <stdbool.h>

struct fifo {
	int fd;        /* the end we use, non-blocking; owned; -1 if none */
	int keep;      /* the other end, only held; owned; -1 if none */
	bool was_read; /* a client has had its end open (of a FIFO we write) */
};

#define FIFO_NONE ((struct fifo){ .fd = -1, .keep = -1 })

/* Whether @path is a FIFO: 1, 0, or -errno. */
int fifo_is(const char *path);

/* Both ends, for reading or writing. Never waits for a client. 0 or -errno. */
int fifo_open_read(struct fifo *f, const char *path) NODISCARD;
int fifo_open_write(struct fifo *f, const char *path) NODISCARD;

/*
 * Of a FIFO we write: whether a client has its end open, or had. A client that
 * waits in its open() counts. Asked for before the first byte only.
 */
bool fifo_has_reader(struct fifo *f);

/*
 * After the last byte was written: closes the FIFO if that loses nothing, which
 * is when a client has its end open, or had and has read everything. False:
 * nobody is there; ask again later.
 */
bool fifo_try_close(struct fifo *f);

/* Closes both ends, whatever that loses. */
void fifo_close(struct fifo *f);

#endif
