/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_IO_PUMP_H
#define PROCESS_IO_PUMP_H

/*
 * pump.h - bytes from one descriptor to another.
 *
 * Both are non-blocking and borrowed: they stay open until pump_stop() or
 * on_end. Between pipes and FIFOs the kernel moves them (splice): nothing is
 * copied to user space and nothing buffered here; what the reader does not
 * take stays in the pipes, 64 KiB each. A terminal cannot be spliced: there a
 * chunk is copied, and held only while the other side is full.
 */

#include "base/attr.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes moved in one turn of the loop, so that one loud container does not starve the rest. */
#define PUMP_TURN_MAX (1024 * 1024)

/* When a pump tries again that could not be watched, or had no memory, in seconds. */
#define PUMP_AGAIN_S 0.1

/* What a pump that copies may hold, in bytes. */
#define PUMP_CHUNK_BYTES 4096

/* Embed it; the fields are private. */
struct pump {
	struct ev_loop *loop; /* borrowed */
	int from, to;
	bool to_is_full;      /* waiting for room, not for bytes */
	bool copies;          /* one of them is a terminal */
	bool ends_when_empty; /* whoever wrote to the source is gone */
	uint8_t *chunk;       /* owned; what was read and not yet written */
	size_t chunk_at, chunk_len;
	ev_timer again; /* after the kernel refused to watch it, or to give memory */
	ev_io watcher;  /* on one of the two, as to_is_full says */
	void (*on_end)(struct pump *p);
	void (*on_drained)(struct pump *p);
};

/*
 * Starts. @on_end is called once, when the source is at its end or the sink is
 * broken; the pump has stopped by then and may be freed.
 */
void pump_start(
	struct pump *p, struct ev_loop *loop, int from, int to, void (*on_end)(struct pump *p));
void pump_start_copying(
	struct pump *p, struct ev_loop *loop, int from, int to, void (*on_end)(struct pump *p));

/* An empty source is at its end from now on. @on_end follows, from the loop. */
void pump_end_when_empty(struct pump *p);

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
