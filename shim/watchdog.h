/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_WATCHDOG_H
#define SHIM_WATCHDOG_H

/*
 * watchdog.h - a turn of the loop that took too long, and what it was about.
 *
 * While a turn lasts nobody is served, so that a call that blocks, of all
 * things that may go wrong in a shim, is seen last: clients only see that it
 * is slow. A turn begins when the kernel has handed over events and ends
 * before the next wait. Two readings of the clock are all it costs.
 */

#include "base/turn.h"

#include <ev.h>
#include <stdint.h>

/*
 * A longer turn is logged. Far above what any turn is meant to take; a machine
 * without a processor to spare adds some slices of its scheduler.
 */
#define WATCHDOG_TURN_MAX_MS 50

/* Embed it; the fields are private. */
struct watchdog {
	ev_check begin;
	ev_prepare end;
	struct turn turn; /* the one that runs */
	int64_t began_ns; /* 0: none runs */
	int64_t longest_ns;
	struct turn longest;
	unsigned long n_long;
};

/* It must stay put until it is stopped; the loop's user data is its own from here on. */
void watchdog_start(struct watchdog *w, struct ev_loop *loop);
void watchdog_stop(struct watchdog *w, struct ev_loop *loop);

/* Of the turns that are over: the longest, in nanoseconds, and what it was about. */
int64_t watchdog_longest(const struct watchdog *w, struct turn *ret_turn);

/* How many were longer than WATCHDOG_TURN_MAX_MS. */
unsigned long watchdog_long_turns(const struct watchdog *w);

#endif
