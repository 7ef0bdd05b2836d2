/* SPDX-License-Identifier: Apache-2.0 */
#include "process/runtime/version.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What follows @word and a space in @text; NULL when that is not how it begins. */
static const char *after(const char *text, const char *word)
{
	size_t n = strlen(word);

	return strncmp(text, word, n) == 0 && text[n] == ' ' ? text + n + 1 : NULL;
}

bool version_is_at_least(const char *name, const char *runtime, struct version v)
{
	struct version is = { 0 };
	const char *at = after(name, runtime);

	if (at && after(at, "version"))
		at = after(at, "version");
	/* Five digits at most: what is longer is no version. */
	if (!at || sscanf(at, "%5u.%5u.%5u", &is.major, &is.minor, &is.patch) < 2)
		return false;
	if (is.major != v.major)
		return is.major > v.major;
	return is.minor != v.minor ? is.minor > v.minor : is.patch >= v.patch;
}
