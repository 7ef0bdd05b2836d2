/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_DEAF_H
#define TESTS_LIB_DEAF_H

/*
 * deaf.h - a kernel that will not watch a descriptor: epoll_ctl(2) may fail with ENOMEM or ENOSPC.
 */

#include <ev.h>

/* What libev does then: it stops the watcher, and says so once, in the next turn. */
static inline void refuse_to_watch(struct ev_loop *loop, ev_io *w)
{
	ev_io_stop(loop, w);
	ev_feed_event(loop, w, EV_ERROR | EV_READ | EV_WRITE);
}

#endif
