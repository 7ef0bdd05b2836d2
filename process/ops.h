/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_OPS_H
#define PROCESS_OPS_H

/*
 * ops.h - the lifecycle operations: what can be done to a container that takes more than a turn.
 *
 * Each *_begin() always ends in one call of its callback, possibly before it
 * returns; @e has status OK, or says why not, and then everything is as before.
 * Callbacks are where events are queued and calls are answered; what a callback
 * is handed is borrowed until it returns.
 *
 * A deadline of 0 stands for OPERATION_DEADLINE_S.
 */

#include "base/err.h"
#include "process/container.h"
#include "process/rootfs/rootfs.h"

#include <stddef.h>

struct create_args {
	const char *id, *bundle; /* all borrowed until the callback */
	const struct rootfs_mount *mounts;
	size_t n_mounts;
	struct stdio_paths io;
	struct container_options options;
	const char *checkpoint;        /* "": none; else the image that Start will restore */
	const char *parent_checkpoint; /* what that image builds on; "": nothing */
	double deadline_s;
};

/* @ct is NULL on failure. Its init's exit is not reported before this has returned. */
typedef void create_done_fn(void *user, struct container *ct, const struct err *e);

void create_begin(
	struct containers *set, const struct create_args *args, create_done_fn *done, void *user);

/* @p has been started; its exit is not reported before this has returned. */
typedef void start_done_fn(void *user, struct process *p, const struct err *e);

void start_begin(struct container *ct, double deadline_s, start_done_fn *done, void *user);

/*
 * Takes the container down and frees it after the callback, in which it still
 * has its exit record. A failed one can be repeated: each step accepts that it
 * has been done.
 */
typedef void delete_done_fn(void *user, struct container *ct, const struct err *e);

void delete_begin(struct container *ct, double deadline_s, delete_done_fn *done, void *user);

/* What Exec brings. */
struct exec_args {
	const char *exec_id; /* all borrowed until exec_add() returns */
	const char *spec;    /* the OCI process, as JSON */
	size_t spec_len;
	struct stdio_paths io;
};

/*
 * Not an operation: a process to be, which Start will run. NULL and *e:
 * ALREADY_EXISTS, INVALID_ARGUMENT for an illegal id or a spec that is no
 * JSON object, or the words of the wrong state.
 */
struct process *exec_add(struct container *ct, const struct exec_args *args, struct err *e);

/* Execs do not queue behind each other, nor behind what is done to their container. */
void exec_start_begin(struct process *p, double deadline_s, start_done_fn *done, void *user);

/*
 * @p still has its exit record in the callback, then it is freed; NULL on failure.
 * Of several Deletes of one exec the later ones wait for the first, and find
 * nothing (NOT_FOUND), or do what it has failed to do.
 */
typedef void exec_delete_done_fn(void *user, struct process *p, const struct err *e);

void exec_delete_begin(struct process *p, double deadline_s, exec_delete_done_fn *done, void *user);

/*
 * VERB_PAUSE and VERB_RESUME, by the freezer or the runtime (container.h); or
 * VERB_UPDATE with the resources as JSON, borrowed until this returns.
 */
typedef void verb_done_fn(void *user, struct container *ct, const struct err *e);

struct verb_args {
	enum verb verb;
	const void *resources;
	size_t resources_len;
	double deadline_s;
};

void verb_begin(struct container *ct, const struct verb_args *args, verb_done_fn *done, void *user);

/*
 * Checkpoint: an image of the container in @path. All borrowed until the
 * callback. What criu logs is in BUNDLE/criu-dump.log after a failure.
 */
struct checkpoint_args {
	const char *path;
	const char *work; /* where criu works; "": a folder that is removed afterwards */
	struct runtime_checkpoint_args how; /* but for its image and work */
	double deadline_s;
};

void checkpoint_begin(
	struct container *ct, const struct checkpoint_args *args, verb_done_fn *done, void *user);

/*
 * Not an operation: the signal is sent, through the pidfd, when this returns.
 * @all reaches every process of the container and is meant for its init.
 */
int process_kill(struct process *p, int signo, bool all, struct err *e);

#endif
