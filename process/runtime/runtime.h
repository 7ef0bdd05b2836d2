/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_RUNTIME_RUNTIME_H
#define PROCESS_RUNTIME_RUNTIME_H

/*
 * runtime.h - the OCI runtime (runc, crun) as a program that is run and exits.
 *
 *	runtime_create(&call, rt, &io, on_exit, e);    it runs
 *	...on_exit(&call)                              once, from the loop
 *	runtime_verdict(&call, e)                      0, or its own words
 *
 * Each begins one call; the caller embeds struct runtime_call, keeps it put
 * until on_exit and ends it with runtime_call_fini(), which is also right for
 * one that never began or still runs (the process is then left to the sweep;
 * kill it first).
 *
 * Command lines and error texts are the reference's: go-runc's argument order
 * and its phrases, for clients match on them.
 */

#include "base/attr.h"
#include "base/err.h"
#include "reaper/child.h"

#include <stdbool.h>
#include <sys/types.h>

struct cpus;
struct reaper;

/* What a runtime prints is kept up to here, in bytes; the rest is refused to it (EPERM). */
#define RUNTIME_OUTPUT_MAX (64 * 1024)

/* A container as its runtime knows it. All borrowed: they live as long as the container. */
struct runtime {
	struct reaper *reaper;
	const char *binary; /* a name for $PATH, or a path */
	const char *root;   /* its state folder, namespace included */
	const char *bundle; /* path, as the client gave it */
	int bundle_fd;
	const char *id;
	const char *criu; /* or NULL or "": its own choice */
	bool systemd_cgroup;
	bool hands_pidfds; /* knows --pidfd-socket */
	const char
		*oom_score_adj; /* of its processes, until config.json says otherwise; NULL: ours */
};

/* What `create` needs beyond that. */
struct runtime_create_args {
	int stdio[3];               /* of the container; -1: /dev/null. Borrowed */
	const char *console_socket; /* or NULL; then the container has no stdio of ours */
	const char *pidfd_socket;   /* or NULL (handover.h) */
	bool no_pivot;
	bool no_new_keyring;
	const struct cpus *cpus; /* to start on, here and below; borrowed. NULL: ours */
};

/* What `exec` needs. */
struct runtime_exec_args {
	const char *process_file; /* names in the bundle; borrowed */
	const char *pid_file;
	const char *log_file; /* its own; must outlive the verdict */
	int stdio[3];
	const char *console_socket, *pidfd_socket;
	const struct cpus *cpus;
};

/* A process has so many kinds of namespaces. */
#define RUNTIME_EMPTY_NS_MAX 8

/* What `checkpoint` needs; all borrowed. */
struct runtime_checkpoint_args {
	const char *image, *work; /* folders */
	const char *parent;       /* or "" */
	const char *cgroups_mode; /* or "": the runtime's own */
	const char *const *empty_ns;
	size_t n_empty_ns;
	bool tcp, unix_sockets, terminal, file_locks, leave_running;
};

/* What `restore` needs. */
struct runtime_restore_args {
	const char *image, *work, *parent;
	int stdio[3];
	const char *console_socket;
	bool no_pivot;
	const struct cpus *cpus;
};

struct runtime_call {
	struct child child;
	const struct runtime *rt;
	struct exit_status status;
	int output;      /* memfd with what it printed, or -1 when that was the container's stdio */
	const char *log; /* the name of its log in the bundle */
	off_t log_at;    /* where that ended before */
	int spawn_rc;    /* why it could not even be started */
	bool we_killed_it;
	void (*on_exit)(struct runtime_call *c);
};

#define RUNTIME_CALL_NONE ((struct runtime_call){ .child = { .pidfd = -1 }, .output = -1 })

typedef void runtime_exit_fn(struct runtime_call *c);

/*
 * Each returns 0 when the runtime runs. On -1 it could not be started, on_exit
 * will not be called, and *e says why in the same words as runtime_verdict().
 */
int runtime_create(struct runtime_call *c, const struct runtime *rt,
	const struct runtime_create_args *args, runtime_exit_fn *on_exit, struct err *e);
int runtime_start(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e);
int runtime_delete(struct runtime_call *c, const struct runtime *rt, bool force,
	runtime_exit_fn *on_exit, struct err *e);
int runtime_exec(struct runtime_call *c, const struct runtime *rt,
	const struct runtime_exec_args *args, runtime_exit_fn *on_exit, struct err *e);
int runtime_pause(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e);
int runtime_resume(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e);

/* @resources: a file with LinuxResources as JSON, read from its current place; borrowed. */
int runtime_update(struct runtime_call *c, const struct runtime *rt, int resources,
	runtime_exit_fn *on_exit, struct err *e);

/* Needs criu. The container ends by itself, or goes on if it is left running. */
int runtime_checkpoint(struct runtime_call *c, const struct runtime *rt,
	const struct runtime_checkpoint_args *args, runtime_exit_fn *on_exit, struct err *e);

/* As runtime_create(), but what it leaves behind runs already. */
int runtime_restore(struct runtime_call *c, const struct runtime *rt,
	const struct runtime_restore_args *args, runtime_exit_fn *on_exit, struct err *e);

/* `RUNTIME features` and `--version`: @rt needs only reaper and binary. What they print is kept. */
int runtime_features(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e);
int runtime_version(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e);

/*
 * After on_exit: 0 if the runtime exited with 0. Else -1 and in *e, with status
 * UNKNOWN, the last error it wrote to its log during this call, or what is
 * known without one. A SIGKILL that runtime_kill() did not send is the kernel's,
 * out of memory, or some administrator's; it is said first.
 */
int runtime_verdict(const struct runtime_call *c, struct err *e);

/* The same in go-runc's words, with what the runtime printed: for calls whose log nobody asks. */
int runtime_plain_verdict(const struct runtime_call *c, struct err *e);

/* Appends what the runtime printed to @text, which holds RUNTIME_OUTPUT_MAX. */
struct buf;
int runtime_output(const struct runtime_call *c, struct buf *text);

/* SIGKILL. True when it still ran, so that on_exit is yet to come. */
bool runtime_kill(struct runtime_call *c);

/* Accepts a call that never began; it may be used again. */
void runtime_call_fini(struct runtime_call *c);

/*
 * The pid in BUNDLE/@name. The whole content must be a decimal number above 1;
 * a pid file is removed before the call that writes it (runtime_forget_pid).
 */
int runtime_read_pid(int bundle_fd, const char *name, pid_t *ret, struct err *e);
int runtime_forget_pid(int bundle_fd, const char *name, struct err *e);

#endif
