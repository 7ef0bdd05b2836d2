/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PARITY_RECORD_H
#define TESTS_PARITY_RECORD_H

/*
 * record.h - what a shim said, line by line, and the comparison of two of those.
 *
 * A difference must be a row of the table in README.md, and each row must
 * describe at least one: `| step | with | stock | belay | why |`. All cells but
 * the last are patterns of fnmatch(3); `with` is matched with "VERSION RUNTIME".
 */

#include <stdbool.h>
#include <stddef.h>

struct line {
	char *step, *text; /* owned */
};

struct record {
	struct line *lines;
	size_t n;
};

void record_add(struct record *r, const char *step, const char *text);
void record_fini(struct record *r);
void record_print(const struct record *r);

/* The table of @path, of which the rows for @with ("1.6.20 runc") must all be used. */
struct comparison {
	const char *path;
	const char *with;
	bool is_whole; /* all scenes were played */
	size_t n_same, n_known, n_bad;
};

void record_compare(const struct record *stock, const struct record *belay, struct comparison *c);

#endif
