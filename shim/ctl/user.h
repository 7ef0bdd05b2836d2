/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_USER_H
#define SHIM_CTL_USER_H

/*
 * user.h - whom --user of run and exec means, by the names that the rootfs itself has.
 */

#include "base/err.h"

#include <jansson.h>

/* The largest of these files that is read, in bytes. */
#define USER_FILE_MAX (4 << 20)

/*
 * @word is USER or USER:GROUP, each a number, or a name in /etc/passwd or
 * /etc/group of @rootfs. As with docker: without GROUP it is in its own group
 * and all that list it; a number that is not in /etc/passwd is in group 0.
 * Sets "user" of @process. -1 and *e, which says what is not there.
 *
 * The rootfs may be that of a container which means harm: a link leads nowhere
 * outside, and what is no file, or a very large one, is not read.
 */
int user_of_rootfs(json_t *process, const char *rootfs, const char *word, struct err *e);

#endif
