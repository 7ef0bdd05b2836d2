/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_LISTENER_H
#define SHIM_CTL_LISTENER_H

/*
 * listener.h - what a shim tells whoever started it: events, and its log.
 */

#include "base/err.h"
#include "proto/server.h"

#include <ev.h>
#include <stdbool.h>

/* Embed it; the fields are private. */
struct listener {
	struct ev_loop *loop; /* borrowed */
	struct server events;
	bool has_events;
	int log_fd; /* owned */
	ev_io log_watcher;
};

void listener_init(struct listener *l, struct ev_loop *loop);

/* Takes part in the FIFO `log` of @bundle; shows the lines on standard error if they are to be. */
int listener_open_log(struct listener *l, int bundle, bool shown, struct err *e);
void listener_close_log(struct listener *l);

/* Answers events on BUNDLE/events, so that the shim need not keep them. */
int listener_open_events(struct listener *l, const char *bundle, struct err *e);
void listener_close_events(struct listener *l);

#endif
