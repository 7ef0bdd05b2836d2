/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/runtime_options.h"

#include "base/auto.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum type {
	TYPE_STRING,
	TYPE_BOOL,
	TYPE_NUMBER
};

struct key {
	const char *name;
	enum type type;
	size_t at; /* in struct container_options */
};

/* The names of config.toml, which are those of the fields of runc's options. */
static const struct key keys[] = {
	{ "BinaryName", TYPE_STRING, offsetof(struct container_options, binary) },
	{ "Root", TYPE_STRING, offsetof(struct container_options, root) },
	{ "ShimCgroup", TYPE_STRING, offsetof(struct container_options, shim_cgroup) },
	{ "CriuPath", TYPE_STRING, offsetof(struct container_options, criu_path) },
	{ "CriuImagePath", TYPE_STRING, offsetof(struct container_options, criu_image_path) },
	{ "CriuWorkPath", TYPE_STRING, offsetof(struct container_options, criu_work_path) },
	{ "NoPivotRoot", TYPE_BOOL, offsetof(struct container_options, no_pivot) },
	{ "NoNewKeyring", TYPE_BOOL, offsetof(struct container_options, no_new_keyring) },
	{ "SystemdCgroup", TYPE_BOOL, offsetof(struct container_options, systemd_cgroup) },
	{ "IoUid", TYPE_NUMBER, offsetof(struct container_options, io_uid) },
	{ "IoGid", TYPE_NUMBER, offsetof(struct container_options, io_gid) },
};

struct reader {
	const char *at, *end;
	int line;
	struct err *e;
};

static int wrong(struct reader *r, const char *what)
{
	return err_set(
		r->e, STATUS_INVALID_ARGUMENT, "runtime options, line %d: %s", r->line, what);
}

static bool more(const struct reader *r)
{
	return r->at < r->end;
}

static void skip_blanks(struct reader *r)
{
	while (more(r) && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r'))
		r->at++;
}

/* To the beginning of the next line; -1 if there is something other than a comment before it. */
static int end_line(struct reader *r)
{
	skip_blanks(r);
	if (more(r) && *r->at == '#')
		while (more(r) && *r->at != '\n')
			r->at++;
	if (more(r) && *r->at != '\n')
		return wrong(r, "more than a key and a value");
	r->at += more(r);
	r->line++;
	return 0;
}

static const struct key *find_key(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strlen(keys[i].name) == len && memcmp(keys[i].name, name, len) == 0)
			return &keys[i];
	return NULL;
}

static const struct key *read_key(struct reader *r)
{
	const char *name = r->at;
	const struct key *k;

	while (more(r) && (isalnum((unsigned char)*r->at) || *r->at == '_' || *r->at == '-'))
		r->at++;
	k = find_key(name, (size_t)(r->at - name));
	if (!k && r->at == name)
		wrong(r, "a table or a form of TOML that is not supported");
	else if (!k)
		err_set(r->e, STATUS_INVALID_ARGUMENT,
			"runtime options, line %d: unknown key '%.*s'", r->line,
			(int)(r->at - name), name);
	return k;
}

/* What stands behind a backslash; '\0' if we do not know it. */
static char unescape(char c)
{
	static const char from[] = "\"\\ntr";
	static const char to[] = "\"\\\n\t\r";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : '\0';
}

static int read_string(struct reader *r, char **ret)
{
	auto_free char *out = malloc(RUNTIME_OPTIONS_STRING_MAX + 1);
	char quote = more(r) ? *r->at : '\0';
	size_t n = 0;

	if (!out)
		return err_oom(r->e);
	if (quote != '"' && quote != '\'')
		return wrong(r, "a string was expected");
	for (r->at++; more(r) && *r->at != quote && *r->at != '\n'; r->at++) {
		char c = *r->at;

		if (c == '\\' && quote == '"') {
			c = ++r->at < r->end ? unescape(*r->at) : '\0';
			if (c == '\0')
				return wrong(r, "an escape that is not supported");
		}
		if (n == RUNTIME_OPTIONS_STRING_MAX || c == '\0')
			return wrong(r, "a string that is too long or has a NUL in it");
		out[n++] = c;
	}
	if (!more(r) || *r->at != quote)
		return wrong(r, "a string without an end");
	r->at++;
	out[n] = '\0';
	*ret = strdup(out);
	return *ret ? 0 : err_oom(r->e);
}

static int read_bool(struct reader *r, bool *ret)
{
	size_t left = (size_t)(r->end - r->at);

	*ret = left >= 4 && memcmp(r->at, "true", 4) == 0;
	if (!*ret && (left < 5 || memcmp(r->at, "false", 5) != 0))
		return wrong(r, "true or false was expected");
	r->at += *ret ? 4 : 5;
	return 0;
}

static int read_number(struct reader *r, uint32_t *ret)
{
	const char *first = r->at;
	uint64_t n = 0;

	for (; more(r) && isdigit((unsigned char)*r->at); r->at++) {
		n = n * 10 + (uint64_t)(*r->at - '0');
		if (n > UINT32_MAX)
			return wrong(r, "a number that is too large");
	}
	if (r->at == first)
		return wrong(r, "a number was expected");
	*ret = (uint32_t)n;
	return 0;
}

static int read_value(struct reader *r, const struct key *k, struct runtime_options *o)
{
	char *place = (char *)&o->options + k->at;
	char *string = NULL;
	uint32_t number = 0;
	bool flag = false;

	if (k->type == TYPE_BOOL) {
		if (read_bool(r, &flag) < 0)
			return -1;
		memcpy(place, &flag, sizeof(flag));
	} else if (k->type == TYPE_NUMBER) {
		if (read_number(r, &number) < 0)
			return -1;
		memcpy(place, &number, sizeof(number));
	} else {
		size_t i = (size_t)(k - keys); /* strings come first in the table */

		if (read_string(r, &string) < 0)
			return -1;
		free(o->strings[i]);
		o->strings[i] = string;
		memcpy(place, &string, sizeof(string));
	}
	return 0;
}

static int read_line(struct reader *r, struct runtime_options *o)
{
	const struct key *k;

	skip_blanks(r);
	if (!more(r) || *r->at == '\n' || *r->at == '#')
		return end_line(r);
	k = read_key(r);
	if (!k)
		return -1;
	skip_blanks(r);
	if (!more(r) || *r->at != '=')
		return wrong(r, "'=' was expected");
	r->at++;
	skip_blanks(r);
	return read_value(r, k, o) < 0 ? -1 : end_line(r);
}

int runtime_options_parse(struct runtime_options *ret, const char *text, size_t len, struct err *e)
{
	const char *from = text ? text : ""; /* of an empty field there are no bytes to point at */
	struct reader r = { .at = from, .end = from + len, .line = 1, .e = e };
	struct runtime_options o = { 0 };

	if (len > RUNTIME_OPTIONS_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT, "runtime options of %zu bytes", len);
	while (more(&r)) {
		if (read_line(&r, &o) < 0) {
			runtime_options_fini(&o);
			return -1;
		}
	}
	*ret = o;
	return 0;
}

void runtime_options_fini(struct runtime_options *o)
{
	for (size_t i = 0; i < ARRAY_LEN(o->strings); i++)
		free(take_ptr(&o->strings[i]));
}
