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

static int begin(struct signals *s, const sigset_t *wanted)
{
	sigset_t blocked = *wanted;

	sigaddset(&blocked, SIGPIPE);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;
	s->fd = signalfd(-1, wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0)
		return -errno;
	ev_io_init(&s->watcher, on_readable, s->fd, EV_READ);
	ev_io_start(s->loop, &s->watcher);
	return 0;
}

static void fill(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
}

int signals_init(
	struct signals *s, struct ev_loop *loop, void (*on_signal)(struct signals *s, int signo))
{
	sigset_t wanted;

	*s = (struct signals){ .loop = loop, .fd = -1, .on_signal = on_signal };
	fill(&wanted);
	return begin(s, &wanted);
}

/* A blocked signal is queued even if it is ignored, so that has to be asked for. */
static bool is_ignored(int signo)
{
	struct sigaction now;

	return sigaction(signo, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

int signals_init_at_terminal(
	struct signals *s, struct ev_loop *loop, void (*on_signal)(struct signals *s, int signo))
{
	sigset_t wanted;

	*s = (struct signals){ .loop = loop, .fd = -1, .on_signal = on_signal };
	fill(&wanted);
	if (!is_ignored(SIGHUP))
		sigaddset(&wanted, SIGHUP);
	if (!is_ignored(SIGQUIT))
		sigaddset(&wanted, SIGQUIT);
	return begin(s, &wanted);
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
