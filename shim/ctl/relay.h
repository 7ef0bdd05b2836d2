/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_RELAY_H
#define SHIM_CTL_RELAY_H

/*
 * relay.h - one of belayctl's own streams to or from a FIFO of the container.
 *
 * Each is a process of its own that copies and may block: our standard streams
 * can be terminals, files and pipes shared with others, none of which may be
 * made non-blocking. It ends with its source; SIGINT and SIGTERM are not for it.
 */

#include "base/err.h"
#include "reaper/child.h"

struct reaper;

struct relay {
	struct child child;
	void (*on_end)(struct relay *r);
};

#define RELAY_NONE ((struct relay){ .child = { .pidfd = -1 } })

/* From @fifo to @fd, or from @fd to @fifo. 0: on_end follows, once. */
int relay_out(struct relay *r, struct reaper *reaper, const char *fifo, int fd,
	void (*on_end)(struct relay *r), struct err *e);
int relay_in(struct relay *r, struct reaper *reaper, int fd, const char *fifo,
	void (*on_end)(struct relay *r), struct err *e);

/* Ends it now; on_end does not follow. Also for one that never began. */
void relay_stop(struct relay *r);

#endif
