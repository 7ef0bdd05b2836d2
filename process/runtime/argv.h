/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_RUNTIME_ARGV_H
#define PROCESS_RUNTIME_ARGV_H

/*
 * argv.h - command lines of the runtime, word by word.
 *
 * The order of the global flags is exactly go-runc's: wrappers that people put
 * in front of runc look for --log where it has always been.
 */

#include "process/runtime/runtime.h"

#include <limits.h>
#include <stddef.h>

#define ARGV_MAX 48 /* words; the longest command line, checkpoint with everything, needs 41 */

struct argv {
	const char *word[ARGV_MAX + 1]; /* borrowed, NULL at the end */
	size_t n;
	char log[PATH_MAX];
	char pid_file[PATH_MAX];
	char process_file[PATH_MAX];
};

/* What the runtime logs to, but for execs. */
#define ARGV_LOG "log.json"

/* Each fills @a from scratch. -ENAMETOOLONG when a path of the bundle does not fit. */
int argv_create(struct argv *a, const struct runtime *rt, const struct runtime_create_args *args);
int argv_delete(struct argv *a, const struct runtime *rt, bool force);
int argv_exec(struct argv *a, const struct runtime *rt, const struct runtime_exec_args *args);
int argv_checkpoint(
	struct argv *a, const struct runtime *rt, const struct runtime_checkpoint_args *args);
int argv_restore(struct argv *a, const struct runtime *rt, const struct runtime_restore_args *args);
int argv_update(struct argv *a, const struct runtime *rt);

/* A verb that takes the id and nothing else: start, pause, resume. */
int argv_verb(struct argv *a, const struct runtime *rt, const char *verb);

#endif
