/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CONVERT_H
#define SHIM_CONVERT_H

/*
 * convert.h - between messages of the wire and plain structs: the only file that knows both.
 */

#include "base/err.h"
#include "process/ops.h"
#include "proto/api/events.pb-c.h"
#include "proto/api/options.pb-c.h"
#include "proto/api/task.pb-c.h"
#include "shim/runtime_options.h"

/*
 * A Create request as arguments of the operation. Everything points into @req
 * and into what this owns; convert_create_fini() ends it.
 */
struct convert_create {
	struct create_args args;
	struct rootfs_mount *mounts; /* owned */
	Runc__Options *options;      /* owned; NULL if the request had none */
	struct runtime_options toml; /* owned; the same as text */
};

/* The options alone, with nothing else set. @any may be NULL. convert_create_fini() ends it. */
int convert_options(struct convert_create *ret, const Pb__Any *any, struct err *e);
int convert_create(struct convert_create *ret, const Pb__CreateTaskRequest *req, struct err *e);
void convert_create_fini(struct convert_create *c);

/* A Checkpoint request likewise; to be kept until the operation has ended. */
struct convert_checkpoint {
	struct checkpoint_args args;
	Runc__CheckpointOptions *options; /* owned; NULL if the request had none */
};

int convert_checkpoint(
	struct convert_checkpoint *ret, const Pb__CheckpointTaskRequest *req, struct err *e);
void convert_checkpoint_fini(struct convert_checkpoint *c);

/* Go's zero time, which clients test for, where there has been no exit. */
Pb__Timestamp convert_exited_at(const struct exit_record *exit);
Pb__Timestamp convert_time(struct timespec ts);

/* Of an exec that runs: its container's, if that is paused or about to be. */
Pb__ProcessStatus convert_status(const struct process *p);

#endif
