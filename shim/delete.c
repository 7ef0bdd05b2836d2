/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/delete.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/op.h"
#include "process/bundle.h"
#include "process/rootfs/rootfs.h"
#include "process/runtime/runtime.h"
#include "proto/api/task.pb-c.h"
#include "proto/message.h"
#include "reaper/reaper.h"
#include "reaper/signals.h"
#include "shim/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 128 + SIGKILL: what becomes of a container whose shim is gone. */
#define EXIT_CODE_KILLED 137

/* How long the runtime may take, in seconds. It may hang, and the mount is to come off all the
 * same. */
#define RUNTIME_MAX_S 2.5

struct cleanup {
	struct op op;
	ev_timer runtime_late, late;
	struct ev_loop *loop;
	struct reaper reaper;
	struct signals signals;
	struct runtime runtime;
	struct runtime_call call;
	struct rootfs_job unmounting;
	char bundle[PATH_MAX];
	bool is_done;
};

static struct cleanup *from_op(struct op *op)
{
	return container_of(op, struct cleanup, op);
}

static void warn(const char *what, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", what, e->msg);
}

static void runtime_exited(struct runtime_call *call)
{
	struct cleanup *c = container_of(call, struct cleanup, call);
	struct err e = ERR_INIT;

	ev_timer_stop(c->loop, &c->runtime_late);
	if (runtime_verdict(call, &e) < 0)
		warn("failed to remove runc container", &e);
	op_resume(&c->op, OP_DONE);
}

/* SIGKILL may not end it, in a sleep that nothing interrupts: it is not waited for. */
static void on_runtime_late(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct cleanup *c = container_of(timer, struct cleanup, runtime_late);

	(void)loop;
	(void)revents;
	fprintf(stderr, "failed to remove runc container: %s does not end within %g s\n",
		c->runtime.binary, RUNTIME_MAX_S);
	(void)runtime_kill(&c->call);
	runtime_call_fini(&c->call);
	op_resume(&c->op, OP_DONE);
}

static enum op_next delete_container(struct op *op)
{
	struct cleanup *c = from_op(op);
	struct err e = ERR_INIT;

	if (runtime_delete(&c->call, &c->runtime, true, runtime_exited, &e) < 0) {
		warn("failed to remove runc container", &e);
		return OP_DONE;
	}
	ev_timer_init(&c->runtime_late, on_runtime_late, RUNTIME_MAX_S, 0.);
	ev_timer_start(c->loop, &c->runtime_late);
	return OP_WAIT;
}

static void unmounted(struct rootfs_job *job)
{
	op_resume(&container_of(job, struct cleanup, unmounting)->op, OP_DONE);
}

static enum op_next unmount_rootfs(struct op *op)
{
	struct cleanup *c = from_op(op);
	struct err e = ERR_INIT;
	char path[PATH_MAX];
	int rc = -ENAMETOOLONG;

	c->unmounting.on_done = unmounted;
	if (snprintf(path, sizeof(path), "%s/rootfs", c->bundle) < (int)sizeof(path))
		rc = rootfs_unmount_begin(&c->unmounting, &c->reaper, path);
	if (rc == 0)
		return OP_WAIT;
	err_rc(&e, rc, "unmount");
	warn("failed to cleanup rootfs mount", &e);
	return OP_DONE;
}

static enum op_next check_unmount(struct op *op)
{
	struct err e = ERR_INIT;

	if (rootfs_job_verdict(&from_op(op)->unmounting, &e) < 0)
		warn("failed to cleanup rootfs mount", &e);
	return OP_DONE;
}

/* None fails, and none is taken back: what could not be done has been told. */
static const struct op_step steps[] = {
	{ "delete container", delete_container, NULL }, /* waits for the runtime, not for long */
	{ "unmount rootfs", unmount_rootfs, NULL },     /* waits for a child */
	{ "check unmount", check_unmount, NULL },
};

static void finish(struct op *op)
{
	from_op(op)->is_done = true;
	ev_break(op->loop, EVBREAK_ALL);
}

static const struct op_plan plan = { "delete", steps, ARRAY_LEN(steps), finish, NULL };

/* The answer goes before all else: with it goes how the container ended. */
static void on_late(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct cleanup *c = container_of(timer, struct cleanup, late);

	(void)revents;
	fprintf(stderr, "delete: gave up in step '%s' after %g s\n", op_step_name(&c->op),
		DELETE_DEADLINE_S);
	(void)rootfs_job_kill(&c->unmounting); /* one that cannot be killed is left behind */
	ev_break(loop, EVBREAK_ALL);
}

/* An order to end is not ours to follow half-way: containerd has SIGKILL for that. */
static void on_signal(struct signals *s, int signo)
{
	(void)s;
	(void)signo;
}

/* The socket of a shim that was killed; one that others of its group use answers. */
static void remove_socket(int bundle_fd)
{
	auto_buf struct buf text = BUF_INIT(PATH_MAX);
	int rc = fd_read_file(bundle_fd, "address", &text);
	const char *address = rc < 0 ? NULL : buf_text(&text);
	struct err e = ERR_INIT;

	if (rc == 0 && !address)
		rc = -ENOMEM;
	if (address && strncmp(address, "unix://", 7) == 0)
		rc = socket_remove_dead(address + 7);
	if (rc == 0 || rc == -ENOENT)
		return;
	err_rc(&e, rc, "%s", address ? address : "read address");
	warn("failed to remove the socket", &e);
}

/* What the shim saw before it died; else what containerd makes of a container whose shim is gone.
 */
static struct exit_file find_exit(int bundle_fd)
{
	struct exit_file x = { .code = EXIT_CODE_KILLED, .at = clock_wall() };
	struct err no_pid = ERR_INIT;

	/* No pid is 0: it may never have been created. */
	if (bundle_read_exit(bundle_fd, &x) < 0)
		(void)runtime_read_pid(bundle_fd, "init.pid", &x.pid, &no_pid);
	return x;
}

static int print_response(int bundle_fd)
{
	auto_buf struct buf out = BUF_INIT(256);
	Pb__DeleteResponse reply = PB__DELETE_RESPONSE__INIT;
	Pb__Timestamp at = PB__TIMESTAMP__INIT;
	struct exit_file x = find_exit(bundle_fd);

	at.seconds = x.at.tv_sec;
	at.nanos = (int32_t)x.at.tv_nsec;
	reply.pid = (uint32_t)x.pid;
	reply.exit_status = x.code;
	reply.exited_at = &at;
	if (message_pack(&reply.base, &out) < 0)
		return -ENOMEM;
	return fd_write_all(STDOUT_FILENO, out.data, out.len);
}

static int prepare(struct cleanup *c, int bundle_fd, const struct args *args,
	const struct container_options *o, struct err *e)
{
	int rc = signals_init(&c->signals, c->loop, on_signal);

	if (rc == 0)
		rc = reaper_init(&c->reaper, c->loop);
	if (rc < 0)
		return err_rc(e, rc, "watch children");
	c->call = RUNTIME_CALL_NONE;
	c->unmounting = ROOTFS_JOB_NONE;
	c->runtime = (struct runtime){
		.reaper = &c->reaper,
		.binary = o->binary[0] ? o->binary : RUNTIME_BINARY_DEFAULT,
		.root = bundle_runtime_root(o, args->ns),
		.bundle = c->bundle,
		.bundle_fd = bundle_fd,
		.id = args->id,
	};
	return c->runtime.root ? 0 : err_oom(e);
}

int delete_run(const struct args *args, struct err *e)
{
	struct cleanup c = { .is_done = false };
	auto_fd int bundle_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct container_options options = { .binary = "", .root = "" };
	struct json_t *owner = NULL;
	struct err damaged = ERR_INIT;
	int rc;

	memory_keep_for_loop();
	c.loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!c.loop || bundle_fd < 0 || !getcwd(c.bundle, sizeof(c.bundle)))
		return err_sys(e, "open the bundle");
	if (bundle_read_options(bundle_fd, &options, &owner, &damaged) < 0)
		warn("options", &damaged);
	unsetenv("NOTIFY_SOCKET");
	if (prepare(&c, bundle_fd, args, &options, e) < 0)
		return -1;
	ev_timer_init(&c.late, on_late, DELETE_DEADLINE_S, 0.);
	ev_timer_start(c.loop, &c.late);
	op_start(&c.op, c.loop, &plan, 0);
	if (!c.is_done)
		ev_run(c.loop, 0);
	remove_socket(bundle_fd);
	runtime_call_fini(&c.call);
	rootfs_job_fini(&c.unmounting);
	reaper_fini(&c.reaper);
	signals_fini(&c.signals);
	ev_loop_destroy(c.loop);
	free((char *)c.runtime.root);
	json_decref(owner);
	rc = print_response(bundle_fd);
	return rc < 0 ? err_rc(e, rc, "print the response") : 0;
}
