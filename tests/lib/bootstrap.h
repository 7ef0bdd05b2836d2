/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_BOOTSTRAP_H
#define TESTS_LIB_BOOTSTRAP_H

/*
 * bootstrap.h - `start` as containerd 1.6 to 2.2 runs it, and what any shim's `start` prints.
 *
 * For drivers of shims that are not ours, which speak the older dialects.
 */

#include "base/buf.h"

#define BOOTSTRAP_WORDS_MAX 16

/* All borrowed by the words. */
struct bootstrap_args {
	const char *shim, *ns, *address, *id;
	const char *bundle; /* only `delete` is told; may be NULL */
	const char *action; /* "" is none */
};

void bootstrap_words(const struct bootstrap_args *a, const char *ret[BOOTSTRAP_WORDS_MAX]);

/* Out of a plain address, JSON or protobuf: the path, which the caller frees; NULL: there is none.
 */
char *bootstrap_address(struct buf *output);

/* The task service in the version that the shim said it speaks. */
const char *bootstrap_service(struct buf *output);

#endif
