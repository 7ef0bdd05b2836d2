/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_CGROUP_OOM_H
#define PROCESS_CGROUP_OOM_H

/*
 * oom.h - out-of-memory kills in a control group.
 *
 * What counts is the kernel's own counter (oom_kill in memory.events, or in
 * memory.oom_control of version 1, Linux 4.13): a wake-up that did not raise it
 * is no kill, such as the one a removed group causes. oom_check() reads it once
 * more, so that a kill is known before the exit it caused is told, whichever
 * the kernel says first.
 */

#include "base/attr.h"
#include "process/cgroup/cgroup.h"

#include <ev.h>
#include <stdint.h>

/* Embed it; the fields are private. */
struct oom_watch {
	struct ev_loop *loop;    /* NULL: not begun */
	const struct cgroup *cg; /* borrowed */
	int fd;                  /* owned; inotify, or the eventfd of version 1 */
	int control;             /* owned; version 1: what the eventfd is tied to */
	uint64_t kills;          /* told so far */
	ev_io watcher;
	void (*on_oom)(struct oom_watch *w);
};

#define OOM_WATCH_NONE ((struct oom_watch){ .fd = -1, .control = -1 })

/* Calls @on_oom from the loop, once for any number of kills. 0 or -errno: then it watches nothing.
 */
int oom_begin(struct oom_watch *w, struct ev_loop *loop, const struct cgroup *cg,
	void (*on_oom)(struct oom_watch *w)) NODISCARD;

/* Calls @on_oom now if there have been kills that were not told. */
void oom_check(struct oom_watch *w);

/* Accepts one that never began. */
void oom_end(struct oom_watch *w);

#endif
