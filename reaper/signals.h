/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPER_SIGNALS_H
#define REAPER_SIGNALS_H

/*
 * signals.h - signals for us as events of the loop. SIGCHLD is the reaper's.
 *
 * They are blocked and read from a signalfd: no handler, nothing asynchronous.
 * SIGPIPE is blocked for good and read by nobody, so that a peer that hangs up
 * is EPIPE where we write. Blocked, not ignored: "ignored" survives exec.
 */

#include "base/attr.h"

#include <ev.h>
#include <stdbool.h>

/* Embed it; the fields are private. */
struct signals {
	struct ev_loop *loop; /* borrowed */
	ev_io watcher;
	int fd;
	void (*on_signal)(struct signals *s, int signo);
};

/* Calls @on_signal for SIGTERM, SIGINT and SIGUSR1. 0 or -errno. */
int signals_init(struct signals *s, struct ev_loop *loop,
	void (*on_signal)(struct signals *s, int signo)) NODISCARD;

/*
 * For a command that people run: SIGHUP and SIGQUIT too, which a terminal sends,
 * each unless whoever started us had us ignore it (nohup). A service dies of them.
 */
int signals_init_at_terminal(struct signals *s, struct ev_loop *loop,
	void (*on_signal)(struct signals *s, int signo)) NODISCARD;
void signals_fini(struct signals *s);

/* False after a turn of the loop in which the kernel refused to watch (epoll_ctl: ENOMEM, ENOSPC).
 */
bool signals_are_heard(const struct signals *s);

#endif
