/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/toml.h"

#include "base/auto.h"
#include "base/json.h"
#include "shim/toml_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What jansson has refused: it says of no memory no more than of bad text. */
static int refuse(const struct toml *t, const char *what)
{
	char why[64];

	if (errno == ENOMEM)
		return err_oom(t->e);
	snprintf(why, sizeof(why), "%s is not valid UTF-8", what);
	return toml_complain(t, why);
}

static int set(const struct toml *t, json_t *table, const char *name, json_t *value)
{
	if (!value)
		return err_oom(t->e);
	errno = 0;
	return json_object_set_new(table, name, value) < 0 ? refuse(t, "a name") : 0;
}

/* --- names --- */

static char *read_name(struct toml *t)
{
	const struct toml_quotes *q;
	char *name;

	toml_skip_blanks(t);
	q = toml_open_quotes(t, false);
	if (q)
		return toml_read_quoted(t, q);
	name = toml_read_word(t, LETTERS DIGITS "_-");
	if (name && !name[0]) {
		toml_complain(t, "a name is missing");
		free(take_ptr(&name));
	}
	return name;
}

/* The table @name of @table, made if it is not there; of a list of tables the last. */
static json_t *enter(struct toml *t, json_t *table, const char *name)
{
	json_t *in = json_object_get(table, name);

	if (!in && set(t, table, name, json_object()) < 0)
		return NULL;
	in = json_object_get(table, name);
	if (json_is_array(in) && json_array_size(in) > 0)
		in = json_array_get(in, json_array_size(in) - 1);
	if (json_is_object(in))
		return in;
	toml_complain(t, "a table has the name of a value");
	return NULL;
}

/* a."b.c".d: enters all but the last name, which is the caller's to free. */
static char *read_path(struct toml *t, json_t **table)
{
	for (int depth = t->depth; depth < TOML_DEPTH_MAX; depth++) {
		auto_free char *name = read_name(t);

		if (!name)
			return NULL;
		toml_skip_blanks(t);
		if (!toml_took(t, "."))
			return take_ptr(&name);
		*table = enter(t, *table, name);
		if (!*table)
			return NULL;
	}
	toml_complain(t, "values are too deep");
	return NULL;
}

/* --- values --- */

static int read_value(struct toml *t, json_t **ret);

static int to_json(struct toml *t, char *text, json_t **ret)
{
	errno = 0;
	*ret = text ? json_string(text) : NULL;
	if (text && !*ret)
		refuse(t, "a value");
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

/* 0x1f, 0o17, 0b11: *ret_digits is what stands behind the sign and that. */
static int base_of(const char *text, const char **ret_digits)
{
	static const char letters[] = "xob";
	static const int bases[] = { 16, 8, 2 };
	const char *found = text[0] == '0' && text[1] ? strchr(letters, text[1]) : NULL;

	*ret_digits = found ? text + 2 : text;
	return found ? bases[found - letters] : 10;
}

/* A number or a date. */
static int read_number(struct toml *t, json_t **ret)
{
	auto_free char *text = toml_read_word(t, LETTERS DIGITS "+-_.:");
	const char *first = text ? text + strspn(text, "+-") : NULL;
	const char *digits;
	long long number;
	char *rest;
	int base;

	if (!text)
		return -1;
	if (!*first)
		return toml_complain(t, *text ? "a number has no digits" : "a value is missing");
	if (!strchr(DIGITS, *first) && strcmp(first, "inf") != 0 && strcmp(first, "nan") != 0)
		return toml_complain(t, "a word without quotes is no value");
	drop_underscores(text);
	base = base_of(text, &digits);
	errno = 0;
	number = strtoll(digits, &rest, base);
	if (*rest || rest == digits || errno)
		return to_json(t, take_ptr(&text), ret);
	*ret = json_integer(number);
	return *ret ? 0 : err_oom(t->e);
}

static int read_pair(struct toml *t, json_t *table)
{
	auto_free char *name = NULL;
	json_t *value = NULL;

	name = read_path(t, &table);
	if (!name)
		return -1;
	if (!toml_took(t, "="))
		return toml_complain(t, "'=' is missing");
	if (json_object_get(table, name))
		return err_set(t->e, STATUS_INVALID_ARGUMENT, "line %d: '%s' is there twice",
			t->line, name);
	toml_skip_blanks(t);
	if (read_value(t, &value) < 0)
		return -1;
	return set(t, table, name, value);
}

static int read_element(struct toml *t, json_t *list)
{
	json_t *value = NULL;

	if (read_value(t, &value) < 0)
		return -1;
	return json_array_append_new(list, value) < 0 ? err_oom(t->e) : 0;
}

/* What is between brackets, one after the other, over lines too. */
static int read_members(struct toml *t, json_t *in, const char *close, const char *no_end,
	int (*read_one)(struct toml *t, json_t *in))
{
	for (toml_skip_space(t); !toml_took(t, close); toml_skip_space(t)) {
		if (t->at >= t->end)
			return toml_complain(t, no_end);
		if (read_one(t, in) < 0)
			return -1;
		toml_skip_space(t);
		if (!toml_took(t, ",") && !toml_has(t, close[0]))
			return toml_complain(t, no_end);
	}
	return 0;
}

/* Owns @in. */
static int read_nested(struct toml *t, json_t *in, json_t **ret)
{
	auto_json json_t *value = in;
	int rc;

	if (!value)
		return err_oom(t->e);
	if (t->depth == TOML_DEPTH_MAX)
		return toml_complain(t, "values are too deep");
	t->depth++;
	if (json_is_object(value))
		rc = read_members(t, value, "}", "a table does not end", read_pair);
	else
		rc = read_members(t, value, "]", "a list does not end", read_element);
	t->depth--;
	if (rc == 0)
		*ret = take_ptr(&value);
	return rc;
}

static int read_value(struct toml *t, json_t **ret)
{
	const struct toml_quotes *q;
	const char *from;

	if (toml_took(t, "{"))
		return read_nested(t, json_object(), ret);
	if (toml_took(t, "["))
		return read_nested(t, json_array(), ret);
	q = toml_open_quotes(t, true);
	if (q)
		return to_json(t, toml_read_quoted(t, q), ret);
	from = t->at;
	if (toml_took(t, "true") || toml_took(t, "false")) {
		*ret = json_boolean(*from == 't');
		if (!toml_has_one_of(t, LETTERS DIGITS "_-"))
			return 0;
		t->at = from;
	}
	return read_number(t, ret);
}

/* --- lines --- */

/* A further one in the list @name of @table, which is made if it is not there. */
static json_t *append_table(struct toml *t, json_t *table, const char *name)
{
	json_t *list = json_object_get(table, name);

	if (!list && set(t, table, name, json_array()) < 0)
		return NULL;
	list = json_object_get(table, name);
	if (!json_is_array(list)) {
		toml_complain(t, "a list has the name of another value");
		return NULL;
	}
	if (json_array_append_new(list, json_object()) < 0) {
		err_oom(t->e);
		return NULL;
	}
	return json_array_get(list, json_array_size(list) - 1);
}

/* [a.b] or [[a.b]] */
static int read_header(struct toml *t)
{
	bool is_list = toml_took(t, "[[") || !toml_took(t, "[");
	auto_free char *last = NULL;
	json_t *table = t->root;

	last = read_path(t, &table);
	if (!last)
		return -1;
	if (!toml_took(t, is_list ? "]]" : "]"))
		return toml_complain(t, "']' is missing");
	t->table = is_list ? append_table(t, table, last) : enter(t, table, last);
	return t->table ? 0 : -1;
}

static int end_line(struct toml *t)
{
	toml_skip_rest(t);
	if (t->at < t->end && *t->at != '\n')
		return toml_complain(t, "more than a key and a value");
	return 0;
}

int toml_parse(const char *text, size_t len, json_t **ret, struct err *e)
{
	auto_json json_t *root = json_object();
	const char *from = text ? text : ""; /* of nothing there are no bytes to point at */
	struct toml t = {
		.at = from, .end = from + len, .line = 1, .root = root, .table = root, .e = e
	};

	if (!root)
		return err_oom(e);
	for (toml_skip_space(&t); t.at < t.end; toml_skip_space(&t))
		if ((toml_has(&t, '[') ? read_header(&t) : read_pair(&t, t.table)) < 0 ||
			end_line(&t) < 0)
			return -1;
	*ret = take_ptr(&root);
	return 0;
}
