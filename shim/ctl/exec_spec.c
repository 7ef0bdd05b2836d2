/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/exec_spec.h"

#include "base/auto.h"
#include "base/json.h"
#include "shim/ctl/env.h"
#include "shim/ctl/user.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2^63 and 2^64: the unlimited of different writers, one less than which no double is. */
#define TWO_63 9223372036854775808.
#define TWO_64 18446744073709551616.

static int put(json_t *v, struct buf *out);

/* As jansson has it: strings with their escapes, true, false, null. */
static int put_simple(json_t *v, struct buf *out)
{
	auto_free char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

	return text ? buf_add(out, text, strlen(text)) : -ENOMEM;
}

/*
 * Numbers were read as reals (base/json.h), for an rlimit of 2^64 - 1 is no long
 * long. A runtime wants integers where the spec has them, so integers they are again.
 */
static int put_number(double x, struct buf *out)
{
	if (x >= TWO_64)
		return buf_printf(out, "18446744073709551615");
	if (x == TWO_63)
		return buf_printf(out, "9223372036854775807");
	return buf_printf(out, x == floor(x) ? "%.0f" : "%.17g", x);
}

static int put_array(json_t *v, struct buf *out)
{
	int rc = buf_add(out, "[", 1);
	json_t *item;
	size_t i;

	json_array_foreach(v, i, item)
	{
		if (rc == 0 && i > 0)
			rc = buf_add(out, ",", 1);
		if (rc == 0)
			rc = put(item, out);
	}
	return rc < 0 ? rc : buf_add(out, "]", 1);
}

static int put_member(const char *key, json_t *v, struct buf *out)
{
	auto_json json_t *name = json_string(key);
	int rc = name ? put_simple(name, out) : -ENOMEM;

	if (rc == 0)
		rc = buf_add(out, ":", 1);
	return rc < 0 ? rc : put(v, out);
}

static int put_object(json_t *v, struct buf *out)
{
	int rc = buf_add(out, "{", 1);
	bool first = true;
	const char *key;
	json_t *item;

	json_object_foreach(v, key, item)
	{
		if (rc == 0 && !first)
			rc = buf_add(out, ",", 1);
		if (rc == 0)
			rc = put_member(key, item, out);
		first = false;
	}
	return rc < 0 ? rc : buf_add(out, "}", 1);
}

/* As deep as what jansson parsed, which has a limit of its own (2048). */
static int put(json_t *v, struct buf *out)
{
	if (json_is_real(v))
		return put_number(json_real_value(v), out);
	if (json_is_array(v))
		return put_array(v, out);
	return json_is_object(v) ? put_object(v, out) : put_simple(v, out);
}

static int set_args(json_t *process, char *const *command, struct err *e)
{
	json_t *args = json_array();

	for (size_t i = 0; command[i]; i++)
		if (json_array_append_new(args, json_string(command[i])) < 0) {
			json_decref(args);
			return err_set(
				e, STATUS_INVALID_ARGUMENT, "the command is not valid UTF-8");
		}
	(void)json_object_del(process, "commandLine"); /* Windows' word for args */
	return json_object_set_new(process, "args", args) < 0 ? err_oom(e) : 0;
}

static int set_env(json_t *process, const struct exec_wish *wish, struct err *e)
{
	static const char term[] = "TERM";
	const struct option_list ours = { .word = { term }, .n = 1 };
	json_t *env = json_object_get(process, "env");

	if (!json_is_array(env)) {
		env = json_array();
		if (json_object_set_new(process, "env", env) < 0)
			return err_oom(e);
	}
	if (wish->terminal && env_add(env, &ours, e) < 0)
		return -1;
	return env_add(env, wish->env, e);
}

/* Its names are those of the container's rootfs, where the bundle or an absolute path has it. */
static int set_user(
	json_t *process, json_t *config, const char *bundle, const char *word, struct err *e)
{
	const char *root = json_get_string(json_object_get(config, "root"), "path");
	char path[PATH_MAX];
	int n;

	if (root && root[0] == '/')
		n = snprintf(path, sizeof(path), "%s", root);
	else
		n = snprintf(path, sizeof(path), "%s/%s", bundle, root ? root : "rootfs");
	if (n >= (int)sizeof(path))
		return err_set(e, STATUS_INVALID_ARGUMENT, "the path of the rootfs is too long");
	return user_of_rootfs(process, path, word, e);
}

static int change(json_t *process, const struct exec_wish *wish, struct err *e)
{
	if (set_args(process, wish->command, e) < 0 || set_env(process, wish, e) < 0)
		return -1;
	if (json_object_set_new(process, "terminal", json_boolean(wish->terminal)) < 0)
		return err_oom(e);
	if (wish->cwd && json_object_set_new(process, "cwd", json_string(wish->cwd)) < 0)
		return err_set(e, STATUS_INVALID_ARGUMENT, "--cwd is not valid UTF-8");
	return 0;
}

int exec_spec(const char *bundle, const struct exec_wish *wish, struct buf *ret, struct err *e)
{
	auto_fd int dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_json json_t *config = NULL;
	json_t *process;
	int rc;

	if (dir < 0)
		return err_sys(e, "open %s", bundle);
	if (json_load_file_at(dir, "config.json", &config, e) < 0)
		return err_wrap(e, "%s", bundle);
	process = json_get(config, "process", NULL);
	if (!json_is_object(process))
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"%s/config.json has no process to take after", bundle);
	if (change(process, wish, e) < 0)
		return -1;
	if (wish->user && set_user(process, config, bundle, wish->user, e) < 0)
		return -1;
	rc = put(process, ret);
	return rc < 0 ? err_rc(e, rc, "write the process of the exec") : 0;
}
