/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ID_H
#define BASE_ID_H

/*
 * id.h - what a legal container id, exec id and namespace is.
 *
 * containerd's rule: runs of letters and digits, joined by single '.', '_' or
 * '-', at most 76 bytes. It matters here because ids become file names: the
 * pid file of an exec is BUNDLE/ID.pid.
 */

#include <stdbool.h>

#define ID_MAX 76

bool id_is_valid(const char *id);

#endif
