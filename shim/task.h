/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_TASK_H
#define SHIM_TASK_H

/*
 * task.h - the methods of the task service, and what they share.
 *
 * Private to service.c, task_lifecycle.c, task_checkpoint.c (what changes a
 * container) and task_query.c (what asks about one, or sends a signal).
 *
 * Events come before answers: whoever has the answer to Create or Start may
 * count on the event being on its way.
 */

#include "process/container.h"
#include "proto/call.h"

struct daemon;

void task_create(struct call *c);
void task_start(struct call *c);
void task_exec(struct call *c);
void task_delete(struct call *c);
void task_pause(struct call *c);
void task_resume(struct call *c);
void task_update(struct call *c);
void task_checkpoint(struct call *c);

/*
 * Shutdown of @id while there are containers. A Create of @id that is under way
 * is given up and undone: its client was cancelled or has timed out, and says so
 * with a Delete, which finds nothing, and a Shutdown (containerd,
 * core/runtime/v2/task_manager.go). When nothing else is here but Creates whose
 * clients have gone, as after the death of a containerd, those are given up too,
 * and the shim leaves with the last of them.
 */
void task_give_up_creates(struct daemon *d, const char *id);

void task_state(struct call *c);
void task_wait(struct call *c);
void task_kill(struct call *c);
void task_pids(struct call *c);
void task_stats(struct call *c);
void task_connect(struct call *c);
void task_close_io(struct call *c);
void task_resize_pty(struct call *c);

/* google.protobuf.Empty. */
void task_reply_empty(struct call *c);

/* What a request is about; NULL after failing the call. */
struct process *task_process(struct call *c, const char *id, const char *exec_id);
struct container *task_container(struct call *c, const char *id);

struct daemon *task_daemon(const struct container *ct);

#endif
