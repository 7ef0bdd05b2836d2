/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/bootstrap.h"

#include <string.h>

void bootstrap_words(const struct bootstrap_args *a, const char *ret[BOOTSTRAP_WORDS_MAX])
{
	const char *words[BOOTSTRAP_WORDS_MAX] = { a->shim, "-namespace", a->ns, "-address",
		a->address, "-publish-binary", "/usr/bin/containerd", "-id", a->id };
	size_t n = 9;

	if (strcmp(a->action, "delete") == 0) {
		words[n++] = "-bundle";
		words[n++] = a->bundle;
	}
	words[n] = a->action[0] ? a->action : NULL;
	memcpy(ret, words, sizeof(words));
}

char *bootstrap_address(struct buf *output)
{
	const char *text = buf_text(output);
	const char *at = text ? strstr(text, "unix://") : NULL;

	return at ? strndup(at + 7, strspn(at + 7, "/abcdefghijklmnopqrstuvwxyz.-_"
						   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
		  : NULL;
}

const char *bootstrap_service(struct buf *output)
{
	const char *text = buf_text(output);

	/* Version 3 in JSON, or the protobuf of containerd 2.3. */
	return text && (strstr(text, "\"version\":3") || text[0] == 8) ? "containerd.task.v3.Task"
								       : "containerd.task.v2.Task";
}
