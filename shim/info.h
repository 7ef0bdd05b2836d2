/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_INFO_H
#define SHIM_INFO_H

/*
 * info.h - `-info`: what this shim and its runtime are, for containerd 2.0 and later.
 *
 * containerd asks once per runtime name: for the features of the runtime (does
 * it know recursive read-only mounts, user namespaces, id-mapped mounts), which
 * we hand on byte for byte as the runtime prints them, or printed them once (features.h).
 */

#include "base/err.h"

/*
 * Reads the runtime's options from stdin (an Any, or nothing; what cannot be
 * read is as nothing), writes a RuntimeInfo to stdout. @name is the name the shim was called by. A
 * runtime without `features` is no error: then there are none in the answer.
 */
int info_run(const char *name, struct err *e);

#endif
