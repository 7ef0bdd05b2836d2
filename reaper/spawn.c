/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/spawn.h"

#include "base/auto.h"
#include "base/cpus.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* For the child between clone() and exec(): execvpe() builds a path on it. */
#define CHILD_STACK_BYTES (32 * 1024)

/* Above any number a child's descriptors end up at, so that moving them cannot collide. */
#define PARKING (3 + SPAWN_EXTRA_MAX + 3)

/* What programs are to have; only once ours was raised. */
static struct rlimit nofile_before;
static bool has_raised_nofile;

int spawn_raise_nofile(void)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &nofile_before) < 0)
		return -errno;
	most = (struct rlimit){ nofile_before.rlim_max, nofile_before.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &most) < 0)
		return -errno;
	has_raised_nofile = true;
	return 0;
}

struct vforked {
	const struct spawn *s;
	pid_t parent;
	int failed; /* errno; we share memory, so the parent just reads it */
};

/* Handlers are not inherited through exec, but "ignored" is, and containers would be born with it.
 */
static void reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &dfl, NULL); /* refused for SIGKILL, SIGSTOP and libc's own */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	/* The parent may have died before the request. */
	return getppid() == parent ? 0 : -ESRCH;
}

/* Moves what the program is to have out of the way first: the source of one may be the place of
 * another. */
static int place_descriptors(const struct spawn *s)
{
	int parked[3 + SPAWN_EXTRA_MAX];
	int n = 3 + (int)s->n_extra;

	for (int i = 0; i < n; i++) {
		int from = i < 3 ? s->stdio[i] : s->extra[i - 3];

		parked[i] = from >= 0 ? fcntl(from, F_DUPFD, PARKING) : open("/dev/null", O_RDWR);
		if (parked[i] < 0)
			return -errno;
	}
	for (int i = 0; i < n; i++)
		if (dup2(parked[i], i) < 0)
			return -errno;
	/* By number, not by flag: even a descriptor that somebody forgot to mark stays here. */
	return syscall(SYS_close_range, n, ~0U, 0) < 0 ? -errno : 0;
}

/* Back to what it was before we changed ours: of no consequence where that is forbidden. */
static void set_oom_score_adj(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	close(fd);
}

/* Memory is shared with the child, not the rest: these change nothing of ours. */
static int set_place(const struct spawn *s)
{
	if (s->oom_score_adj)
		set_oom_score_adj(s->oom_score_adj);
	if (has_raised_nofile && setrlimit(RLIMIT_NOFILE, &nofile_before) < 0)
		return -errno;
	if (s->cpus && syscall(SYS_sched_setaffinity, 0, sizeof(s->cpus->word), s->cpus->word) < 0)
		return -errno;
	return 0;
}

/* In the child, on its own small stack but in our memory: async-signal-safe calls only. */
static int exec_child(void *arg)
{
	struct vforked *v = arg;
	const struct spawn *s = v->s;
	int rc = 0;

	if (s->die_with_us)
		rc = die_with_parent(v->parent);
	if (rc == 0)
		rc = place_descriptors(s);
	if (rc == 0)
		rc = set_place(s);
	if (rc == 0) {
		reset_signals();
		execvpe(s->argv[0], (char *const *)s->argv,
			s->envp ? (char *const *)s->envp : environ);
		rc = -errno;
	}
	v->failed = -rc;
	_exit(127);
}

int spawn_program(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd)
{
	_Alignas(16) char stack[CHILD_STACK_BYTES];
	struct vforked v = { .s = s, .parent = getpid() };
	auto_fd int pidfd = -1;
	sigset_t all, before;
	int pid;

	/* A signal handled in the child would be handled in our memory. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = clone(exec_child, stack + sizeof(stack),
		CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &v, &pidfd);
	if (pid < 0)
		v.failed = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid > 0 && v.failed) {
		siginfo_t si;

		/* It is past _exit(): this wait is for the kernel, not for a program. */
		waitid((idtype_t)P_PIDFD, (id_t)pidfd, &si, WEXITED);
	}
	if (v.failed)
		return -v.failed;
	*ret_pid = pid;
	*ret_pidfd = take_fd(&pidfd);
	return 0;
}

int spawn_body(int (*body)(void *arg), void *arg, pid_t *ret_pid, int *ret_pidfd)
{
	pid_t parent = getpid();
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		reset_signals();
		_exit(die_with_parent(parent) < 0 ? 127 : body(arg));
	}
	*ret_pid = (pid_t)pid;
	*ret_pidfd = pidfd;
	return 0;
}
