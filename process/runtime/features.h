/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_RUNTIME_FEATURES_H
#define PROCESS_RUNTIME_FEATURES_H

/*
 * features.h - what a runtime says it honours: `RUNTIME features` (runtime-spec, features.md).
 *
 *	features_query_init(&q, &place, rt);
 *	if (!features_recall(&q))                  a file on tmpfs, or
 *		features_ask(&q, on_done, e);      ...a run of the runtime; on_done follows
 *	q.answer                                   here it is
 *	features_query_fini(&q);
 *
 * The answer is kept for all shims of the host by what the binary is (device,
 * inode, size, time of change), so that it costs one run for each binary and
 * boot. A binary that is a wrapper can change what it runs without changing
 * itself: refuse nothing on the word of what was recalled, but ask once more.
 *
 * A runtime without the command (crun before 1.8.6, runc before 1.1) is asked
 * for its --version instead, so that people are told what it is.
 */

#include "base/buf.h"
#include "process/runtime/runtime.h"

#include <ev.h>
#include <limits.h>
#include <stdbool.h>

/* Root's, 0700, and gone with the next boot. A folder of another make is not used. */
#define FEATURES_CACHE_DIR "/run/containerd-shim-belay/features"

/* The room for the name of a file in there, its NUL included. */
#define FEATURES_KEY_ROOM 96

/* How long a runtime may take to answer, in seconds. After that it is as one without the command.
 */
#define FEATURES_DEADLINE_S 10.

/* The room for what it calls itself, its NUL included. */
#define FEATURES_NAME_ROOM 128

struct features {
	struct buf text; /* owned; the JSON, as the runtime printed it. Empty: it has none */
	char name[FEATURES_NAME_ROOM]; /* and version, for people: "runc 1.1.5" */
};

struct features_place {
	struct ev_loop *loop;  /* borrowed, all of them */
	const char *cache_dir; /* NULL: nothing is recalled or kept */
};

/* Embed it; all but `answer` is private. It must stay put while it asks. */
struct features_query {
	struct features answer;
	struct features_place at;
	const struct runtime *rt; /* borrowed; needs nothing but reaper and binary */
	struct runtime_call call;
	char key[FEATURES_KEY_ROOM]; /* of the binary that was asked; "": not known */
	ev_timer deadline;
	bool is_whole; /* it answered by itself, and the answer may be kept */
	void (*on_done)(struct features_query *q);
};

void features_query_init(
	struct features_query *q, struct features_place at, const struct runtime *rt);

/* True: the answer is known, and no process was started. */
bool features_recall(struct features_query *q);

/*
 * Asks the runtime, whatever is known; @on_done follows, once, from the loop.
 * -1 and *e when it could not be started.
 */
int features_ask(
	struct features_query *q, void (*on_done)(struct features_query *q), struct err *e);

/* What is kept of the runtime has proved wrong: the next Create asks again. */
void features_forget(const struct features_place *at, const struct runtime *rt);

/* SIGKILL. True when it still ran, so that on_done is yet to come. */
bool features_kill(struct features_query *q);

/* Accepts one that never asked, or still does; it may be used again. */
void features_query_fini(struct features_query *q);

/*
 * The file @path names: what execvp() would run for a name without a slash.
 * 0, or -ENOENT, -ENAMETOOLONG.
 */
int features_find_binary(const char *binary, char path[PATH_MAX]) NODISCARD;

#endif
