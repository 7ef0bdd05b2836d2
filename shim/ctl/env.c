/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/env.h"

#include "base/auto.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void forget(json_t *env, const char *word, size_t name)
{
	for (size_t i = json_array_size(env); i-- > 0;) {
		const char *at = json_string_value(json_array_get(env, i));

		if (at && strncmp(at, word, name) == 0 && at[name] == '=')
			json_array_remove(env, i);
	}
}

static int add_one(json_t *env, const char *word, struct err *e)
{
	size_t name = strcspn(word, "=");
	const char *ours = word[name] ? NULL : getenv(word);

	if (name == 0)
		return err_set(e, STATUS_INVALID_ARGUMENT, "--env %s: there is no name", word);
	if (!word[name] && !ours)
		return 0;
	forget(env, word, name);
	if (json_array_append_new(
		    env, ours ? json_sprintf("%s=%s", word, ours) : json_string(word)) < 0)
		return err_set(
			e, STATUS_INVALID_ARGUMENT, "--env %.*s: not valid UTF-8", (int)name, word);
	return 0;
}

int env_add(json_t *env, const struct option_list *words, struct err *e)
{
	for (size_t i = 0; i < words->n; i++)
		if (add_one(env, words->word[i], e) < 0)
			return -1;
	return 0;
}

static bool is_id(const char *word, char end, unsigned long long *ret, const char **ret_rest)
{
	char *rest;

	if (word[0] < '0' || word[0] > '9')
		return false;
	*ret = strtoull(word, &rest, 10);
	*ret_rest = rest;
	/* 2^32 - 1 is "no id" to the kernel. */
	return *ret < UINT32_MAX && (*rest == end || *rest == '\0');
}

int user_set(json_t *process, const char *word, struct err *e)
{
	unsigned long long uid, gid = 0;
	const char *rest;

	if (!is_id(word, ':', &uid, &rest) || (*rest == ':' && !is_id(rest + 1, '\0', &gid, &rest)))
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"--user %s: UID or UID:GID, in numbers, is taken", word);
	return json_object_set_new(process, "user",
		       json_pack("{s:I, s:I}", "uid", (json_int_t)uid, "gid", (json_int_t)gid)) < 0
		       ? err_oom(e)
		       : 0;
}
