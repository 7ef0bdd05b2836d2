/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/layers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The end of the layer that begins at @at: a colon that counts, or the end of the text. */
static const char *layer_end(const char *at)
{
	while (*at && *at != ':')
		at += at[0] == '\\' && at[1] ? 2 : 1;
	return at;
}

void layers_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

static size_t count(const char *text)
{
	size_t n = 1;

	for (const char *at = layer_end(text); *at; at = layer_end(at + 1))
		n++;
	return n;
}

int layers_split(const char *text, struct layers *ret)
{
	struct layers l = { .path = calloc(count(text), sizeof(*l.path)) };
	int rc = l.path ? 0 : -ENOMEM;

	while (rc == 0) {
		const char *end = layer_end(text);

		if (end == text) {
			rc = -EINVAL;
			break;
		}
		l.path[l.n] = strndup(text, (size_t)(end - text));
		if (!l.path[l.n]) {
			rc = -ENOMEM;
			break;
		}
		layers_unescape(l.path[l.n++]);
		if (!*end) {
			*ret = l;
			return 0;
		}
		text = end + 1;
	}
	layers_fini(&l);
	return rc;
}

void layers_fini(struct layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->path[i]);
	free(l->path);
	*l = (struct layers){ 0 };
}

/* As far as two paths agree, back to the last slash. */
static size_t agreement(const char *a, const char *b, size_t at_most)
{
	size_t slash = 0;

	for (size_t i = 0; i < at_most && a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			slash = i + 1;
	return slash;
}

size_t layers_common(const struct layers *l)
{
	const char *first = l->path[0];
	size_t common;

	if (first[0] != '/')
		return 0;
	/* Of the first alone: the folder it is in, so that a name is left of it. */
	common = (size_t)(strrchr(first, '/') + 1 - first);
	for (size_t i = 1; i < l->n; i++)
		common = agreement(first, l->path[i], common);
	for (size_t i = 0; i < l->n; i++)
		if (!l->path[i][common])
			return 0;
	return common > 1 ? common : 0;
}

static int add_escaped(struct buf *ret, const char *path)
{
	int rc = 0;

	for (; rc == 0 && *path; path++) {
		if (*path == '\\' || *path == ':' || *path == ',')
			rc = buf_add(ret, "\\", 1);
		if (rc == 0)
			rc = buf_add(ret, path, 1);
	}
	return rc;
}

int layers_join(const struct layers *l, size_t skip, struct buf *ret)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		if (i > 0)
			rc = buf_add(ret, ":", 1);
		if (rc == 0)
			rc = add_escaped(ret, l->path[i] + skip);
	}
	return rc;
}
