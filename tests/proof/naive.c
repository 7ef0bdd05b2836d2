/* SPDX-License-Identifier: Apache-2.0 */

/*
 * naive.c - the reaper as it is usually written: by number. Linked into a shim that is the product
 * otherwise, in place of reaper/child.c and reaper/reaper.c, so that the storm is seen to find what
 * it is there to find. Nothing of it is in the product. $PROOF_NAIVE says what it does wrong:
 *
 *	unheld	orphans are collected although a runtime has yet to tell their pids
 *	number	the same; but how they ended is kept by number, and told of whoever bears it when
 *		its pid is told, as a shim with a map of recent exits does
 *	signal	a signal goes to the number its process had when it was asked for, a while after
 *
 * The last two are right as long as no number is given out twice.
 */

#include "base/auto.h"
#include "base/clock.h"
#include "reaper/child.h"
#include "reaper/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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

#define NUMBERS 65536

/* As long as a runtime takes that is asked to signal. */
#define LATE_S 0.005

static struct exit_status last[NUMBERS]; /* of one that nobody tracked; .at is 0: none */

static bool goes_wrong_by(const char *mode)
{
	const char *is = getenv("PROOF_NAIVE");

	return is && strcmp(is, mode) == 0;
}

static struct exit_status *last_of(pid_t pid)
{
	struct exit_status *st = &last[pid % NUMBERS];

	return goes_wrong_by("number") && st->at.tv_sec ? st : NULL;
}

/* While a hold is taken only those who are tracked, where that is not what goes wrong. */
static bool next_exit(const struct reaper *r, siginfo_t *si)
{
	*si = (siginfo_t){ 0 };
	if (!goes_wrong_by("signal") || r->holds == 0)
		return waitid(P_ALL, 0, si, WEXITED | WNOHANG) == 0 && si->si_pid != 0;
	list_each (it, &r->children) {
		pid_t pid = container_of(it, struct child, link)->pid;

		if (waitid(P_PID, (id_t)pid, si, WEXITED | WNOHANG) == 0 && si->si_pid != 0)
			return true;
	}
	return false;
}

static void end(struct child *c, const struct exit_status *st)
{
	struct exit_status copy = *st;

	child_forget(c);
	c->on_exit(c, &copy);
}

void reaper_sweep(struct reaper *r)
{
	siginfo_t si;

	while (next_exit(r, &si)) {
		struct child *c = find(r, si.si_pid);
		struct exit_status st;

		exit_status_decode(&si, &st);
		if (c)
			end(c, &st);
		else
			last[si.si_pid % NUMBERS] = st;
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
	ev_feed_event(r->loop, &r->watcher, EV_READ); /* a sweep, from the loop */
}

static void on_known(struct ev_loop *loop, ev_io *w, int revents)
{
	struct child *c = container_of(w, struct child, watcher);
	struct exit_status st = last[c->pid % NUMBERS];

	(void)loop;
	(void)revents;
	last[c->pid % NUMBERS] = (struct exit_status){ 0 };
	end(c, &st);
}

static void track(struct child *c, struct reaper *r, pid_t pid, child_exit_fn *on_exit)
{
	*c = (struct child){
		.reaper = r, .pid = pid, .pidfd = any_descriptor(), .on_exit = on_exit
	};
	ev_io_init(&c->watcher, on_known, c->pidfd, EV_READ); /* never started: it is told */
	list_append(&r->children, &c->link);
	if (last_of(pid))
		ev_feed_event(r->loop, &c->watcher, EV_READ);
}

/* Whoever had this number before, it was another. */
static void track_new(
	struct child *c, struct reaper *r, pid_t pid, int pidfd, child_exit_fn *on_exit)
{
	close(pidfd);
	last[pid % NUMBERS] = (struct exit_status){ 0 };
	track(c, r, pid, on_exit);
}

int child_spawn(struct child *c, struct reaper *r, const struct spawn *s, child_exit_fn *on_exit)
{
	pid_t pid;
	int pidfd, rc = spawn_program(s, &pid, &pidfd);

	if (rc == 0)
		track_new(c, r, pid, pidfd, on_exit);
	return rc;
}

int child_fork(struct child *c, struct reaper *r, int (*body)(void *arg), void *arg,
	child_exit_fn *on_exit)
{
	pid_t pid;
	int pidfd, rc = spawn_body(body, arg, &pid, &pidfd);

	if (rc == 0)
		track_new(c, r, pid, pidfd, on_exit);
	return rc;
}

int child_adopt(struct child *c, struct reaper *r, pid_t pid, child_exit_fn *on_exit)
{
	if (!last_of(pid) && kill(pid, 0) < 0)
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

	child_forget(from);
	track(to, r, pid, on_exit);
}

struct late {
	ev_timer timer;
	pid_t pid;
	int signo;
};

static void on_late(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct late *l = container_of(w, struct late, timer);

	(void)loop;
	(void)revents;
	(void)kill(l->pid, l->signo);
	free(l);
}

int child_signal(struct child *c, int signo)
{
	struct late *l;

	if (!child_is_tracked(c))
		return -ESRCH;
	if (!goes_wrong_by("signal"))
		return kill(c->pid, signo) < 0 ? -errno : 0;
	l = malloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->pid = c->pid;
	l->signo = signo;
	ev_timer_init(&l->timer, on_late, LATE_S, 0.);
	ev_timer_start(c->reaper->loop, &l->timer);
	return 0;
}

void child_forget(struct child *c)
{
	if (!child_is_tracked(c))
		return;
	ev_io_stop(c->reaper->loop, &c->watcher); /* and what is pending */
	list_remove(&c->link);
	fd_drop(&c->pidfd);
}
