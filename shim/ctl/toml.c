/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/toml.h"

#include "base/auto.h"
#include "base/json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Tables that are values of tables that are values. */
#define DEPTH_MAX 16

struct parser {
	const char *at, *end;
	int line, depth;
	json_t *table; /* borrowed from the root; where keys go */
};

static bool has(const struct parser *p, char c)
{
	return p->at < p->end && *p->at == c;
}

static void skip_blanks(struct parser *p)
{
	while (has(p, ' ') || has(p, '\t') || has(p, '\r'))
		p->at++;
}

static void skip_line(struct parser *p)
{
	while (p->at < p->end && *p->at != '\n')
		p->at++;
}

/* Blanks, comments and line ends. */
static void skip_space(struct parser *p)
{
	for (;;) {
		skip_blanks(p);
		if (has(p, '#'))
			skip_line(p);
		if (!has(p, '\n'))
			return;
		p->at++;
		p->line++;
	}
}

static int complain(const struct parser *p, const char *what, struct err *e)
{
	return err_set(e, STATUS_INVALID_ARGUMENT, "line %d: %s", p->line, what);
}

/* "..." with \" and \\ in it, or '...' with none. *ret is the caller's. */
static char *read_quoted(struct parser *p, struct err *e)
{
	char quote = *p->at++;
	auto_free char *text = malloc((size_t)(p->end - p->at) + 1);
	size_t n = 0;

	if (!text) {
		err_oom(e);
		return NULL;
	}
	while (p->at < p->end && *p->at != quote && *p->at != '\n') {
		if (quote == '"' && *p->at == '\\' && p->at + 1 < p->end)
			p->at++;
		text[n++] = *p->at++;
	}
	if (!has(p, quote)) {
		complain(p, "a string does not end", e);
		return NULL;
	}
	p->at++;
	text[n] = '\0';
	return take_ptr(&text);
}

/* The text since @from. */
static char *copy(const struct parser *p, const char *from, struct err *e)
{
	char *text = strndup(from, (size_t)(p->at - from));

	if (!text)
		err_oom(e);
	return text;
}

static char *read_bare(struct parser *p, const char *stop, struct err *e)
{
	const char *from = p->at;

	while (p->at < p->end && !strchr(stop, *p->at))
		p->at++;
	while (p->at > from && (p->at[-1] == ' ' || p->at[-1] == '\t' || p->at[-1] == '\r'))
		p->at--;
	return copy(p, from, e);
}

static char *read_name(struct parser *p, struct err *e)
{
	skip_blanks(p);
	if (has(p, '"') || has(p, '\''))
		return read_quoted(p, e);
	return read_bare(p, ".]=\n#", e);
}

/* The object @name of @table, made if it is not there. NULL if it is something else. */
static json_t *enter(json_t *table, const char *name)
{
	json_t *in = json_object_get(table, name);

	if (!in && json_object_set_new(table, name, json_object()) == 0)
		in = json_object_get(table, name);
	return json_is_object(in) ? in : NULL;
}

/* a."b.c".d: enters all but the last name, which is the caller's to free. */
static char *read_path(struct parser *p, json_t **table, struct err *e)
{
	for (;;) {
		auto_free char *name = read_name(p, e);

		if (!name)
			return NULL;
		if (!name[0])
			break;
		skip_blanks(p);
		if (!has(p, '.'))
			return take_ptr(&name);
		p->at++;
		*table = enter(*table, name);
		if (!*table) {
			complain(p, "a table has the name of a value", e);
			return NULL;
		}
	}
	complain(p, "a name is missing", e);
	return NULL;
}

/* [a.b]; of [[a.b]] the last counts. */
static int read_header(struct parser *p, json_t *root, struct err *e)
{
	auto_free char *last = NULL;
	json_t *table = root;

	while (has(p, '['))
		p->at++;
	last = read_path(p, &table, e);
	if (!last)
		return -1;
	if (!has(p, ']'))
		return complain(p, "']' is missing", e);
	p->table = enter(table, last);
	skip_line(p);
	return p->table ? 0 : complain(p, "a table has the name of a value", e);
}

/* [ ... ], over lines, with lists, tables, strings and comments in it; kept as its text. */
static char *read_nested(struct parser *p, struct err *e)
{
	const char *from = p->at;
	int depth = 0;

	do {
		if (has(p, '"') || has(p, '\'')) {
			auto_free char *ignored = read_quoted(p, e);

			if (!ignored)
				return NULL;
			continue;
		}
		if (has(p, '#'))
			skip_line(p);
		if (p->at >= p->end) {
			complain(p, "a list does not end", e);
			return NULL;
		}
		depth += (*p->at == '[' || *p->at == '{') - (*p->at == ']' || *p->at == '}');
		p->line += *p->at == '\n';
		p->at++;
	} while (depth > 0);
	return copy(p, from, e);
}

static int read_table(struct parser *p, json_t **ret, struct err *e);

/* A bare one ends at one of @stop. */
static int read_value(struct parser *p, const char *stop, json_t **ret, struct err *e)
{
	auto_free char *text = NULL;
	bool quoted = has(p, '"') || has(p, '\'');

	if (has(p, '{'))
		return read_table(p, ret, e);
	if (quoted)
		text = read_quoted(p, e);
	else if (has(p, '['))
		text = read_nested(p, e);
	else
		text = read_bare(p, stop, e);
	if (!text)
		return -1;
	if (!quoted && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		*ret = json_boolean(text[0] == 't');
	else
		*ret = json_string(text);
	return *ret ? 0 : complain(p, "a value is not valid UTF-8", e);
}

static int read_pair(struct parser *p, json_t *table, const char *stop, struct err *e)
{
	auto_free char *name = NULL;
	json_t *value = NULL;

	name = read_path(p, &table, e);
	if (!name)
		return -1;
	if (!has(p, '='))
		return complain(p, "'=' is missing", e);
	p->at++;
	skip_blanks(p);
	if (read_value(p, stop, &value, e) < 0)
		return -1;
	return json_object_set_new(table, name, value) < 0 ? err_oom(e) : 0;
}

static int read_members(struct parser *p, json_t *table, struct err *e)
{
	p->at++;
	for (skip_space(p); !has(p, '}'); skip_space(p)) {
		if (p->at >= p->end)
			return complain(p, "a table does not end", e);
		if (read_pair(p, table, ",}\n#", e) < 0)
			return -1;
		skip_space(p);
		if (has(p, ','))
			p->at++;
		else if (!has(p, '}'))
			return complain(p, "a table does not end", e);
	}
	p->at++;
	return 0;
}

/* { a = 1, b.c = "x" }, over lines too, as later versions of TOML have it. */
static int read_table(struct parser *p, json_t **ret, struct err *e)
{
	auto_json json_t *table = json_object();
	int rc;

	if (!table)
		return err_oom(e);
	if (p->depth == DEPTH_MAX)
		return complain(p, "tables are too deep", e);
	p->depth++;
	rc = read_members(p, table, e);
	p->depth--;
	if (rc == 0)
		*ret = take_ptr(&table);
	return rc;
}

static int read_line(struct parser *p, struct err *e)
{
	int rc = read_pair(p, p->table, "\n#", e);

	skip_line(p);
	return rc;
}

int toml_parse(const char *text, size_t len, json_t **ret, struct err *e)
{
	auto_json json_t *root = json_object();
	struct parser p = { .at = text, .end = text + len, .line = 1, .table = root };

	if (!root)
		return err_oom(e);
	for (skip_space(&p); p.at < p.end; skip_space(&p))
		if ((has(&p, '[') ? read_header(&p, root, e) : read_line(&p, e)) < 0)
			return -1;
	*ret = take_ptr(&root);
	return 0;
}
