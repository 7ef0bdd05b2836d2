/* SPDX-License-Identifier: Apache-2.0 */

/*
 * task_checkpoint.c - Checkpoint. Its way back is Create with a checkpoint, and Start.
 */

#include "base/auto.h"
#include "base/log.h"
#include "process/ops.h"
#include "shim/convert.h"
#include "shim/daemon.h"
#include "shim/task.h"

#include <stdlib.h>

/* A Checkpoint under way: the request is kept for its event, too. */
struct checkpointing {
	struct call *call;
	Pb__CheckpointTaskRequest *req; /* owned */
	struct convert_checkpoint args; /* owned */
};

static struct checkpointing *checkpointing_free(struct checkpointing *k)
{
	if (!k)
		return NULL;
	convert_checkpoint_fini(&k->args);
	message_free((ProtobufCMessage *)take_ptr(&k->req));
	free(k);
	return NULL;
}

/* The reference tells no event of it, though its own rules say that it should. */
static void checkpointed(void *user, struct container *ct, const struct err *e)
{
	struct checkpointing *k = user;
	Pb__TaskCheckpointed m = PB__TASK_CHECKPOINTED__INIT;

	if (err_is_set(e)) {
		log_warn("checkpoint", "id=%s error=\"%s\", it goes on", ct->id, e->msg);
		call_fail(k->call, e);
	} else {
		m.container_id = ct->id;
		m.checkpoint = k->req->path;
		events_push(&task_daemon(ct)->events, "/tasks/checkpointed", &m.base);
		log_info("checkpoint", "id=%s path=%s", ct->id, k->req->path);
		task_reply_empty(k->call);
	}
	checkpointing_free(k);
}

void task_checkpoint(struct call *c)
{
	auto_message Pb__CheckpointTaskRequest *req =
		call_unpack(c, &pb__checkpoint_task_request__descriptor);
	struct container *ct = req ? task_container(c, req->id) : NULL;
	struct checkpointing *k = ct ? calloc(1, sizeof(*k)) : NULL;
	struct err e = ERR_INIT;

	if (!ct)
		return;
	if (!k)
		err_oom(&e);
	if (!k || convert_checkpoint(&k->args, req, &e) < 0) {
		checkpointing_free(k);
		call_fail(c, &e);
		return;
	}
	k->call = c;
	k->req = req;
	req = NULL; /* k's now */
	k->args.args.deadline_s = call_timeout_s(c);
	checkpoint_begin(ct, &k->args.args, checkpointed, k);
}
