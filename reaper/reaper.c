/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/reaper.h"

#include "base/auto.h"
#include "reaper/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

bool reaper_tracks(const struct reaper *r, pid_t pid)
{
	list_each (it, &r->children)
		if (container_of(it, struct child, link)->pid == pid)
			return true;
	return false;
}

void reaper_sweep(struct reaper *r)
{
	while (r->holds == 0) {
		siginfo_t si = { 0 };

		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid == 0)
			return;
		/*
		 * The kernel keeps showing the same zombie, so a tracked one hides
		 * the orphans behind it. Its pidfd is readable too, and the turn
		 * that reaps it ends in another sweep.
		 */
		if (reaper_tracks(r, si.si_pid))
			return;
		waitid(P_PID, (id_t)si.si_pid, &si, WEXITED | WNOHANG);
	}
}

static void look_at_the_blind(struct reaper *r)
{
	if (r->n_blind == 0)
		return;
	list_each (it, &r->children) {
		struct child *c = container_of(it, struct child, link);

		if (c->is_blind)
			child_look(c);
	}
}

static void on_signal(struct ev_loop *loop, ev_io *w, int revents)
{
	struct reaper *r = container_of(w, struct reaper, watcher);
	struct signalfd_siginfo drain[8];

	(void)loop;
	(void)revents;
	while (read(w->fd, drain, sizeof(drain)) > 0)
		; /* SIGCHLD coalesces: the records say nothing worth trusting */
	look_at_the_blind(r);
	reaper_sweep(r);
}

/*
 * Before the loop sleeps. libev tells the kernel what to watch after it has
 * decided for how long, and what the kernel then refuses is an event that would
 * be delivered after that sleep: an exit, or a client, would wait for somebody
 * else to wake us.
 */
static void on_sleep(struct ev_loop *loop)
{
	if (ev_pending_count(loop) > 0)
		(void)raise(SIGCHLD); /* cannot fail; it is blocked, and read by on_signal() */
}

int reaper_init(struct reaper *r, struct ev_loop *loop)
{
	sigset_t mask;

	*r = (struct reaper){ .loop = loop, .signal_fd = -1 };
	list_init(&r->children);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	r->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0)
		return -errno;
	ev_io_init(&r->watcher, on_signal, r->signal_fd, EV_READ);
	ev_io_start(loop, &r->watcher);
	ev_set_loop_release_cb(loop, on_sleep, NULL);
	return 0;
}

void reaper_fini(struct reaper *r)
{
	assert(list_is_empty(&r->children));
	if (r->signal_fd >= 0) {
		ev_io_stop(r->loop, &r->watcher);
		ev_set_loop_release_cb(r->loop, NULL, NULL);
	}
	fd_drop(&r->signal_fd);
}

bool reaper_hears(const struct reaper *r)
{
	return ev_is_active(&r->watcher);
}

void reaper_hold(struct reaper *r)
{
	r->holds++;
}

void reaper_release(struct reaper *r)
{
	assert(r->holds > 0);
	r->holds--;
	reaper_sweep(r);
}
