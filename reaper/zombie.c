/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/zombie.h"

#include "base/auto.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int end_at_once(void *arg)
{
	(void)arg;
	_exit(0);
}

int zombie_start(struct zombie *z, int namespaces)
{
	sigset_t all, before;
	int rc = 0;

	z->pidfd = -1;
	/* A handler must not run in there; the mask is inherited. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	z->pid = clone(end_at_once, z->stack + sizeof(z->stack),
		CLONE_VM | CLONE_FILES | CLONE_SIGHAND | CLONE_PIDFD | namespaces, NULL, &z->pidfd);
	if (z->pid < 0)
		rc = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int zombie_check(const struct zombie *z)
{
	/* Succeeds on a zombie, too. */
	return pidfd_send_signal(z->pidfd, 0, NULL, 0) < 0 ? -errno : 0;
}

void zombie_end(struct zombie *z)
{
	siginfo_t si;

	if (z->pidfd < 0)
		return;
	/* ECHILD, if somebody else has reaped it, ends this too. */
	while (waitid((idtype_t)P_PIDFD, (id_t)z->pidfd, &si, WEXITED | __WALL) < 0 &&
		errno == EINTR)
		;
	fd_drop(&z->pidfd);
}
