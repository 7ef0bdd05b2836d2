/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_TOML_TEXT_H
#define SHIM_TOML_TEXT_H

/*
 * toml_text.h - the words of TOML: white space, strings, bare words; for toml.c.
 */

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

struct toml {
	const char *at, *end;
	int line, depth;
	json_t *root;
	json_t *table; /* borrowed from the root; where keys go */
	struct err *e;
};

/* Fills the error, with the line. -1. */
int toml_complain(const struct toml *t, const char *what);

/* What comes next; the text ends where it ends, not with a NUL. took() also passes it. */
bool toml_has(const struct toml *t, char c);
bool toml_has_one_of(const struct toml *t, const char *set);
bool toml_took(struct toml *t, const char *word);

void toml_skip_blanks(struct toml *t);
void toml_skip_rest(struct toml *t);  /* to the end of the line, with a comment if there is one */
void toml_skip_space(struct toml *t); /* over lines */

/* Passes the opening quotes. NULL: there are none. */
struct toml_quotes;
const struct toml_quotes *toml_open_quotes(struct toml *t, bool may_have_lines);

/* Up to the closing ones; or as much as is of @set, be it nothing. The caller's; NULL: failed. */
char *toml_read_quoted(struct toml *t, const struct toml_quotes *q);
char *toml_read_word(struct toml *t, const char *set);

#endif
