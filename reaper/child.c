/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/child.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "reaper/reaper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

void exit_status_decode(const siginfo_t *si, struct exit_status *ret)
{
	bool exited = si->si_code == CLD_EXITED;

	ret->code = exited ? si->si_status : 128 + si->si_status;
	ret->signal = exited ? 0 : si->si_status;
	ret->at = clock_wall();
}

/* The one place a tracked child's status is read. Returns false if the child still runs. */
static bool reap(struct child *c, struct exit_status *ret)
{
	siginfo_t si = { 0 };

	if (waitid((idtype_t)P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG) < 0) {
		/* Not ours any more: nobody will say how it ended. */
		*ret = (struct exit_status){ .code = EXIT_CODE_UNKNOWN, .at = clock_wall() };
		return true;
	}
	if (si.si_pid == 0)
		return false;
	exit_status_decode(&si, ret);
	return true;
}

static void untrack(struct child *c)
{
	ev_io_stop(c->reaper->loop, &c->watcher);
	list_remove(&c->link);
	fd_drop(&c->pidfd);
	c->reaper->n_blind -= c->is_blind;
	c->is_blind = false;
}

/* SIGCHLD will say when to look. */
static void go_blind(struct child *c, const char *why)
{
	ev_io_stop(c->reaper->loop, &c->watcher);
	if (!c->is_blind)
		log_warn("child", "pid=%d error=\"%s\", looking at each SIGCHLD", (int)c->pid, why);
	c->reaper->n_blind += !c->is_blind;
	c->is_blind = true;
}

static void on_pidfd(struct ev_loop *loop, ev_io *w, int revents)
{
	struct child *c = container_of(w, struct child, watcher);
	struct reaper *r = c->reaper;
	struct exit_status st;

	(void)loop;
	if (!reap(c, &st)) {
		/* libev has stopped; or the tracer of a zombie has not taken note of it: the
		 * descriptor stays readable, and the status is not to be had, for as long. */
		go_blind(c, revents & EV_ERROR ? "cannot be watched" : "its tracer holds it");
		return;
	}
	untrack(c);
	c->on_exit(c, &st);
	/* c may be gone. It may have hidden orphans from the sweep: see reaper.c. */
	reaper_sweep(r);
}

static void track(struct child *c, struct reaper *r, pid_t pid, int pidfd, child_exit_fn *on_exit)
{
	*c = (struct child){ .reaper = r, .pid = pid, .pidfd = pidfd, .on_exit = on_exit };
	list_append(&r->children, &c->link);
	r->n_followed++;
	ev_io_init(&c->watcher, on_pidfd, pidfd, EV_READ);
	ev_io_start(r->loop, &c->watcher);
}

int child_spawn(struct child *c, struct reaper *r, const struct spawn *s, child_exit_fn *on_exit)
{
	pid_t pid;
	int pidfd, rc;

	assert(!child_is_tracked(c));
	rc = spawn_program(s, &pid, &pidfd);
	if (rc == 0)
		track(c, r, pid, pidfd, on_exit);
	return rc;
}

int child_fork(struct child *c, struct reaper *r, int (*body)(void *arg), void *arg,
	child_exit_fn *on_exit)
{
	pid_t pid;
	int pidfd, rc;

	assert(!child_is_tracked(c));
	rc = spawn_body(body, arg, &pid, &pidfd);
	if (rc == 0)
		track(c, r, pid, pidfd, on_exit);
	return rc;
}

static int adopt(struct child *c, struct reaper *r, pid_t pid, int pidfd, child_exit_fn *on_exit)
{
	siginfo_t si;

	assert(!child_is_tracked(c));
	if (reaper_tracks(r, pid))
		return -EBUSY;
	/* Peeks only: an answer at all, other than ECHILD, says whose child it is. */
	if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -errno;
	track(c, r, pid, pidfd, on_exit);
	return 0;
}

int child_adopt(struct child *c, struct reaper *r, pid_t pid, child_exit_fn *on_exit)
{
	auto_fd int pidfd = pidfd_open(pid, 0);
	int rc = pidfd < 0 ? -errno : adopt(c, r, pid, pidfd, on_exit);

	if (rc == 0)
		(void)take_fd(&pidfd);
	return rc;
}

int child_adopt_pidfd(struct child *c, struct reaper *r, int pidfd, child_exit_fn *on_exit)
{
	pid_t pid;
	int rc = child_pid_of(pidfd, &pid);

	return rc < 0 ? rc : adopt(c, r, pid, pidfd, on_exit);
}

/* The line is "Pid:\t123"; 0 for one we cannot see, -1 for one that was reaped. */
int child_pid_of(int pidfd, pid_t *ret)
{
	auto_buf struct buf text = BUF_INIT(4096);
	const char *line;
	char path[48];
	int pid, rc;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	rc = fd_read_file(AT_FDCWD, path, &text);
	if (rc < 0)
		return rc == -ENOENT ? -EBADF : rc;
	line = buf_text(&text) ? strstr(buf_text(&text), "\nPid:") : NULL;
	if (!line || sscanf(line, "\nPid: %d", &pid) != 1)
		return -EBADF;
	if (pid <= 0)
		return -ESRCH;
	*ret = pid;
	return 0;
}

void child_move(struct child *to, struct child *from, child_exit_fn *on_exit)
{
	struct reaper *r = from->reaper;
	int pidfd = from->pidfd;

	assert(child_is_tracked(from) && !child_is_tracked(to));
	ev_io_stop(r->loop, &from->watcher);
	list_remove(&from->link);
	from->pidfd = -1;
	r->n_blind -= from->is_blind;
	from->is_blind = false;
	track(to, r, from->pid, pidfd, on_exit);
}

int child_signal(struct child *c, int signo)
{
	if (!child_is_tracked(c))
		return -ESRCH;
	return pidfd_send_signal(c->pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

void child_look(struct child *c)
{
	ev_feed_event(c->reaper->loop, &c->watcher, EV_READ);
}

void child_forget(struct child *c)
{
	if (!child_is_tracked(c))
		return;
	untrack(c);
	/* It may be dead already, and the SIGCHLD that told so spent on a sweep that passed it
	 * over. */
	reaper_sweep(c->reaper);
}
