/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_RELAY_H
#define SHIM_CTL_RELAY_H

/*
 * relay.h - one of belayctl's own streams to or from a FIFO of the container.
 *
 * Each is a process of its own that copies and may block: our standard streams
 * can be terminals, files and pipes shared with others, none of which may be
 * made non-blocking. It ends with its source; signals of the terminal are not for it.
 */

#include "base/err.h"
#include "reaper/child.h"

#include <stdbool.h>

struct reaper;

struct relay {
	struct child child;
	bool has_failed;
	void (*on_end)(struct relay *r);
};

/* The three streams of belayctl, and the FIFOs stdin, stdout and stderr in the current folder. */
struct streams {
	struct relay in, out, err;
	void (*on_input_end)(struct streams *s);
	/* Of both outputs; and of each that @failed: it could not be written, to a reader that has
	 * gone or a disk that is full. */
	void (*on_output_end)(struct streams *s, bool failed);
};

void streams_init(struct streams *s, void (*on_input_end)(struct streams *s),
	void (*on_output_end)(struct streams *s, bool failed));

struct streams_wanted {
	bool input;
	bool err; /* with a terminal there is one output */
};

/* 0: the callbacks follow. */
int streams_begin(struct streams *s, struct reaper *reaper, const struct streams_wanted *wanted,
	struct err *e);

/* In on_output_end(): what failed is read all the same, so that nobody waits for a reader. */
void streams_discard(struct streams *s, struct reaper *reaper);

bool streams_input_is_open(const struct streams *s);
bool streams_output_is_open(const struct streams *s);

/* Ends them now; no callback follows. Also for streams that never began. */
void streams_stop(struct streams *s);

#endif
