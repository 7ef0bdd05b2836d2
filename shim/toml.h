/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_TOML_H
#define SHIM_TOML_H

/*
 * toml.h - TOML 1.0 as JSON values.
 *
 * Tables are objects, lists arrays, whole numbers integers. Other numbers and
 * dates, of which nobody here knows any, are kept as their text, and not looked
 * at closely. More is taken than TOML allows: a table that is opened again, a
 * number such as 007. Two things are not that it does: a NUL in a string, and a
 * blank in the middle of a date.
 */

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

/* The longest string or number, in bytes. */
#define TOML_STRING_MAX (64 * 1024)

/* Lists and tables that are values of values, and the parts of a name with dots. */
#define TOML_DEPTH_MAX 16

/* The caller owns *ret. -1 and *e, which names the line. @text NULL is an empty one. */
int toml_parse(const char *text, size_t len, json_t **ret, struct err *e);

#endif
