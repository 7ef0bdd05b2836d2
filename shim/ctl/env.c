/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/env.h"

#include "base/auto.h"

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
