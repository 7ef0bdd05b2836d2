/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_TOML_H
#define SHIM_CTL_TOML_H

/*
 * toml.h - as much of TOML 1.0 as containerd's config.toml has where we look:
 * tables, those in one line too, dotted and quoted names, strings and booleans.
 * Every other value is kept as its text. Comments and lists of several lines are
 * passed over.
 */

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

/* Nested objects; any other value is a string or a boolean. The caller owns *ret. -1 names the
 * line. */
int toml_parse(const char *text, size_t len, json_t **ret, struct err *e);

#endif
