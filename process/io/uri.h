/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_IO_URI_H
#define PROCESS_IO_URI_H

/*
 * uri.h - where a client wants its output: a path, or a log URI.
 */

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum uri_kind {
	URI_PATH,      /* a FIFO or file by its path; also fifo:// */
	URI_FILE,      /* file://: appended to, made if need be; both outputs go there */
	URI_BINARY,    /* binary://: a logger of the client's, ready when it says so or closes */
	URI_BINARY_V2, /* binary-v2://: ready only when it says so */
};

/* Words of a logger's command line that a query may make. */
#define URI_WORDS_MAX 128

struct uri {
	enum uri_kind kind;
	char *path;                    /* owned; decoded */
	char *word[URI_WORDS_MAX + 1]; /* owned; key, value, key, value... of the query, decoded */
	size_t n_words;
};

/* What has no scheme is a path. -1 and *e: a scheme nobody knows, too many words, bad escapes. */
int uri_parse(struct uri *ret, const char *text, struct err *e);
void uri_fini(struct uri *u);

#endif
