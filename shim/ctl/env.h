/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_ENV_H
#define SHIM_CTL_ENV_H

/*
 * env.h - the environment that run and exec write into an OCI process.
 */

#include "base/err.h"
#include "shim/ctl/options.h"

#include <jansson.h>

/*
 * NAME=VALUE, or NAME for what it is with us, each in the place of one of that
 * name: of two, programs take one or the other. A NAME that we do not have is left out.
 */
int env_add(json_t *env, const struct option_list *words, struct err *e);

#endif
