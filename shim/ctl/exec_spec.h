/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_EXEC_SPEC_H
#define SHIM_CTL_EXEC_SPEC_H

/*
 * exec_spec.h - the OCI process of an exec: that of the container's config.json,
 * with another command. So it has the same user, capabilities and limits.
 */

#include "base/buf.h"
#include "base/err.h"
#include "shim/ctl/options.h"

#include <stdbool.h>

struct exec_wish {
	char *const *command; /* up to NULL */
	bool terminal;
	const char *user, *cwd; /* NULL: the container's */
	const struct option_list *env;
};

/* Appends the JSON to @ret. */
int exec_spec(const char *bundle, const struct exec_wish *wish, struct buf *ret, struct err *e);

#endif
