/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <stddef.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_joint(char c)
{
	return c == '.' || c == '_' || c == '-';
}

bool id_is_valid(const char *id)
{
	bool after_joint = true; /* as if: the first byte may not be a joint */
	size_t n = 0;

	for (; id[n]; n++) {
		if (n == ID_MAX)
			return false;
		if (!is_alnum(id[n]) && !(is_joint(id[n]) && !after_joint))
			return false;
		after_joint = is_joint(id[n]);
	}
	return n > 0 && !after_joint;
}
