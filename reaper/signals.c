/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/signals.h"

#include "base/auto.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct signals *s = container_of(w, struct signals, watcher);
	struct signalfd_siginfo si;

	(void)loop;
	(void)revents;
	if (read(w->fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		s->on_signal(s, (int)si.ssi_signo);
	/* s may be gone; more signals make the descriptor readable again */
}

int signals_init(
	struct signals *s, struct ev_loop *loop, void (*on_signal)(struct signals *s, int signo))
{
	sigset_t wanted, blocked;

	*s = (struct signals){ .loop = loop, .fd = -1, .on_signal = on_signal };
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGUSR1);
	blocked = wanted;
	sigaddset(&blocked, SIGPIPE);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;
	s->fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0)
		return -errno;
	ev_io_init(&s->watcher, on_readable, s->fd, EV_READ);
	ev_io_start(loop, &s->watcher);
	return 0;
}

void signals_fini(struct signals *s)
{
	if (s->fd >= 0)
		ev_io_stop(s->loop, &s->watcher);
	fd_drop(&s->fd);
}

bool signals_are_heard(const struct signals *s)
{
	return ev_is_active(&s->watcher);
}
