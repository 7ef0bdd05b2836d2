/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/idle.h"

#include "base/auto.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Whoever is killed takes his own threads along, but not those who merely share
 * his memory: without the request we would leave a process that pauses for ever.
 */
static int do_nothing(void *arg)
{
	const struct idle *i = arg;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/*
	 * The parent may have died before the request. Not pause(): a function that
	 * is a cancellation point writes to the thread descriptor, and that is the
	 * parent's too.
	 */
	while (getppid() == i->parent)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
	_exit(0);
}

int idle_start(struct idle *i, int namespaces)
{
	sigset_t all, before;
	int rc = 0;

	i->pidfd = -1;
	i->parent = getpid();
	/* A handler must not run in there; the mask is inherited. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	i->pid = clone(do_nothing, i->stack + sizeof(i->stack),
		CLONE_VM | CLONE_FILES | CLONE_SIGHAND | CLONE_PIDFD | namespaces, i, &i->pidfd);
	if (i->pid < 0)
		rc = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int idle_check(const struct idle *i)
{
	return pidfd_send_signal(i->pidfd, 0, NULL, 0) < 0 ? -errno : 0;
}

void idle_kill(struct idle *i)
{
	/* Gone already is as good. */
	(void)pidfd_send_signal(i->pidfd, SIGKILL, NULL, 0);
}

void idle_end(struct idle *i)
{
	siginfo_t si;

	if (i->pidfd < 0)
		return;
	idle_kill(i);
	/* ECHILD, if somebody else has reaped it, ends this too. */
	while (waitid((idtype_t)P_PIDFD, (id_t)i->pidfd, &si, WEXITED | __WALL) < 0 &&
		errno == EINTR)
		;
	fd_drop(&i->pidfd);
}
