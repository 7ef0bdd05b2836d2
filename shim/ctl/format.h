/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_FORMAT_H
#define SHIM_CTL_FORMAT_H

/*
 * format.h - numbers and tables for people, and what a stranger's text may do to a terminal.
 */

#include "base/attr.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Room for any number below, its NUL included. */
#define FORMAT_MAX 32

/* "812B", "3.2MiB"; UINT64_MAX, which is "no limit" in a control group, is "-". */
const char *format_bytes(uint64_t n, char ret[FORMAT_MAX]);

/* "42s", "3m", "5h", "12d"; below 0 is "-". */
const char *format_age(int64_t seconds, char ret[FORMAT_MAX]);

/*
 * Text of a stranger can hold an escape sequence; a terminal that obeys it is not ours to give
 * away. What is printed as text, and not as JSON, goes through here: control characters, line ends
 * too, become '?'. Returns @text.
 */
char *format_tame(char *text);

/* The same with every string in @j; the names of members are ours. */
void format_tame_json(json_t *j);

#define TABLE_COLUMNS_MAX 12

/* Cells are copied. All zeroes is an empty one. */
struct table {
	char **cell; /* owned; row by row */
	size_t n, room;
	size_t columns;
};

/* Adds a cell behind the last; the first row is the heading. They are tamed. */
int table_add(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3) NODISCARD;

/* Each column as wide as it needs to be; at most @width characters of a line if @width is not 0. */
void table_print(const struct table *t, FILE *to, size_t width);
void table_fini(struct table *t);

#endif
