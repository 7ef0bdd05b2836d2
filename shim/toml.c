/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/toml.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

struct parser {
	const char *at, *end;
	int line, depth;
	json_t *root;
	json_t *table; /* borrowed from the root; where keys go */
	struct err *e;
};

static int complain(const struct parser *p, const char *what)
{
	return err_set(p->e, STATUS_INVALID_ARGUMENT, "line %d: %s", p->line, what);
}

/* What jansson has refused: it says of no memory no more than of bad text. */
static int refuse(const struct parser *p, const char *what)
{
	char why[64];

	if (errno == ENOMEM)
		return err_oom(p->e);
	snprintf(why, sizeof(why), "%s is not valid UTF-8", what);
	return complain(p, why);
}

static int set(const struct parser *p, json_t *table, const char *name, json_t *value)
{
	errno = 0;
	return json_object_set_new(table, name, value) < 0 ? refuse(p, "a name") : 0;
}

/* --- what stands between the words --- */

static bool has(const struct parser *p, char c)
{
	return p->at < p->end && *p->at == c;
}

static bool has_one_of(const struct parser *p, const char *set)
{
	return p->at < p->end && *p->at && strchr(set, *p->at);
}

/* Also passes it. */
static bool took(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0)
		return false;
	p->at += n;
	return true;
}

static void skip_blanks(struct parser *p)
{
	while (has_one_of(p, " \t\r"))
		p->at++;
}

/* To the end of the line, with a comment if there is one. */
static void skip_rest(struct parser *p)
{
	skip_blanks(p);
	if (has(p, '#'))
		while (p->at < p->end && *p->at != '\n')
			p->at++;
}

/* Over lines. */
static void skip_space(struct parser *p)
{
	for (skip_rest(p); has(p, '\n'); skip_rest(p)) {
		p->at++;
		p->line++;
	}
}

static int end_line(struct parser *p)
{
	skip_rest(p);
	if (p->at < p->end && *p->at != '\n')
		return complain(p, "more than a key and a value");
	return 0;
}

/* --- strings --- */

static int add(struct parser *p, struct buf *out, const void *bytes, size_t n)
{
	int rc = buf_add(out, bytes, n);

	if (rc == -ENOBUFS)
		return complain(p, "a string is too long");
	return rc < 0 ? err_oom(p->e) : 0;
}

static int add_rune(struct parser *p, struct buf *out, uint32_t rune)
{
	static const uint8_t heads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
	uint8_t bytes[4];

	if (rune == 0 || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
		return complain(p, "an escape that is no character");
	for (size_t i = n - 1; i > 0; i--, rune >>= 6)
		bytes[i] = (uint8_t)(0x80 | (rune & 0x3f));
	bytes[0] = (uint8_t)(heads[n] | rune);
	return add(p, out, bytes, n);
}

/* \u0000 or \U00000000. */
static int read_rune(struct parser *p, struct buf *out, size_t digits)
{
	char text[9] = "";

	if ((size_t)(p->end - p->at) < digits)
		return complain(p, "an escape that does not end");
	memcpy(text, p->at, digits);
	if (strspn(text, DIGITS "abcdefABCDEF") != digits)
		return complain(p, "an escape that is no character");
	p->at += digits;
	return add_rune(p, out, (uint32_t)strtoul(text, NULL, 16));
}

static int read_escape(struct parser *p, struct buf *out)
{
	static const char from[] = "\"\\bfnrt";
	static const char to[] = "\"\\\b\f\n\r\t";
	const char *found;

	if (took(p, "u"))
		return read_rune(p, out, 4);
	if (took(p, "U"))
		return read_rune(p, out, 8);
	found = p->at < p->end && *p->at ? strchr(from, *p->at) : NULL;
	if (!found)
		return complain(p, "an escape that TOML does not have");
	p->at++;
	return add(p, out, to + (found - from), 1);
}

/* A backslash at the end of a line: that end and the white space after it are none. */
static bool took_line_end(struct parser *p)
{
	struct parser ahead = *p;

	skip_blanks(&ahead);
	if (!has(&ahead, '\n'))
		return false;
	for (; has_one_of(&ahead, " \t\r\n"); ahead.at++)
		ahead.line += *ahead.at == '\n';
	*p = ahead;
	return true;
}

struct quotes {
	const char *mark;
	bool escapes, lines;
};

static const struct quotes quotes[] = {
	/* The longer first. */
	{ "\"\"\"", true, true },
	{ "'''", false, true },
	{ "\"", true, false },
	{ "'", false, false },
};

static int read_inside(struct parser *p, const struct quotes *q, struct buf *out)
{
	while (p->at < p->end && (q->lines || *p->at != '\n')) {
		/* Of more than three at the end the first ones are text. */
		if (took(p, q->mark)) {
			if (!q->lines || !has(p, q->mark[0]))
				return 0;
			p->at -= 3;
		}
		if (q->escapes && took(p, "\\")) {
			if (q->lines && took_line_end(p))
				continue;
			if (read_escape(p, out) < 0)
				return -1;
			continue;
		}
		if (*p->at == '\0')
			return complain(p, "a string with a NUL in it");
		p->line += *p->at == '\n';
		if (add(p, out, p->at++, 1) < 0)
			return -1;
	}
	return complain(p, "a string does not end");
}

/* Passes the opening quotes. NULL: there are none. */
static const struct quotes *open_quotes(struct parser *p, bool may_have_lines)
{
	for (size_t i = 0; i < ARRAY_LEN(quotes); i++)
		if ((may_have_lines || !quotes[i].lines) && took(p, quotes[i].mark))
			return &quotes[i];
	return NULL;
}

static char *read_quoted(struct parser *p, const struct quotes *q)
{
	auto_buf struct buf out = BUF_INIT(TOML_STRING_MAX);
	char *text;

	if (q->lines && (took(p, "\n") || took(p, "\r\n")))
		p->line++;
	if (read_inside(p, q, &out) < 0)
		return NULL;
	text = buf_text(&out) ? strdup(buf_text(&out)) : NULL;
	if (!text)
		err_oom(p->e);
	return text;
}

/* As much as is of @set. */
static char *read_word(struct parser *p, const char *set)
{
	const char *from = p->at;
	char *text;

	while (has_one_of(p, set))
		p->at++;
	if (p->at - from > TOML_STRING_MAX) {
		complain(p, "a word is too long");
		return NULL;
	}
	text = strndup(from, (size_t)(p->at - from));
	if (!text)
		err_oom(p->e);
	return text;
}

/* --- names --- */

static char *read_name(struct parser *p)
{
	const struct quotes *q;
	char *name;

	skip_blanks(p);
	q = open_quotes(p, false);
	if (q)
		return read_quoted(p, q);
	name = read_word(p, LETTERS DIGITS "_-");
	if (name && !name[0]) {
		complain(p, "a name is missing");
		free(take_ptr(&name));
	}
	return name;
}

/* The table @name of @table, made if it is not there; of a list of tables the last. */
static json_t *enter(struct parser *p, json_t *table, const char *name)
{
	json_t *in = json_object_get(table, name);

	if (!in && set(p, table, name, json_object()) < 0)
		return NULL;
	in = json_object_get(table, name);
	if (json_is_array(in) && json_array_size(in) > 0)
		in = json_array_get(in, json_array_size(in) - 1);
	if (json_is_object(in))
		return in;
	complain(p, "a table has the name of a value");
	return NULL;
}

/* a."b.c".d: enters all but the last name, which is the caller's to free. */
static char *read_path(struct parser *p, json_t **table)
{
	for (;;) {
		auto_free char *name = read_name(p);

		if (!name)
			return NULL;
		skip_blanks(p);
		if (!took(p, "."))
			return take_ptr(&name);
		*table = enter(p, *table, name);
		if (!*table)
			return NULL;
	}
}

/* --- values --- */

static int read_value(struct parser *p, json_t **ret);

static int to_json(struct parser *p, char *text, json_t **ret)
{
	errno = 0;
	*ret = text ? json_string(text) : NULL;
	if (text && !*ret)
		refuse(p, "a value");
	free(text);
	return *ret ? 0 : -1;
}

/* 1_000 is 1000. */
static void drop_underscores(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (*from != '_')
			*to++ = *from;
	*to = '\0';
}

/* A number or a date. */
static int read_number(struct parser *p, json_t **ret)
{
	auto_free char *text = read_word(p, LETTERS DIGITS "+-_.:");
	const char *first = text ? text + strspn(text, "+-") : NULL;
	long long number;
	char *rest;

	if (!text)
		return -1;
	if (!*first)
		return complain(p, *text ? "a number has no digits" : "a value is missing");
	if (!strchr(DIGITS, *first) && strcmp(first, "inf") != 0 && strcmp(first, "nan") != 0)
		return complain(p, "a word without quotes is no value");
	drop_underscores(text);
	errno = 0;
	number = strtoll(text, &rest, 10);
	if (*rest || errno)
		return to_json(p, take_ptr(&text), ret);
	*ret = json_integer(number);
	return *ret ? 0 : err_oom(p->e);
}

static int read_pair(struct parser *p, json_t *table)
{
	auto_free char *name = NULL;
	json_t *value = NULL;

	name = read_path(p, &table);
	if (!name)
		return -1;
	if (!took(p, "="))
		return complain(p, "'=' is missing");
	if (json_object_get(table, name))
		return err_set(p->e, STATUS_INVALID_ARGUMENT, "line %d: '%s' is there twice",
			p->line, name);
	skip_blanks(p);
	if (read_value(p, &value) < 0)
		return -1;
	return set(p, table, name, value);
}

static int read_element(struct parser *p, json_t *list)
{
	json_t *value = NULL;

	if (read_value(p, &value) < 0)
		return -1;
	return json_array_append_new(list, value) < 0 ? err_oom(p->e) : 0;
}

/* What is between brackets, one after the other, over lines too. */
static int read_members(struct parser *p, json_t *in, const char *close, const char *no_end,
	int (*read_one)(struct parser *p, json_t *in))
{
	for (skip_space(p); !took(p, close); skip_space(p)) {
		if (p->at >= p->end)
			return complain(p, no_end);
		if (read_one(p, in) < 0)
			return -1;
		skip_space(p);
		if (!took(p, ",") && !has(p, close[0]))
			return complain(p, no_end);
	}
	return 0;
}

/* Owns @in. */
static int read_nested(struct parser *p, json_t *in, json_t **ret)
{
	auto_json json_t *value = in;
	int rc;

	if (!value)
		return err_oom(p->e);
	if (p->depth == TOML_DEPTH_MAX)
		return complain(p, "values are too deep");
	p->depth++;
	if (json_is_object(value))
		rc = read_members(p, value, "}", "a table does not end", read_pair);
	else
		rc = read_members(p, value, "]", "a list does not end", read_element);
	p->depth--;
	if (rc == 0)
		*ret = take_ptr(&value);
	return rc;
}

static int read_value(struct parser *p, json_t **ret)
{
	const struct quotes *q;
	const char *from;

	if (took(p, "{"))
		return read_nested(p, json_object(), ret);
	if (took(p, "["))
		return read_nested(p, json_array(), ret);
	q = open_quotes(p, true);
	if (q)
		return to_json(p, read_quoted(p, q), ret);
	from = p->at;
	if (took(p, "true") || took(p, "false")) {
		*ret = json_boolean(*from == 't');
		if (!has_one_of(p, LETTERS DIGITS "_-"))
			return 0;
		p->at = from;
	}
	return read_number(p, ret);
}

/* --- lines --- */

/* A further one in the list @name of @table, which is made if it is not there. */
static json_t *append_table(struct parser *p, json_t *table, const char *name)
{
	json_t *list = json_object_get(table, name);

	if (!list && set(p, table, name, json_array()) < 0)
		return NULL;
	list = json_object_get(table, name);
	if (!json_is_array(list)) {
		complain(p, "a list has the name of another value");
		return NULL;
	}
	if (json_array_append_new(list, json_object()) < 0) {
		err_oom(p->e);
		return NULL;
	}
	return json_array_get(list, json_array_size(list) - 1);
}

/* [a.b] or [[a.b]] */
static int read_header(struct parser *p)
{
	bool is_list = took(p, "[[") || !took(p, "[");
	auto_free char *last = NULL;
	json_t *table = p->root;

	last = read_path(p, &table);
	if (!last)
		return -1;
	if (!took(p, is_list ? "]]" : "]"))
		return complain(p, "']' is missing");
	p->table = is_list ? append_table(p, table, last) : enter(p, table, last);
	return p->table ? 0 : -1;
}

int toml_parse(const char *text, size_t len, json_t **ret, struct err *e)
{
	auto_json json_t *root = json_object();
	const char *from = text ? text : ""; /* of nothing there are no bytes to point at */
	struct parser p = {
		.at = from, .end = from + len, .line = 1, .root = root, .table = root, .e = e
	};

	if (!root)
		return err_oom(e);
	for (skip_space(&p); p.at < p.end; skip_space(&p))
		if ((has(&p, '[') ? read_header(&p) : read_pair(&p, p.table)) < 0 ||
			end_line(&p) < 0)
			return -1;
	*ret = take_ptr(&root);
	return 0;
}
