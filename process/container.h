/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_CONTAINER_H
#define PROCESS_CONTAINER_H

/*
 * container.h - a container: its bundle, its init, its execs, and their order.
 *
 * A container runs one lifecycle operation (start, delete...) at a time; the
 * others queue. State, Wait and Kill never queue, nor do its execs. Several
 * containers, a pod's, share nothing here but the loop: one's slow runtime never
 * delays another.
 *
 * The order in which exits are told is decided in container_process_exited():
 * an exec's at once, an init's after those of all its execs. When an init has
 * exited, no exec starts any more, and if the container has no pid namespace
 * of its own what is left of it is killed, as the kernel would have done.
 */

#include "base/err.h"
#include "base/list.h"
#include "base/op.h"
#include "process/affinity.h"
#include "process/cgroup/cgroup.h"
#include "process/cgroup/oom.h"
#include "process/process.h"
#include "process/rootfs/userns.h"
#include "process/runtime/runtime.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct observer;
struct reaper;

/* Execs of one container that have not been deleted. */
#define CONTAINER_EXECS_MAX 4096

/* The pid file of an exec, from its id. No id makes it the init's, init.pid. */
#define EXEC_PID_FILE "%s.exec.pid"

/* Lifecycle operations of one container that may wait for their turn. */
#define CONTAINER_QUEUE_MAX 64

/* What one runtime call, mount or unmount of an operation may take, in seconds. */
#define OPERATION_DEADLINE_S 300.

/*
 * Who pauses and resumes: "freezer", the kernel at our word, where we know that
 * the runtime does no more; or "runtime", with its own verbs.
 */
#define PAUSE_ANNOTATION "io.belay.pause"

/* All containers of a shim, and what they share. Embed it; it is wiring, the fields are public. */
struct containers {
	struct list all;
	struct ev_loop *loop; /* borrowed, like all of these */
	struct reaper *reaper;
	const struct observer *observer;
	const char *ns;           /* containerd's namespace */
	const char *features_dir; /* what runtimes said they honour (features.h); NULL: not kept */
	struct userns_cache userns; /* of idmapped rootfs: a pod's containers mostly share one */
	struct affinity_place cpus_at;
	const char *oom_score_adj; /* containerd's, for runtimes; NULL: ours is */
};

/* runc.v1.Options as plain data. Borrowed by whoever is handed one. */
struct container_options {
	const char *binary;          /* "" is runc */
	const char *root;            /* "" is RUNTIME_ROOT_DEFAULT */
	const char *shim_cgroup;     /* "" is none */
	const char *criu_path;       /* "" is the runtime's own; containerd 1.6 only */
	const char *criu_image_path; /* for containerd, not for us */
	const char *criu_work_path;  /* of a restore; "" is BUNDLE/work */
	bool no_pivot, no_new_keyring, systemd_cgroup;
	uint32_t io_uid, io_gid;
};

/* An operation that waits for its turn. Embed it. */
struct job {
	struct list link;
	void (*begin)(struct job *j);
	void (*drop)(struct job *j, const struct err *e); /* its turn will never come */
};

/* What a container that is created from a checkpoint starts from; owned, NULL for any other. */
struct image {
	char *path, *work, *parent;
};

struct container {
	struct list link; /* in the set */
	struct containers *set;
	char *id, *bundle; /* owned, like all strings here */
	int bundle_fd;
	char *binary, *root, *criu; /* of the runtime; root with the namespace */
	struct runtime runtime;
	bool no_pivot, no_new_keyring;
	uint32_t io_uid, io_gid;
	struct affinity affinity;

	struct image image;

	bool is_created; /* Create has succeeded: clients may see it */
	bool has_mounts; /* we mounted its rootfs, so we unmount it */
	bool had_oom;    /* something in its control group was killed for want of memory */
	bool oom_is_due; /* and that is not told yet */
	bool own_pidns;  /* its init's death is its processes' death */
	struct cgroup cgroup;
	struct oom_watch oom;

	struct process init;
	struct list execs;
	unsigned running_execs;             /* starting ones included */
	unsigned exec_deletes;              /* under way */
	struct op *exec_deletes_awaited_by; /* borrowed: the Delete that they hold up */
	bool init_exited;
	bool may_freeze;   /* nobody wants its runtime to pause it: PAUSE_ANNOTATION */
	bool uses_freezer; /* and for that runtime a pause is the kernel's freezer and nothing more
			    */
	bool is_pausing;   /* the runtime is at it, or we are */
	bool was_killed;   /* its init was sent SIGKILL */

	struct list under_way; /* all operations on it and its execs: Create, starts of execs... */
	struct job *current;   /* the lifecycle operation that runs */
	struct list queue;
	unsigned queued;
};

void containers_init(struct containers *set);

/* Drops what they share; the containers themselves are left as they are. */
void containers_fini(struct containers *set);

/* By id, among those a client may see. Fills *e with the reference's NOT_FOUND. */
struct container *container_find(const struct containers *set, const char *id, struct err *e);

/* Also one whose Create still runs. */
bool container_exists(const struct containers *set, const char *id);

/* The init for "" or NULL, else the exec; fills *e with the reference's NOT_FOUND. */
struct process *container_process(struct container *ct, const char *exec_id, struct err *e);

/*
 * container_new(): one that is not created yet, in the set under its id. ALREADY_EXISTS,
 * INVALID_ARGUMENT for an illegal id, UNKNOWN when the bundle cannot be opened.
 */
struct container_plan {
	const char *id, *bundle; /* all borrowed until container_new() returns */
	const struct container_options *options;
	const struct stdio_paths *io;
};

struct container *container_new(
	struct containers *set, const struct container_plan *plan, struct err *e);

/* Removes it from the set. Its operations have ended; queued ones are dropped. Returns NULL. */
struct container *container_free(struct container *ct);

/* Begins @j now or when those before it are done. -1 and *e when the queue is full. */
int container_enqueue(struct container *ct, struct job *j, struct err *e);

/* @j is over: the next one begins. */
void container_job_done(struct container *ct, struct job *j);

/* Starts an operation on @ct or one of its execs: op_start(), and a dump can tell of it. */
void container_run(
	struct container *ct, struct op *op, const struct op_plan *plan, double deadline_s);

/* Finds the control group of its init, which must not have been reaped, and watches it. */
void container_find_cgroup(struct container *ct);
void container_forget_cgroup(struct container *ct);

/* From its watch (cgroup/oom.h): told now, or when the news of its init is not held any more. */
void container_on_oom(struct oom_watch *w);

/* From process.c: the news of its init may be held no more. */
void container_tell_oom(struct container *ct);

/* From process.c: @p has exited and its news is not held. */
void container_process_exited(struct process *p);

/* An exec that was counted in running_execs never came to run. */
void container_exec_failed(struct container *ct);

/* A Delete of an exec is no longer under way. */
void container_exec_delete_done(struct container *ct);

/* Pids of all its processes; the caller frees *ret. Never fails for a reason that passes. */
int container_pids(struct container *ct, pid_t **ret, size_t *ret_n, struct err *e);

#endif
