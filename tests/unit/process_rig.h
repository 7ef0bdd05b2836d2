/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PROCESS_RIG_H
#define TESTS_UNIT_PROCESS_RIG_H

/*
 * process_rig.h - containers without a shim: a loop, a reaper, a bundle, the fake runtime.
 *
 *	rig_init(&r);                         a bundle c1 whose init sleeps
 *	rig_script(&r, "exit 7");             ...or does this
 *	rig_misdeeds(&r, "create hang\n");    how the runtime behaves (tests/fake/misdeed.c)
 *	ct = rig_create(&r);
 *	rig_expect_story(&r, "create");
 *	rig_fini(&r);                         and nothing may be left
 *
 * The story is what a client would have been told, in the order of the telling:
 * "create start exit=7 delete", a failure as "!create".
 */

#include "base/auto.h"
#include "process/container.h"
#include "process/observer.h"
#include "process/ops.h"
#include "reaper/reaper.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"
#include "tests/lib/tmpdir.h"

#include <stdbool.h>

#define RIG_NAMESPACE "tests"
#define RIG_PATH_MAX  (TMPDIR_PATH_MAX + 32)

struct rig {
	struct ev_loop *loop;
	struct reaper reaper;
	struct observer observer;
	struct containers set;
	struct tmpdir dir;       /* c1/ is the bundle, runtime/ what the runtime keeps */
	char binary[256];        /* of the runtime */
	char root[RIG_PATH_MAX]; /* of its state */
	char bundle[RIG_PATH_MAX];
	struct create_args args; /* what rig_create() asks for; to be changed before */
	char story[2048];
	bool exited;  /* an exit was reported */
	int reads[2]; /* the client's ends of the outputs; -1 without rig_streams() */
};

void rig_init(struct rig *r);

/* Every container must have been deleted, or never have come to be. */
void rig_fini(struct rig *r);

/* A bundle of that name, with a config.json whose init is `sh -c SCRIPT`. */
void rig_bundle(struct rig *r, const char *id, const char *script);
void rig_script(struct rig *r, const char *script);
void rig_misdeeds(struct rig *r, const char *lines);

/* A file in the bundle of c1; the text read is the caller's to free, NULL if there is none. */
void rig_write(struct rig *r, const char *name, const char *text);
char *rig_read(struct rig *r, const char *name);

/* Another runtime: a shell script in which "$FAKE" is the fake one and "$B" the bundle. */
void rig_runtime_script(struct rig *r, const char *script);

/* An operation that was begun, and how it ended. */
struct deed {
	struct rig *rig;
	const char *name;
	bool done;
	int calls;
	struct create_args args; /* of create, which borrows them to its end */
	struct err err;
	struct container *ct; /* of create */
	struct exit_record exit;
	bool had_exit; /* of start: its exit was told before */
};

void rig_begin_create(struct rig *r, struct deed *d);
void rig_begin_start(struct rig *r, struct container *ct, double deadline_s, struct deed *d);
void rig_begin_delete(struct rig *r, struct container *ct, double deadline_s, struct deed *d);
void rig_await(struct rig *r, struct deed *d);

/* The operation of the newest container, once it waits in that row; as if its time were up now. */
struct op *rig_await_row(struct rig *r, const char *row, bool unwinding);
void rig_expire(struct rig *r, struct op *op);
void deed_expect_ok(const struct deed *d);
void deed_expect(const struct deed *d, enum status status, const char *words);

/* From begin to end; they fail the test unless it went well. */
struct container *rig_create(struct rig *r);
void rig_start(struct rig *r, struct container *ct);
void rig_delete(struct rig *r, struct container *ct);
void rig_kill(struct rig *r, struct container *ct);

/* One that fails, with these words somewhere in the message. */
void rig_expect_no_create(struct rig *r, enum status status, const char *words);

void rig_await_exit(struct rig *r);
void rig_expect_story(const struct rig *r, const char *story);

/* Runs the loop until every process below us has been collected. */
void rig_await_no_children(struct rig *r);

/* Neither the runtime nor we remember anything, and nothing runs or is mounted. */
void rig_expect_nothing_left(struct rig *r);

/* How many times the runtime was called with @verb. */
int rig_count_calls(struct rig *r, const char *verb);

/* A FIFO BUNDLE/@name; the path is valid as long as the rig. */
const char *rig_fifo(struct rig *r, const char *name);

/* Nobody, we included, has it open. */
void rig_expect_fifo_is_free(struct rig *r, const char *name);

/* The streams of a client that is there: FIFOs in, out and err of the bundle. */
struct stdio_paths rig_streams(struct rig *r);

/* Nobody but the client has one of them open. */
void rig_expect_streams_are_free(struct rig *r);

#endif
