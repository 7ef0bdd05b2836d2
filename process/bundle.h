/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_BUNDLE_H
#define PROCESS_BUNDLE_H

/*
 * bundle.h - what we read from and write to a bundle, the folder containerd makes for a container.
 *
 * The formats of options.json and runtime are the reference's: `delete` may be
 * run by another build of the shim than the one that wrote them.
 */

#include "base/err.h"
#include "process/container.h"

#include <stdbool.h>

#define RUNTIME_BINARY_DEFAULT "runc"
#define RUNTIME_ROOT_DEFAULT   "/run/containerd/runc"

/* Of config.json, what a shim has to know. */
struct bundle_facts {
	bool own_pidns; /* a new pid namespace of its own */
	char *group;    /* owned; the annotation that puts containers into one shim, or NULL */
};

struct json_t;

/* From the bundle, or out of a config.json that has been parsed. 0; -1 and *e; -ENOMEM. */
int bundle_read_facts(int bundle_fd, struct bundle_facts *ret, struct err *e);
int bundle_facts_of(struct json_t *config, struct bundle_facts *ret);
void bundle_facts_fini(struct bundle_facts *f);

/* options.json (snake_case, zero values left out) and runtime, both 0600. */
int bundle_write_options(int bundle_fd, const struct container_options *o, struct err *e);

/*
 * Reads them back. Files that are missing mean defaults. So do those that cannot
 * be read, or are damaged, and then *e says so with -1: there is a container to
 * clean up, and the runtime's name is in a file of its own. The strings belong
 * to *ret_owner, which the caller ends with json_decref().
 */
int bundle_read_options(
	int bundle_fd, struct container_options *ret, struct json_t **ret_owner, struct err *e);

/*
 * exitstatus.json: how the init ended, for the `delete` of a shim that has died
 * since. The name and the fields (Timestamp, Pid, Status) are those of
 * containerd 2.4. Written whole or not at all. -ENOENT: it has not ended, or
 * nobody knows.
 */
struct exit_file {
	pid_t pid;
	uint32_t code;
	struct timespec at;
};

int bundle_forget_exit(int bundle_fd); /* of whoever had the bundle before */
int bundle_write_exit(int bundle_fd, const struct exit_file *x);
int bundle_read_exit(int bundle_fd, struct exit_file *ret);

/* "<root>/<namespace>"; the caller frees it. NULL when out of memory. */
char *bundle_runtime_root(const struct container_options *o, const char *ns);

#endif
