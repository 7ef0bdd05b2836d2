/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/spec_options.h"

#include "base/attr.h"
#include "base/auto.h"
#include "base/json.h"
#include "shim/ctl/env.h"
#include "shim/ctl/user.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's default period of a quota, in microseconds. */
#define CPU_PERIOD_US 100000

/* The least quota it takes is 1 ms. */
#define CPUS_MIN 0.01
#define CPUS_MAX 100000.

#define BYTES_MAX ((double)(INT64_MAX / 2))

bool spec_options_are_empty(const struct spec_options *o)
{
	return !o->env.n && !o->mounts.n && !o->user && !o->cwd && !o->memory && !o->cpus &&
	       !o->read_only;
}

/* A decimal number and what follows it. Not what strtod() takes besides: nan, 0x1p3, " 1". */
static bool read_number(const char *word, double *ret, const char **ret_rest)
{
	char *rest;

	if (strspn(word, "0123456789.") == 0 || word[strspn(word, "0123456789.")] == 'x')
		return false;
	*ret = strtod(word, &rest);
	*ret_rest = rest;
	return rest > word && rest == word + strspn(word, "0123456789.");
}

int64_t spec_bytes(const char *word)
{
	static const char units[] = "bkmgt";
	const char *rest, *unit;
	double n;

	if (!read_number(word, &n, &rest))
		return -1;
	if (rest[0]) {
		char letter = (char)(rest[0] | 0x20); /* lower case */

		unit = rest[1] ? NULL : strchr(units, letter);
		if (!unit)
			return -1;
		for (; unit > units; unit--)
			n *= 1024;
	}
	return n >= 1 && n <= BYTES_MAX ? (int64_t)n : -1;
}

static int set_memory(json_t *resources, const char *word, struct err *e)
{
	int64_t n = spec_bytes(word);

	if (n < 0)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"--memory %s: bytes are taken, such as 512m or 1.5g", word);
	return json_object_set_new(resources, "memory", json_pack("{s:I}", "limit", (json_int_t)n));
}

static int set_cpus(json_t *resources, const char *word, struct err *e)
{
	const char *rest;
	double n;

	if (!read_number(word, &n, &rest) || rest[0] || n < CPUS_MIN || n > CPUS_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"--cpus %s: a number of processors is taken, 0.01 or more", word);
	return json_object_set_new(resources, "cpu",
		json_pack("{s:I, s:I}", "quota", (json_int_t)(n * CPU_PERIOD_US), "period",
			(json_int_t)CPU_PERIOD_US));
}

static int set_resources(const struct spec_options *o, json_t *linux_part, struct err *e)
{
	json_t *resources = json_object();

	if (json_object_set_new(linux_part, "resources", resources) < 0)
		return err_oom(e);
	if (o->memory && set_memory(resources, o->memory, e) < 0)
		return -1;
	return o->cpus ? set_cpus(resources, o->cpus, e) : 0;
}

/* SOURCE:TARGET[:ro]. A source that is not there would be found out by the runtime, in its words.
 */
static int add_mount(json_t *mounts, const char *word, struct err *e)
{
	auto_free char *copy = strdup(word);
	char source[PATH_MAX];
	char *rest = copy;
	char *from = strsep(&rest, ":");
	char *target = strsep(&rest, ":");

	if (!copy)
		return err_oom(e);
	if (!target || target[0] != '/' || (rest && strcmp(rest, "ro") != 0))
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"--mount %s: SOURCE:TARGET or SOURCE:TARGET:ro is taken, TARGET absolute",
			word);
	if (!realpath(from, source))
		return err_sys(e, "--mount %s: %s", word, from);
	if (json_array_append_new(mounts,
		    json_pack("{s:s, s:s, s:s, s:[s,s]}", "destination", target, "type", "bind",
			    "source", source, "options", "rbind", rest ? "ro" : "rw")) < 0)
		return err_set(e, STATUS_INVALID_ARGUMENT, "--mount: not valid UTF-8");
	return 0;
}

static int change_process(
	const struct spec_options *o, const char *rootfs, json_t *process, struct err *e)
{
	if (env_add(json_object_get(process, "env"), &o->env, e) < 0)
		return -1;
	if (o->user && user_of_rootfs(process, rootfs, o->user, e) < 0)
		return -1;
	if (!o->cwd)
		return 0;
	if (o->cwd[0] != '/')
		return err_set(e, STATUS_INVALID_ARGUMENT, "--cwd: not an absolute path");
	return json_object_set_new(process, "cwd", json_string(o->cwd)) < 0
		       ? err_set(e, STATUS_INVALID_ARGUMENT, "--cwd is not valid UTF-8")
		       : 0;
}

int spec_options_apply(
	const struct spec_options *o, const char *rootfs, json_t *config, struct err *e)
{
	json_t *mounts = json_object_get(config, "mounts");

	if (change_process(o, rootfs, json_object_get(config, "process"), e) < 0)
		return -1;
	for (size_t i = 0; i < o->mounts.n; i++)
		if (add_mount(mounts, o->mounts.word[i], e) < 0)
			return -1;
	if (o->read_only &&
		json_object_set_new(json_object_get(config, "root"), "readonly", json_true()) < 0)
		return err_oom(e);
	return o->memory || o->cpus ? set_resources(o, json_object_get(config, "linux"), e) : 0;
}
