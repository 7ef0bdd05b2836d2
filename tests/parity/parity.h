/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PARITY_PARITY_H
#define TESTS_PARITY_PARITY_H

/*
 * parity.h - one shim on a stage, driven as containerd drives it, and a record of all it said.
 *
 * A scene is a function that asks. The same scenes are played by two shims, and
 * the records are laid side by side (record.h). What differs from run to run,
 * such as pids, times and paths, is written by name, so that equal records mean
 * equal behaviour.
 *
 * Everything here waits and gives up the whole program when something does not
 * come: run.sh gives it namespaces of its own, which end with it.
 */

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "proto/api/events.pb-c.h"
#include "proto/api/task.pb-c.h"
#include "proto/client.h"
#include "proto/server.h"
#include "reaper/child.h"
#include "reaper/reaper.h"
#include "tests/parity/record.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>

#define STAGE_ID        "c1"
#define STAGE_NAMESPACE "parity"
#define STAGE_PIDS_MAX  16
#define STAGE_NEWS_MAX  64

/* How long a shim may take for one answer, and for its end, in seconds. */
#define STAGE_PATIENCE_S 20.

/* A pid that has been told us, by the name it has in the record. */
struct named_pid {
	uint32_t pid;
	char name[32];
};

struct stage {
	const char *shim;    /* path of the binary; borrowed, like the next two */
	const char *runtime; /* name of the OCI runtime */
	const char *rootfs;
	bool is_stock;       /* has bugs that a scene must go round */
	const char *version; /* of the stock shim, for both; "" when there is none; borrowed */
	const char *scene;
	struct record *record; /* borrowed */

	struct ev_loop *loop;
	struct reaper reaper;
	char dir[PATH_MAX], bundle[PATH_MAX + 16], ear_path[PATH_MAX + 16];
	int log_fd;
	int input;           /* stdin of what is run; -1: /dev/null */
	char *address;       /* owned; the path in what `start` printed */
	const char *service; /* of the version it speaks */
	struct client client;
	struct server ear;
	struct child daemon;
	bool daemon_ended;
	int daemon_code;
	struct named_pid pids[STAGE_PIDS_MAX];
	size_t n_pids;
	Pb__ForwardRequest *news[STAGE_NEWS_MAX]; /* owned */
	size_t n_news, wanted_news;
	size_t n_due;  /* events that what has succeeded is to bring, once all has ended */
	bool has_news; /* as many as are wanted */
};

/* How a program ended that was run from beginning to end. */
struct ran {
	int code;
	struct buf output, errors; /* owned: ran_fini(); stdout and stderr */
};
void ran_fini(struct ran *r);

/* A fresh bundle whose init is `/bin/sh -c @script`, and a shim that serves. */
void stage_open(struct stage *s, const char *script);

/* The folder, the ear and the bundle only. */
void stage_prepare(struct stage *s, const char *script);
void stage_start_shim(struct stage *s);

/* Shutdown, the end of the shim, the `delete` of containerd, and what is left: all recorded. */
void stage_close(struct stage *s);

/* The same for a shim that was killed, of which only `delete` knows something. */
void stage_kill_shim(struct stage *s);
void stage_close_killed(struct stage *s);

/* Runs the shim's binary with the flags of containerd and this action; "" is none. */
struct ran stage_run(struct stage *s, const char *action);
struct ran stage_run_words(struct stage *s, const char *const *argv);

/* A file of the bundle. */
void stage_write(struct stage *s, const char *name, const char *text);
char *stage_path(struct stage *s, const char *name); /* valid until the 8th next call */

/* By its scene's name it has a terminal ("terminal...") or the pids of its host ("shared pids...").
 */
void stage_config(struct stage *s, const char *script);

/* Waits until that many events have come. */
void stage_await_news(struct stage *s, size_t n);

/* Runs the loop until *flag; the program ends if nothing makes it so. */
void stage_run_until(struct stage *s, const bool *flag, const char *what);

/* The same for what no event tells: asks every 5 ms. */
void stage_poll(struct stage *s, bool (*is_so)(void *user), void *user, const char *what);

/* Adds a line; the text is normalised. */
void stage_note(struct stage *s, const char *step, const char *fmt, ...) PRINTF_LIKE(3, 4);
void stage_note_reply(struct stage *s, const char *step, const ProtobufCMessage *m);
void stage_note_ran(struct stage *s, const char *step, struct ran *r);
void stage_name_pid(struct stage *s, const char *name, uint32_t pid);

NORETURN void give_up(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* ask.c: calls, each of which is recorded under @step. */
struct ask_io {
	const char *in, *out, *err;
	bool terminal;
};

void ask_create(struct stage *s, const char *step, const struct ask_io *io);
Pb__CreateTaskRequest *ask_create_request(struct stage *s, const struct ask_io *io);
void ask_create_with(struct stage *s, const char *step, Pb__CreateTaskRequest *req);

/* A call that is recorded when its answer is asked for. @name: of the pid that Start tells. */
struct answer {
	struct client_call call;
	const char *method;
	bool is_over;
	struct err err;
	ProtobufCMessage *reply; /* owned; NULL: refused */
};
void ask_begin(struct stage *s, struct answer *a, const char *method, const ProtobufCMessage *m);
void ask_end(struct stage *s, struct answer *a, const char *step, const char *name);

/* The methods that take an id and perhaps an exec id. @exec may be NULL. */
void ask(struct stage *s, const char *step, const char *method, const char *exec);
void ask_of(struct stage *s, const char *step, const char *method, const char *id);
void ask_kill(struct stage *s, const char *step, const char *exec, uint32_t signal);
void ask_exec(struct stage *s, const char *step, const char *exec, const char *script);
void ask_exec_spec(struct stage *s, const char *step, const char *exec, const char *spec,
	const struct ask_io *io);
void ask_resize(struct stage *s, const char *step, const char *exec);
void ask_close_io(struct stage *s, const char *step, const char *exec);
void ask_update(struct stage *s, const char *step, const char *resources);
void ask_checkpoint(struct stage *s, const char *step, const char *path);

/* Without a line in the record: to get a scene out of the way. False: it was refused. */
void *ask_quietly(
	struct stage *s, const char *method, const ProtobufCMessageDescriptor *reply_type);
bool quietly(struct stage *s, const char *method, const char *exec);
void quietly_kill(struct stage *s);

/* Only asked of the shim that is not the stock one, whose answer must match @wanted. */
void alone_call(struct stage *s, const char *step, const char *method, const ProtobufCMessage *m,
	const char *wanted);

/*
 * Start of an exec that was started before. The stock shim of 1.7 and 2.1 does
 * not survive it; then only ours is asked, and must answer with @wanted.
 */
void ask_start_again(struct stage *s, const char *step, const char *exec, const char *wanted);

/* scenes_*.c */
typedef void scene_fn(struct stage *s);
struct scene {
	const char *name;
	scene_fn *play;
};
extern const struct scene scenes_of_states[];
extern const struct scene scenes_of_execs[];
extern const struct scene scenes_of_failures[];
extern const struct scene scenes_of_streams[];
extern const struct scene scenes_of_binary[];
extern const struct scene scenes_of_criu[];

#endif
