/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/buf.h"
#include "base/fd.h"

#include <stdarg.h>
#include <string.h>

int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *e)
{
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_DECODE_INT_AS_REAL, &why);

	if (!root)
		return err_set(e, STATUS_UNKNOWN, "parse %s: line %d column %d: %s", what, why.line,
			why.column, why.text);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(e, STATUS_UNKNOWN, "parse %s: not an object", what);
	}
	*ret = root;
	return 0;
}

int json_load_file_at(int dir, const char *name, json_t **ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(JSON_FILE_MAX);
	int rc = fd_read_file(dir, name, &text);

	if (rc < 0)
		return err_rc(e, rc, "read %s", name);
	return json_parse((const char *)text.data, text.len, name, ret, e);
}

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && strchr(" \t\r\n", *at))
		at++;
	return at;
}

/* @at is on the opening quote; returns what is behind the closing one. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at + 1 : end;
}

/* Returns what is behind the value: a comma or bracket of the object it is in. */
static const char *skip_value(const char *at, const char *end)
{
	int depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		if (depth == 0 && strchr(",}]", *at))
			return at;
		depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
		at++;
	}
	return end;
}

struct member {
	const char *value, *value_end; /* NULL: there is none of that name */
	const char *first;             /* behind the opening bracket */
	bool is_empty;
};

static struct member find_member(const char *text, const char *end, const char *key)
{
	const char *at = skip_space(text, end) + 1;
	struct member m = { .first = at, .is_empty = true };

	for (at = skip_space(at, end); at < end && *at == '"'; at = skip_space(at + 1, end)) {
		const char *name = at + 1;

		at = skip_string(at, end);
		size_t len = (size_t)(at - 1 - name);
		const char *value = skip_space(skip_space(at, end) + 1, end);

		m.is_empty = false;
		at = skip_value(value, end);
		if (len == strlen(key) && memcmp(name, key, len) == 0) {
			m.value = value;
			m.value_end = at;
			return m;
		}
	}
	return m;
}

int json_copy_with_bool(const char *text, size_t len, const char *key, bool value, struct buf *out)
{
	const char *end = text + len;
	struct member m = find_member(text, end, key);
	const char *word = value ? "true" : "false";
	int rc;

	if (m.value) {
		rc = buf_add(out, text, (size_t)(m.value - text));
		if (rc == 0)
			rc = buf_printf(out, "%s", word);
		return rc < 0 ? rc : buf_add(out, m.value_end, (size_t)(end - m.value_end));
	}
	rc = buf_add(out, text, (size_t)(m.first - text));
	if (rc == 0)
		rc = buf_printf(out, "\"%s\":%s%s", key, word, m.is_empty ? "" : ",");
	return rc < 0 ? rc : buf_add(out, m.first, (size_t)(end - m.first));
}

json_t *json_get(json_t *root, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, root);
	while (root && (key = va_arg(ap, const char *)))
		root = json_object_get(root, key);
	va_end(ap);
	return root;
}

const char *json_get_string(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int add_text(const char *bytes, size_t n, void *user)
{
	return buf_add(user, bytes, n);
}

char *json_text(const json_t *j)
{
	struct buf text = BUF_INIT(JSON_FILE_MAX);

	if (json_dump_callback(j, add_text, &text, JSON_COMPACT) == 0 && buf_text(&text))
		return (char *)text.data; /* the buffer's memory is the caller's now */
	buf_fini(&text);
	return NULL;
}
