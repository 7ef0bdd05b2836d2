/* SPDX-License-Identifier: Apache-2.0 */

/*
 * naive.c - the reaper as it is usually written: by number, with one wait for
 * everybody. Linked into a shim that is the product otherwise, in place of
 * reaper/child.c and reaper/reaper.c, so that the storm is seen to find what it
 * is there to find. Nothing of it is in the product.
 */

#include "base/auto.h"
#include "base/clock.h"
#include "reaper/child.h"
#include "reaper/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

/* Something to be seen as "tracked": nobody reads it. */
static int any_descriptor(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void exit_status_decode(const siginfo_t *si, struct exit_status *ret)
{
	bool exited = si->si_code == CLD_EXITED;

	ret->code = exited ? si->si_status : 128 + si->si_status;
	ret->signal = exited ? 0 : si->si_status;
	ret->at = clock_wall();
}

bool reaper_tracks(const struct reaper *r, pid_t pid)
{
	list_each (it, &r->children)
		if (container_of(it, struct child, link)->pid == pid)
			return true;
	return false;
}

static struct child *find(const struct reaper *r, pid_t pid)
{
	list_each (it, &r->children)
		if (container_of(it, struct child, link)->pid == pid)
			return container_of(it, struct child, link);
	return NULL;
}

void reaper_sweep(struct reaper *r)
{
	siginfo_t si = { 0 };

	while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG) == 0 && si.si_pid != 0) {
		struct child *c = find(r, si.si_pid);
		struct exit_status st;

		exit_status_decode(&si, &st);
		si.si_pid = 0;
		if (!c)
			continue; /* nobody of ours */
		list_remove(&c->link);
		fd_drop(&c->pidfd);
		c->on_exit(c, &st);
	}
}

static void on_signal(struct ev_loop *loop, ev_io *w, int revents)
{
	struct signalfd_siginfo drain[8];

	(void)loop;
	(void)revents;
	while (read(w->fd, drain, sizeof(drain)) > 0)
		;
	reaper_sweep(container_of(w, struct reaper, watcher));
}

int reaper_init(struct reaper *r, struct ev_loop *loop)
{
	sigset_t mask;

	*r = (struct reaper){ .loop = loop, .signal_fd = -1 };
	list_init(&r->children);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	r->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	ev_io_init(&r->watcher, on_signal, r->signal_fd, EV_READ);
	ev_io_start(loop, &r->watcher);
	return 0;
}

void reaper_fini(struct reaper *r)
{
	ev_io_stop(r->loop, &r->watcher);
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
	r->holds--;
}

static void track(struct child *c, struct reaper *r, pid_t pid, child_exit_fn *on_exit)
{
	*c = (struct child){
		.reaper = r, .pid = pid, .pidfd = any_descriptor(), .on_exit = on_exit
	};
	list_append(&r->children, &c->link);
}

int child_spawn(struct child *c, struct reaper *r, const struct spawn *s, child_exit_fn *on_exit)
{
	pid_t pid;
	int pidfd, rc = spawn_program(s, &pid, &pidfd);

	if (rc == 0) {
		close(pidfd);
		track(c, r, pid, on_exit);
	}
	return rc;
}

int child_fork(struct child *c, struct reaper *r, int (*body)(void *arg), void *arg,
	child_exit_fn *on_exit)
{
	pid_t pid;
	int pidfd, rc = spawn_body(body, arg, &pid, &pidfd);

	if (rc == 0) {
		close(pidfd);
		track(c, r, pid, on_exit);
	}
	return rc;
}

int child_adopt(struct child *c, struct reaper *r, pid_t pid, child_exit_fn *on_exit)
{
	if (kill(pid, 0) < 0)
		return -errno;
	track(c, r, pid, on_exit);
	return 0;
}

/* The runtime of the storm hands no pidfds over, and this variant would not know what they are. */
int child_adopt_pidfd(struct child *c, struct reaper *r, int pidfd, child_exit_fn *on_exit)
{
	(void)c;
	(void)r;
	(void)pidfd;
	(void)on_exit;
	return -EBADF;
}

int child_pid_of(int pidfd, pid_t *ret)
{
	(void)pidfd;
	(void)ret;
	return -EBADF;
}

void child_move(struct child *to, struct child *from, child_exit_fn *on_exit)
{
	struct reaper *r = from->reaper;
	pid_t pid = from->pid;

	list_remove(&from->link);
	fd_drop(&from->pidfd);
	track(to, r, pid, on_exit);
}

int child_signal(struct child *c, int signo)
{
	if (!child_is_tracked(c))
		return -ESRCH;
	return kill(c->pid, signo) < 0 ? -errno : 0;
}

void child_forget(struct child *c)
{
	if (!child_is_tracked(c))
		return;
	list_remove(&c->link);
	fd_drop(&c->pidfd);
}
