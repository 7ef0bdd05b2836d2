/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/runtime_options.h"

#include "base/auto.h"
#include "base/json.h"
#include "shim/toml.h"

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

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static int wrong(const struct key *k, const char *what, struct err *e)
{
	return err_set(e, STATUS_INVALID_ARGUMENT, "%s: %s", k->name, what);
}

static int set_string(struct runtime_options *o, const struct key *k, json_t *value, struct err *e)
{
	char **place = &o->strings[k - keys]; /* strings come first in the table */

	if (!json_is_string(value))
		return wrong(k, "a string was expected", e);
	if (json_string_length(value) > RUNTIME_OPTIONS_STRING_MAX)
		return wrong(k, "is too long", e);
	*place = strdup(json_string_value(value));
	if (!*place)
		return err_oom(e);
	memcpy((char *)&o->options + k->at, place, sizeof(*place));
	return 0;
}

static int set_bool(struct runtime_options *o, const struct key *k, json_t *value, struct err *e)
{
	bool flag = json_is_true(value);

	if (!json_is_boolean(value))
		return wrong(k, "true or false was expected", e);
	memcpy((char *)&o->options + k->at, &flag, sizeof(flag));
	return 0;
}

static int set_number(struct runtime_options *o, const struct key *k, json_t *value, struct err *e)
{
	json_int_t n = json_integer_value(value);
	uint32_t number = (uint32_t)n;

	if (!json_is_integer(value) || n < 0 || n > UINT32_MAX)
		return wrong(k, "a number from 0 to 4294967295 was expected", e);
	memcpy((char *)&o->options + k->at, &number, sizeof(number));
	return 0;
}

static int set(struct runtime_options *o, const char *name, json_t *value, struct err *e)
{
	const struct key *k = find_key(name);

	if (!k)
		return err_set(e, STATUS_INVALID_ARGUMENT, "unknown key '%s'", name);
	switch (k->type) {
	case TYPE_STRING:
		return set_string(o, k, value, e);
	case TYPE_BOOL:
		return set_bool(o, k, value, e);
	case TYPE_NUMBER:
		break;
	}
	return set_number(o, k, value, e);
}

static int read_all(struct runtime_options *o, const char *text, size_t len, struct err *e)
{
	auto_json json_t *table = NULL;
	const char *name;
	json_t *value;

	if (len > RUNTIME_OPTIONS_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT, "%zu bytes are too many", len);
	if (toml_parse(text, len, &table, e) < 0)
		return -1;
	json_object_foreach(table, name, value)
	{
		if (set(o, name, value, e) < 0)
			return -1;
	}
	return 0;
}

int runtime_options_parse(struct runtime_options *ret, const char *text, size_t len, struct err *e)
{
	struct runtime_options o = { 0 };

	if (read_all(&o, text, len, e) < 0) {
		runtime_options_fini(&o);
		err_wrap(e, "runtime options");
		return -1;
	}
	*ret = o;
	return 0;
}

void runtime_options_fini(struct runtime_options *o)
{
	for (size_t i = 0; i < ARRAY_LEN(o->strings); i++)
		free(take_ptr(&o->strings[i]));
}
