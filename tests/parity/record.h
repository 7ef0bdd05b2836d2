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

struct table;

/* Of two shims, scene by scene. */
struct comparison {
	const char *with;    /* "1.6.20 runc" */
	bool is_whole;       /* all scenes are played */
	struct table *table; /* owned */
	size_t n_same, n_known, n_bad;
};

/* With the table of the file @path. */
void comparison_init(struct comparison *c, const char *path, const char *with, bool is_whole);

/* Whether the records differ by no more than what is known. */
bool record_is_as_known(
	const struct comparison *c, const struct record *stock, const struct record *belay);

/* Counts, and prints what is not known. */
void record_compare(struct comparison *c, const struct record *stock, const struct record *belay);

/* After the last scene: each row that could have been used must have been. */
void comparison_end(struct comparison *c);

#endif
