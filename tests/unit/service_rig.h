/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SERVICE_RIG_H
#define TESTS_UNIT_SERVICE_RIG_H

/*
 * service_rig.h - a daemon in a process of its own, a client of its task
 * service, and an ear for its events. The runtime is the fake one.
 *
 *	rig_init(&r);
 *	rig_create(&r); rig_start(&r); ...
 *	rig_expect_heard(&r, "create start exit=7 delete");
 *	rig_shut_down(&r);
 *
 * Containers are named c1, in a bundle of that name, and theirs is the event
 * that is heard without a name.
 */

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "proto/api/events.pb-c.h"
#include "proto/api/task.pb-c.h"
#include "proto/client.h"
#include "proto/server.h"
#include "reaper/child.h"
#include "reaper/reaper.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <stdbool.h>

#define RIG_NAMESPACE "tests"
#define RIG_PATH_MAX  (TMPDIR_PATH_MAX + 32)
#define TASK_V3       "containerd.task.v3.Task"
#define TASK_V2       "containerd.task.v2.Task"

struct rig {
	struct ev_loop *loop;
	struct reaper reaper;
	struct tmpdir dir;
	char bundle[RIG_PATH_MAX], root[RIG_PATH_MAX], socket[RIG_PATH_MAX], ear_path[RIG_PATH_MAX];
	struct child daemon;
	struct exit_status end;
	bool has_ended;
	struct client client;
	struct server ear;
	bool is_listening;
	char heard[8192];
};

void rig_init(struct rig *r);

/* The daemon must have been told to shut down, and its containers be gone. */
void rig_fini(struct rig *r);

void rig_script(struct rig *r, const char *script);
void rig_misdeeds(struct rig *r, const char *lines);

/* A call, and how it ended. */
struct answer {
	struct client_call call;
	bool done, failed;
	int calls;
	struct err err;
	struct buf payload;
};

/* Asks; buf_fini(&a->payload) when it is over. */
void rig_ask_at(struct client *c, const char *service, const char *method,
	const ProtobufCMessage *m, struct answer *a);
void rig_ask(struct rig *r, const char *method, const ProtobufCMessage *m, struct answer *a);
void rig_ask_within(struct rig *r, const char *method, const ProtobufCMessage *m, double timeout_s,
	struct answer *a);
void rig_await(struct rig *r, struct answer *a);

/* The reply, owned by the caller; the test fails if there is none. Ends the answer. */
void *answer_take(struct answer *a, const ProtobufCMessageDescriptor *type);

/* It was refused, in these very words. Ends the answer. */
void answer_expect(struct answer *a, enum status status, const char *words);

/* From question to answer. */
void *rig_get(struct rig *r, const char *method, const ProtobufCMessage *m,
	const ProtobufCMessageDescriptor *type);
void rig_do(struct rig *r, const char *method, const ProtobufCMessage *m);
void rig_expect_refused(struct rig *r, const char *method, const ProtobufCMessage *m,
	enum status status, const char *words);

/* Of c1. What is asked for can be changed before rig_create_with(). */
struct rig_create_request {
	Pb__CreateTaskRequest req;
	Pb__Any options;
	struct buf bytes;
};
void rig_create_request(struct rig *r, struct rig_create_request *ret);
void rig_create_request_fini(struct rig_create_request *c);
uint32_t rig_create(struct rig *r);
uint32_t rig_start(struct rig *r);
uint32_t rig_wait(struct rig *r);
uint32_t rig_delete(struct rig *r);
void rig_kill(struct rig *r, uint32_t signal);
Pb__StateResponse *rig_state(struct rig *r);

/* Waits until that much has been heard; then that must be all. */
void rig_expect_heard(struct rig *r, const char *wanted);

/* Shutdown, and the end of the daemon with status 0. */
void rig_shut_down(struct rig *r);
void rig_await_daemon(struct rig *r);

void rig_stop_listening(struct rig *r);
void rig_listen(struct rig *r);

/* One more client; to be closed with client_close(). */
void rig_connect(struct rig *r, struct client *c);

#endif
