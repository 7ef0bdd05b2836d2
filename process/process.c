/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/log.h"
#include "process/container.h"
#include "process/observer.h"
#include "process/runtime/handover.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *copy(const char *s)
{
	return strdup(s ? s : "");
}

int process_init(struct process *p, struct container *ct, const char *exec_id,
	const struct stdio_paths *paths)
{
	*p = (struct process){ .ct = ct, .child = CHILD_NONE, .terminal = paths->terminal };
	list_init(&p->link);
	list_init(&p->waiters);
	list_init(&p->deletes);
	p->in = copy(paths->in);
	p->out = copy(paths->out);
	p->err = copy(paths->err);
	if (exec_id)
		p->exec_id = copy(exec_id);
	return p->in && p->out && p->err && (!exec_id || p->exec_id) ? 0 : -ENOMEM;
}

void process_fini(struct process *p)
{
	assert(list_is_empty(&p->waiters) && list_is_empty(&p->deletes));
	list_remove(&p->link);
	child_forget(&p->child);
	process_close_stdio(p);
	free(take_ptr(&p->in));
	free(take_ptr(&p->out));
	free(take_ptr(&p->err));
	free(take_ptr(&p->exec_id));
	free(take_ptr(&p->spec));
	cpu_wish_fini(&p->wish);
}

struct process *process_free(struct process *p)
{
	if (p)
		process_fini(p);
	free(p);
	return NULL;
}

void process_set_state(struct process *p, enum state to)
{
	assert(state_may_follow(p->state, to));
	p->state = to;
}

const char *process_name(const struct process *p)
{
	return p->exec_id ? p->exec_id : p->ct->id;
}

static int make_parents(const char *path, struct err *e)
{
	auto_free char *dir = strdup(path);

	if (!dir)
		return err_oom(e);
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "create %s", dir);
		*slash = '/';
	}
	return 0;
}

/*
 * Both outputs through one open file, so that their lines do not overwrite each
 * other. It may be anything: opening a FIFO that nobody reads would block us.
 */
static int open_log_file(struct process *p, const char *path, struct err *e)
{
	auto_fd int out = -1;
	int err;

	if (path[0] != '/')
		return err_set(
			e, STATUS_INVALID_ARGUMENT, "log file '%s' is not an absolute path", path);
	if (make_parents(path, e) < 0)
		return -1;
	out = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
	err = out < 0 || fd_set_nonblock(out, false) < 0 ? -1 : fcntl(out, F_DUPFD_CLOEXEC, 0);
	if (err < 0)
		return err_sys(e, "open log file %s", path);
	stdio_set_output(p->io, take_fd(&out), err);
	return 0;
}

static int open_logger(struct process *p, const struct uri *uri, struct err *e)
{
	const struct logger_place at = {
		.loop = p->ct->set->loop,
		.reaper = p->ct->set->reaper,
		.id = process_name(p),
		.ns = p->ct->set->ns,
	};
	int out, err;

	if (logger_start(&p->logger, &at, uri, e) < 0)
		return -1;
	logger_take_fds(p->logger, &out, &err);
	stdio_set_output(p->io, out, err);
	return 0;
}

/* Where output goes is the scheme of stdout's URI to say; stderr follows it. */
static int open_streams(struct process *p, const struct uri *uri, struct err *e)
{
	const struct container *ct = p->ct;
	struct stdio_paths paths = {
		.in = p->in,
		.terminal = p->terminal,
		.uid = ct->io_uid,
		.gid = ct->io_gid,
	};

	if (uri->kind == URI_PATH) {
		paths.out = uri->path;
		paths.err = p->err;
	}
	if (stdio_open(&p->io, ct->set->loop, &paths, e) < 0)
		return -1;
	if (uri->kind == URI_FILE)
		return open_log_file(p, uri->path, e);
	return uri->kind == URI_PATH ? 0 : open_logger(p, uri, e);
}

int process_open_stdio(struct process *p, struct err *e)
{
	struct uri uri;
	int rc;

	if (uri_parse(&uri, p->out, e) < 0)
		return err_wrap(e, "failed to create init process I/O");
	rc = open_streams(p, &uri, e);
	uri_fini(&uri);
	if (rc == 0 && p->terminal)
		rc = console_listen(&p->console, p->ct->set->loop, e);
	return rc;
}

void process_close_stdio(struct process *p)
{
	p->console = console_free(p->console);
	p->io = stdio_free(p->io);
	p->logger = logger_free(p->logger);
}

bool process_await_console(struct process *p, void (*on_done)(void *user), void *user)
{
	if (!p->console)
		return true;
	console_receive(p->console, on_done, user);
	return false;
}

int process_take_console(struct process *p, struct err *e)
{
	auto_fd int master = console_take(p->console, e);

	if (master < 0 || stdio_set_console(p->io, master, e) < 0)
		return -1;
	(void)take_fd(&master);
	p->console = console_free(p->console);
	return 0;
}

/* Once: an operation that is refused after the exit holds and releases the news too. */
static void tell_container(struct process *p)
{
	if (p->news_held > 0 || !p->seen.is_set || p->is_told)
		return;
	p->is_told = true;
	container_process_exited(p);
	/* p may be gone */
}

static void on_child_exit(struct child *child, const struct exit_status *st)
{
	struct process *p = container_of(child, struct process, child);

	if (p->io)
		stdio_process_ended(p->io);
	p->seen = (struct exit_record){ .is_set = true, .code = (uint32_t)st->code, .at = st->at };
	tell_container(p);
	/* p may be gone */
}

static int follow(struct process *p, pid_t pid, int pidfd)
{
	struct reaper *r = p->ct->set->reaper;

	return pidfd < 0 ? child_adopt(&p->child, r, pid, on_child_exit)
			 : child_adopt_pidfd(&p->child, r, pidfd, on_child_exit);
}

int process_adopt(struct process *p, struct handover *h, const char *pid_file, struct err *e)
{
	const char *binary = p->ct->binary;
	auto_fd int pidfd = -1;
	pid_t pid, other;
	int rc;

	if (runtime_read_pid(p->ct->bundle_fd, pid_file, &pid, e) < 0 ||
		handover_take(h, &pidfd, e) < 0)
		return -1;
	rc = follow(p, pid, pidfd);
	if (rc < 0)
		return err_rc(e, rc, "%s left pid %d in %s, which we cannot follow", binary,
			(int)pid, pid_file);
	log_debug("adopt", "id=%s exec=%s pid=%d by=%s", p->ct->id, p->exec_id ? p->exec_id : "",
		(int)pid, pidfd < 0 ? "number" : "pidfd");
	(void)take_fd(&pidfd);
	other = p->child.pid;
	if (other != pid) {
		child_forget(&p->child);
		return err_set(e, STATUS_UNKNOWN, "%s left pid %d in %s, and handed over pid %d",
			binary, (int)pid, pid_file, (int)other);
	}
	p->pid = pid;
	return 0;
}

void process_kill_stray(struct process *p, struct handover *h, const char *pid_file)
{
	struct reaper *r = p->ct->set->reaper;
	struct child stray = CHILD_NONE;
	auto_fd int pidfd = -1;
	struct err e = ERR_INIT;
	pid_t pid;

	if (handover_take(h, &pidfd, &e) == 1 && child_adopt_pidfd(&stray, r, pidfd, NULL) == 0)
		(void)take_fd(&pidfd);
	else if (runtime_read_pid(p->ct->bundle_fd, pid_file, &pid, &e) < 0 ||
		 child_adopt(&stray, r, pid, NULL) < 0)
		return;                      /* there is none, or it is gone */
	(void)child_signal(&stray, SIGKILL); /* gone already is as good */
	child_forget(&stray);
}

void process_hold_news(struct process *p)
{
	p->news_held++;
}

void process_release_news(struct process *p)
{
	assert(p->news_held > 0);
	p->news_held--;
	if (!p->exec_id)
		container_tell_oom(p->ct); /* first the cause, then the exit */
	tell_container(p);
	/* p may be gone */
}

bool process_wait(struct process *p, struct waiter *w)
{
	list_init(&w->link);
	if (p->exit.is_set || p->start_failed)
		return true;
	list_append(&p->waiters, &w->link);
	return false;
}

void process_wait_cancel(struct waiter *w)
{
	list_remove(&w->link);
}

void process_report_exit(struct process *p)
{
	const struct observer *o = p->ct->set->observer;

	p->exit = p->seen;
	process_set_state(p, STATE_STOPPED);
	log_info("exit", "id=%s exec=%s pid=%d code=%u", p->ct->id, p->exec_id ? p->exec_id : "",
		(int)p->pid, p->exit.code);
	o->exited(o, p);
	process_release_waiters(p);
}

void process_release_waiters(struct process *p)
{
	struct list *first;

	/* Each may unlink others, so take the first until there is none. */
	while ((first = list_first(&p->waiters))) {
		struct waiter *w = container_of(first, struct waiter, link);

		list_remove(first);
		w->on_exit(w, p);
	}
}
