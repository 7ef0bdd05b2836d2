/* SPDX-License-Identifier: Apache-2.0 */
#include "process/io/uri.h"

#include "base/auto.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum uri_kind kind;
} schemes[] = {
	{ "fifo", URI_PATH },
	{ "file", URI_FILE },
	{ "binary", URI_BINARY },
	{ "binary-v2", URI_BINARY_V2 },
};

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX, and in a query '+'. NULL for a broken escape, a NUL, or no memory. */
static char *decode(const char *text, size_t len, bool is_query)
{
	auto_free char *out = malloc(len + 1);
	size_t n = 0;

	if (!out)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			if (i + 2 >= len || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
				return NULL;
			c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
			i += 2;
		} else if (c == '+' && is_query) {
			c = ' ';
		}
		if (c == '\0')
			return NULL;
		out[n++] = c;
	}
	out[n] = '\0';
	return take_ptr(&out);
}

static int add_word(struct uri *u, const char *text, size_t len, struct err *e)
{
	if (u->n_words == URI_WORDS_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT, "log URI with more than %d words",
			URI_WORDS_MAX);
	u->word[u->n_words] = decode(text, len, true);
	if (!u->word[u->n_words])
		return err_set(e, STATUS_INVALID_ARGUMENT, "log URI with a broken escape");
	u->n_words++;
	return 0;
}

static int parse_query(struct uri *u, const char *query, struct err *e)
{
	while (*query) {
		size_t len = strcspn(query, "&");
		size_t key = strcspn(query, "=&");
		size_t value = key < len ? key + 1 : len;

		if (len > 0 && (add_word(u, query, key, e) < 0 ||
				       add_word(u, query + value, len - value, e) < 0))
			return -1;
		query += len + (query[len] == '&');
	}
	return 0;
}

static int find_scheme(struct uri *u, const char *text, size_t len, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strlen(schemes[i].name) == len && memcmp(schemes[i].name, text, len) == 0) {
			u->kind = schemes[i].kind;
			return 0;
		}
	}
	return err_set(e, STATUS_UNKNOWN, "unknown STDIO scheme %.*s", (int)len, text);
}

int uri_parse(struct uri *ret, const char *text, struct err *e)
{
	struct uri u = { .kind = URI_PATH };
	const char *colon = text[0] == '/' ? NULL : strstr(text, "://");
	const char *path = colon ? colon + 3 : text;
	size_t len = colon ? strcspn(path, "?#") : strlen(path);

	if (colon && find_scheme(&u, text, (size_t)(colon - text), e) < 0)
		return -1;
	u.path = colon ? decode(path, len, false) : strdup(path);
	if (!u.path)
		return err_set(e, STATUS_INVALID_ARGUMENT, "log URI '%s' has a broken path", text);
	if (colon && path[len] == '?' && parse_query(&u, path + len + 1, e) < 0) {
		uri_fini(&u);
		return -1;
	}
	*ret = u;
	return 0;
}

void uri_fini(struct uri *u)
{
	free(take_ptr(&u->path));
	for (size_t i = 0; i < u->n_words; i++)
		free(take_ptr(&u->word[i]));
	u->n_words = 0;
}
