/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

/*
 * json.h - jansson, with cleanup and with errors that name the file and the path.
 */

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define auto_json __attribute__((cleanup(json_drop_)))

static inline void json_drop_(json_t **j)
{
	json_decref(*j);
}

/* The largest JSON file we read, in bytes. A config.json of 40 KiB is a large one. */
#define JSON_FILE_MAX (8u << 20)

/*
 * Parses the file @name in @dir, which must hold one object. The caller owns *ret.
 * Numbers become reals: an rlimit of 2^64 - 1 is legal JSON and no long long.
 */
int json_load_file_at(int dir, const char *name, json_t **ret, struct err *e);

/* The same for @text; @what names it in errors. Its numbers are for us, not to be passed on. */
int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *e);

struct buf;

/*
 * Appends @text to @out with the member @key of its outermost object set to
 * @value, and every other byte as it was: what we do not understand is passed
 * on unchanged. @text must be an object that json_parse() took. 0 or -errno.
 */
int json_copy_with_bool(const char *text, size_t len, const char *key, bool value, struct buf *out);

/*
 * Walks object members: json_get(root, "linux", "namespaces", NULL).
 * Borrowed from @root; NULL when any of them is missing or not an object.
 */
json_t *json_get(json_t *root, ...) __attribute__((sentinel));

/*
 * From now on the values of this process are made in memory of their own, which
 * goes back to the kernel as a whole with the last of them. A config.json is a
 * thousand small pieces, and whatever is allocated between them and lives on
 * would keep their pages in the heap for as long as the container runs. Before
 * the first value is made; what jansson hands out is not for free() then, so
 * text is made with json_text().
 */
void json_use_region(void);

/* In one line; the caller frees it. NULL when out of memory, or for a string that is no UTF-8. */
char *json_text(const json_t *j);

/* The string behind @key, borrowed from @object; NULL when there is none. */
const char *json_get_string(json_t *object, const char *key);

#endif
