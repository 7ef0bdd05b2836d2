/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPER_REAPER_H
#define REAPER_REAPER_H

/*
 * reaper.h - the only place that waits for processes.
 *
 * Tracked children (child.h) are reaped through their own pidfd. Orphans that
 * are handed to us because we are a subreaper are swept when SIGCHLD arrives,
 * but never while a hold is taken: a runtime tells us the pid of what it leaves
 * behind only after it has exited, and until we have read it that process must
 * stay a zombie rather than lose its status and its number. A zombie pins its
 * pid; pidfd_open() and waitid(P_PIDFD) work on it.
 *
 * A pidfd that the kernel refuses to watch (epoll_ctl: ENOMEM, or ENOSPC beyond
 * fs.epoll.max_user_watches) costs no exit: as long as there is such a child
 * each SIGCHLD is a reason to look at it, hold or not. So it is with one that
 * dies while it is traced: its pidfd is readable from then on, but its status is
 * the tracer's first, and the kernel signals us when it is ours.
 *
 * Take a hold before the runtime starts, release it when init is adopted. The
 * price: unrelated orphans stay zombies for as long as that takes.
 */

#include "base/attr.h"
#include "base/list.h"

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

/* Embed it; the fields are private. */
struct reaper {
	struct ev_loop *loop; /* borrowed */
	ev_io watcher;
	int signal_fd;
	int holds;
	unsigned int n_blind; /* children whose pidfd is not watched */
	struct list children;
	unsigned long n_followed; /* since the beginning, for a dump */
};

/*
 * Makes this process a subreaper, blocks SIGCHLD and starts watching. One per
 * process; the loop must be a private one (ev_loop_new): libev's default loop
 * waits for children behind our back. 0 or -errno.
 */
int reaper_init(struct reaper *r, struct ev_loop *loop) NODISCARD;

/* Nothing may be tracked any more. Accepts one that reaper_init() refused. */
void reaper_fini(struct reaper *r);

void reaper_hold(struct reaper *r);
void reaper_release(struct reaper *r);

/* Collects the orphans nobody tracks, unless a hold is taken. */
void reaper_sweep(struct reaper *r);

/* False after a turn of the loop in which the kernel refused to watch for SIGCHLD. */
bool reaper_hears(const struct reaper *r);

bool reaper_tracks(const struct reaper *r, pid_t pid);

#endif
