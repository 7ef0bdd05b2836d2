/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_REAPER_RIG_H
#define TESTS_UNIT_REAPER_RIG_H

/*
 * reaper_rig.h - a loop, a reaper, and children that note how they ended.
 */

#include "reaper/child.h"
#include "reaper/reaper.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

struct rig {
	struct ev_loop *loop;
	struct reaper reaper;
};

/* Embeds a child as the product does. */
struct guest {
	struct child child;
	struct exit_status st;
	int calls; /* of on_exit */
	bool ended;
};

static inline void rig_init(struct rig *r)
{
	r->loop = loop_new();
	assert_int_equal(reaper_init(&r->reaper, r->loop), 0);
}

static inline void rig_fini(struct rig *r)
{
	reaper_fini(&r->reaper);
	ev_loop_destroy(r->loop);
}

static inline void guest_ended(struct child *c, const struct exit_status *st)
{
	struct guest *g = container_of(c, struct guest, child);

	g->st = *st;
	g->calls++;
	g->ended = true;
}

static inline int return_code(void *arg)
{
	return *(int *)arg;
}

static inline int sleep_for_ever(void *arg)
{
	(void)arg;
	return pause();
}

static inline void guest_fork(struct guest *g, struct rig *r, int (*body)(void *arg), void *arg)
{
	*g = (struct guest){ .child = CHILD_NONE };
	assert_int_equal(child_fork(&g->child, &r->reaper, body, arg, guest_ended), 0);
}

/* A guest that ends with @code. */
static inline void guest_exit(struct guest *g, struct rig *r, int code)
{
	guest_fork(g, r, return_code, &code);
}

static inline void guest_await(struct guest *g, struct rig *r)
{
	loop_run_until(r->loop, &g->ended);
	assert_int_equal(g->calls, 1);
	assert_false(child_is_tracked(&g->child));
}

/* Returns when @pid, a child of ours, is a zombie; it stays one. */
static inline void await_zombie(pid_t pid)
{
	siginfo_t si;

	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
}

/* Whether @pid is still a child of ours, dead or alive. */
static inline bool is_child(pid_t pid)
{
	siginfo_t si;

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static inline bool pid_is_child(void *pid)
{
	return is_child(*(pid_t *)pid);
}

/* Runs the loop until the reaper has collected @pid. */
static inline void await_collected(struct rig *r, pid_t pid)
{
	loop_run_while(r->loop, pid_is_child, &pid);
}

/*
 * A process whose parent has died, so that it has come to us: what a runtime
 * leaves behind. It ends with @code at once, or waits for a signal if @code < 0.
 */
static inline pid_t orphan(int code)
{
	int fds[2];
	pid_t parent, pid = 0;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		pid = fork();
		if (pid == 0 && code >= 0)
			_exit(code);
		if (pid == 0)
			for (;;)
				pause();
		_exit(write(fds[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	assert_int_equal(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

#endif
