/* SPDX-License-Identifier: Apache-2.0 */

/*
 * kill.c - signals, at once, through pidfds.
 *
 * The reference asks the runtime, which reads its state, checks the process
 * and calls kill(2); that takes milliseconds and a number that may be
 * recycled meanwhile. The init of runc, crun and youki is the process in
 * init.pid, which we hold.
 */

#include "process/cgroup/freezer.h"
#include "process/ops.h"

#include <errno.h>
#include <signal.h>

/* Execs that outlive a cgroup we cannot read. */
static int signal_execs(struct container *ct, int signo)
{
	int reached = 0;

	list_each (it, &ct->execs)
		reached += child_signal(&container_of(it, struct process, link)->child, signo) == 0;
	return reached;
}

static int signal_all(struct container *ct, int signo)
{
	int reached = cgroup_signal(&ct->cgroup, signo);

	if (reached > 0)
		return 0;
	reached = signal_execs(ct, signo);
	if (child_signal(&ct->init.child, signo) == 0)
		reached++;
	return reached > 0 ? 0 : -ESRCH;
}

int process_kill(struct process *p, int signo, bool all, struct err *e)
{
	bool is_exec = p->exec_id != NULL;
	int rc;

	if (state_check(p->state, VERB_KILL, e) < 0)
		return -1;
	if (is_exec && p->pid == 0)
		return err_set(
			e, STATUS_FAILED_PRECONDITION, "process not created: failed precondition");
	if (p->pid == 0)
		return err_set(e, STATUS_NOT_FOUND, "no such container: not found");
	rc = all && !is_exec ? signal_all(p->ct, signo) : child_signal(&p->child, signo);
	if (rc == 0 && !is_exec && signo == SIGKILL) {
		p->ct->was_killed = true;
		(void)freezer_let_die(&p->ct->cgroup); /* if it is paused; gone is as good */
	}
	if (rc == 0)
		return 0;
	if (rc == -ESRCH)
		return err_set(e, STATUS_NOT_FOUND, "process already finished: not found");
	return err_rc(e, rc, is_exec ? "exec kill error" : "unknown error after kill");
}
