/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROOF_CALLER_H
#define TESTS_PROOF_CALLER_H

/*
 * caller.h - a client of a shim that runs the fake runtime, and to which a
 * refusal is an answer like any other.
 *
 * What never comes, or cannot be, ends the program with PROOF_BROKEN: it is
 * the first process of a pid namespace (tests/proof/run), which ends with it.
 */

#include "base/attr.h"
#include "base/err.h"
#include "proto/api/task.pb-c.h"
#include "proto/client.h"
#include "reaper/child.h"

#include <stdbool.h>
#include <stdint.h>

#define PROOF_NAMESPACE "proof"

/* The promise does not hold. Any other failure, such as of the machine, is 1. */
#define PROOF_BROKEN 3

#define FAKE_RUNTIME BUILD_DIR "/tests/fake/fake-runtime"
#define FAKE_LOGGER  BUILD_DIR "/tests/fake/fake-logger"
#define MAYFLY       BUILD_DIR "/tests/proof/mayfly"

/* Says why on stderr, and does before what is set: NULL, nothing. */
extern void (*before_broken)(void);
void broken(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;
void give_up(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

struct caller {
	struct ev_loop *loop; /* borrowed */
	struct client client;
	void (*on_lost)(struct caller *c); /* its last words; may be NULL */
	void *user;
	double patience_s; /* how long an answer may take before it counts as lost */
};

/* One call; may be given up at any time with ask_fini(). */
struct ask {
	struct client_call call;
	const ProtobufCMessageDescriptor *type;
	const char *method;
	char about[96]; /* for people */
	bool is_over;
	struct err err;          /* of a refusal */
	ProtobufCMessage *reply; /* owned; NULL: refused */
	int64_t began_ns, ended_ns;
};

void caller_open(struct caller *c, struct ev_loop *loop, const char *socket);
void caller_close(struct caller *c);

/* Runs the loop until *@flag; broken() if that does not come in time. */
void caller_run_until(struct caller *c, const bool *flag, const char *what);

/* @type NULL: of Empty. */
void ask_begin(struct caller *c, struct ask *a, const char *method, const ProtobufCMessage *m,
	const ProtobufCMessageDescriptor *type);

/* The methods whose request begins with an id and an exec id; "" is none. */
void ask_begin_of(struct caller *c, struct ask *a, const char *method, const char *id,
	const char *exec, const ProtobufCMessageDescriptor *type);
void ask_begin_kill(
	struct caller *c, struct ask *a, const char *id, const char *exec, uint32_t signo);

/* True: answered. False: refused, a->err says why. The reply is ask_fini()'s to free. */
bool ask_await(struct caller *c, struct ask *a);
void ask_fini(struct ask *a);

/* From beginning to end; *@e may be NULL. */
bool ask_of(struct caller *c, const char *method, const char *id, const char *exec, struct err *e);
bool ask_kill(struct caller *c, const char *id, const char *exec, uint32_t signo, struct err *e);

/* What a Create asks for. */
struct vessel {
	const char *dir; /* where bundles and the runtime's state are; absolute */
	char id[64];
	const char *const *argv; /* of the init */
	const char *in, *out;    /* NULL: none */
	bool terminal;
	const char *runtime; /* NULL: the fake one; else a file in DIR */
	const char *real;    /* instead: an OCI runtime in $PATH, and a container that is one */
	const char *lower;   /* NULL, or a folder in DIR, mounted as its rootfs with all below */
};

/*
 * The bundle and its config.json. A real container has a control group below one that is called
 * as DIR's last part is.
 */
void vessel_prepare(const struct vessel *v);
void vessel_misdeed(const struct vessel *v, const char *line);
void ask_begin_create(struct caller *c, struct ask *a, const struct vessel *v);
void ask_begin_exec(struct caller *c, struct ask *a, const char *id, const char *exec,
	const char *const *argv, const char *out);

/* Resources that ask for nothing; an image in @path, and the container goes on. */
void ask_begin_update(struct caller *c, struct ask *a, const char *id);
void ask_begin_checkpoint(struct caller *c, struct ask *a, const char *id, const char *path);

uint32_t ask_pid(const struct ask *a); /* of a Create, a Start or a Delete */

#endif
