/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_SPEC_H
#define SHIM_CTL_SPEC_H

/*
 * spec.h - the config.json of `belayctl run` (OCI runtime-spec 1.0.2).
 */

#include "base/err.h"

/* Writes config.json into the folder @dir. @command ends in NULL. */
int spec_write(int dir, const char *id, char *const *command, struct err *e);

#endif
