/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_IO_PUMP_H
#define PROCESS_IO_PUMP_H

/*
 * pump.h - bytes from one pipe to another, moved by the kernel (splice).
 *
 * Both are pipes or FIFOs, non-blocking, and borrowed: they stay open until
 * pump_stop() or on_end. Nothing is copied to user space and nothing buffered
 * here: what the reader does not take stays in the pipes, 64 KiB each.
 */

#include "base/attr.h"

#include <ev.h>
#include <stdbool.h>

/* Bytes moved in one turn of the loop, so that one loud container does not starve the rest. */
#define PUMP_TURN_MAX (1024 * 1024)

/* Embed it; the fields are private. */
struct pump {
	struct ev_loop *loop; /* borrowed */
	int from, to;
	bool to_is_full; /* waiting for room, not for bytes */
	ev_io watcher;   /* on one of the two, as to_is_full says */
	void (*on_end)(struct pump *p);
	void (*on_drained)(struct pump *p);
};

/*
 * Starts. @on_end is called once, when the source is at its end or the sink is
 * broken; the pump has stopped by then and may be freed.
 */
void pump_start(
	struct pump *p, struct ev_loop *loop, int from, int to, void (*on_end)(struct pump *p));

/*
 * Moves what is in the source now. True if that is done (or the pump has
 * stopped). False if the sink is full: then @on_drained follows, unless
 * on_end comes first.
 */
bool pump_drain(struct pump *p, void (*on_drained)(struct pump *p));

/* Neither callback follows. Also right for one that never started, if zeroed. */
void pump_stop(struct pump *p);

bool pump_is_running(const struct pump *p);

#endif
