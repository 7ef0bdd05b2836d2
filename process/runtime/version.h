/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_RUNTIME_VERSION_H
#define PROCESS_RUNTIME_VERSION_H

/*
 * version.h - for what a features document has no entry: which runtime, and how old.
 */

#include <stdbool.h>

struct version {
	unsigned major, minor, patch;
};

/*
 * Whether @name ("runc 1.3.6+ds1", "crun version 1.8.1") is @runtime of at
 * least that version. A candidate (1.3.0-rc.1) counts as what it will be. No
 * for whatever has another form.
 */
bool version_is_at_least(const char *name, const char *runtime, struct version v);

#endif
