/* SPDX-License-Identifier: Apache-2.0 */
#include "process/io/logger.h"

#include "base/auto.h"
#include "base/fd.h"
#include "reaper/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct logger {
	struct ev_loop *loop;
	struct child child;
	int out, err;   /* the container's ends; owned until logger_take_fds() */
	int ready;      /* our end of the third pipe; owned */
	bool is_strict; /* binary-v2: closing is not saying */
	bool is_ready;
	bool was_asked; /* to end */
	struct err why_not;
	ev_io watcher;
	ev_timer timer;
	void (*on_done)(void *user);
	void *user;
};

static int check_program(const char *path, struct err *e)
{
	struct stat st;

	if (path[0] != '/')
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"logging binary '%s' is not an absolute path", path);
	if (lstat(path, &st) < 0)
		return err_sys(e, "logging binary %s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(e, STATUS_PERMISSION_DENIED,
			"logging binary %s is not a regular file that only root can write", path);
	return 0;
}

static void tell(struct logger *l)
{
	void (*on_done)(void *user) = l->on_done;

	ev_io_stop(l->loop, &l->watcher);
	ev_timer_stop(l->loop, &l->timer);
	l->on_done = NULL;
	if (on_done)
		on_done(l->user);
	/* l may be gone */
}

/* Before it is ready, what it left in the pipe decides: on_readable() is woken too. */
static void on_child_exit(struct child *child, const struct exit_status *st)
{
	struct logger *l = container_of(child, struct logger, child);

	(void)st;
	if (l->is_ready)
		tell(l);
	/* l may be gone */
}

/* One byte, or, for the older kind, the end of the pipe. */
static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct logger *l = container_of(w, struct logger, watcher);
	char byte;
	ssize_t n = read(l->ready, &byte, 1);

	(void)loop;
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !(revents & EV_ERROR))
		return;
	l->is_ready = n == 1 || (n == 0 && !l->is_strict);
	if (n < 0)
		err_sys(&l->why_not, "await the logging binary");
	else if (!l->is_ready)
		err_set(&l->why_not, STATUS_UNKNOWN,
			"logging binary did not call ready (it closed the pipe)");
	fd_drop(&l->ready);
	tell(l);
	/* l may be gone */
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct logger *l = container_of(timer, struct logger, timer);

	(void)revents;
	if (l->is_ready) {
		int signo = l->was_asked ? SIGKILL : SIGTERM;

		l->was_asked = true;
		ev_timer_set(timer, LOGGER_END_MAX_S, 0.);
		ev_timer_start(loop, timer);
		if (child_signal(&l->child, signo) == 0)
			return; /* on_child_exit() goes on */
	} else {
		err_set(&l->why_not, STATUS_UNKNOWN,
			"logging binary did not call ready within %.0f s", LOGGER_READY_MAX_S);
	}
	tell(l);
	/* l may be gone */
}

static struct logger *logger_new(const struct logger_place *at, bool is_strict)
{
	struct logger *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->loop = at->loop;
	l->child = CHILD_NONE;
	l->out = l->err = l->ready = -1;
	l->is_strict = is_strict;
	ev_init(&l->watcher, on_readable);
	ev_init(&l->timer, on_late);
	return l;
}

/* Three pipes: the logger's ends go to @theirs, in the order of its descriptors 3, 4 and 5. */
static int make_pipes(struct logger *l, int theirs[3])
{
	int *const ours[3] = { &l->out, &l->err, &l->ready };

	for (int i = 0; i < 3; i++) {
		bool logger_reads = i < 2;
		int fds[2];

		if (pipe2(fds, O_CLOEXEC) < 0)
			return -errno;
		theirs[i] = fds[logger_reads ? 0 : 1];
		*ours[i] = fds[logger_reads ? 1 : 0];
	}
	return fd_set_nonblock(l->ready, true);
}

static int spawn(
	struct logger *l, const struct logger_place *at, const struct uri *uri, const int theirs[3])
{
	const char *argv[URI_WORDS_MAX + 2] = { uri->path };
	char id[256], ns[256];
	const char *const envp[] = { id, ns, NULL };
	struct spawn s = {
		.argv = argv,
		.envp = envp,
		.stdio = { -1, -1, -1 },
		.extra = { theirs[0], theirs[1], theirs[2] },
		.n_extra = 3,
	};

	for (size_t i = 0; i < uri->n_words; i++)
		argv[1 + i] = uri->word[i];
	snprintf(id, sizeof(id), "CONTAINER_ID=%s", at->id);
	snprintf(ns, sizeof(ns), "CONTAINER_NAMESPACE=%s", at->ns);
	return child_spawn(&l->child, at->reaper, &s, on_child_exit);
}

int logger_start(
	struct logger **ret, const struct logger_place *at, const struct uri *uri, struct err *e)
{
	int theirs[3] = { -1, -1, -1 };
	struct logger *l;
	int rc;

	if (check_program(uri->path, e) < 0)
		return -1;
	l = logger_new(at, uri->kind == URI_BINARY_V2);
	if (!l)
		return err_oom(e);
	rc = make_pipes(l, theirs);
	if (rc == 0)
		rc = spawn(l, at, uri, theirs);
	for (int i = 0; i < 3; i++)
		fd_drop(&theirs[i]);
	if (rc < 0) {
		logger_free(l);
		return err_rc(e, rc, "start logging binary %s", uri->path);
	}
	*ret = l;
	return 0;
}

void logger_take_fds(struct logger *l, int *ret_out, int *ret_err)
{
	*ret_out = take_fd(&l->out);
	*ret_err = take_fd(&l->err);
}

static void await(struct logger *l, double seconds, void (*on_done)(void *user), void *user)
{
	l->on_done = on_done;
	l->user = user;
	ev_timer_set(&l->timer, seconds, 0.);
	ev_timer_start(l->loop, &l->timer);
}

bool logger_await_ready(struct logger *l, void (*on_done)(void *user), void *user)
{
	if (l->ready < 0)
		return true;
	ev_io_set(&l->watcher, l->ready, EV_READ);
	ev_io_start(l->loop, &l->watcher);
	await(l, LOGGER_READY_MAX_S, on_done, user);
	return false;
}

int logger_verdict(const struct logger *l, struct err *e)
{
	if (l->is_ready)
		return 0;
	*e = l->why_not;
	return err_is_set(e) ? -1 : err_set(e, STATUS_UNKNOWN, "logging binary did not call ready");
}

bool logger_end(struct logger *l, void (*on_done)(void *user), void *user)
{
	if (!child_is_tracked(&l->child))
		return true;
	await(l, LOGGER_GRACE_S, on_done, user);
	return false;
}

struct logger *logger_free(struct logger *l)
{
	if (!l)
		return NULL;
	ev_io_stop(l->loop, &l->watcher);
	ev_timer_stop(l->loop, &l->timer);
	(void)child_signal(&l->child, SIGKILL); /* gone already is as good */
	child_forget(&l->child);
	fd_drop(&l->out);
	fd_drop(&l->err);
	fd_drop(&l->ready);
	free(l);
	return NULL;
}
