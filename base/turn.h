/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TURN_H
#define BASE_TURN_H

/*
 * turn.h - what the present turn of a loop is about, for whoever finds that it took long.
 *
 * It hangs on the loop (ev_userdata), so that those who do the work need not
 * be handed it; a loop without one notes nothing. Two stores: no clock is read.
 */

#include <ev.h>

/* Static text, NULL until something is noted: of a plan and its step, or a call and its method. */
struct turn {
	const char *what, *part;
};

/* The last one of a turn stays. */
static inline void turn_note(struct ev_loop *loop, const char *what, const char *part)
{
	struct turn *t = ev_userdata(loop);

	if (t)
		*t = (struct turn){ what, part };
}

#endif
