/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_PROCFS_H
#define SHIM_CTL_PROCFS_H

/*
 * procfs.h - what /proc says of a process that a shim named.
 *
 * For people only: a pid may mean somebody else by now, and nothing is done to it.
 */

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Proportional set size in bytes; -1 where it cannot be read. */
int64_t procfs_pss(pid_t pid);

/* The path its binary has or, if another has taken its place since, had; or "". */
void procfs_exe(pid_t pid, char *ret, size_t room);

/* Its name as the kernel has it, or "". */
void procfs_comm(pid_t pid, char *ret, size_t room);

/* Its control groups: {"memory": "/a/b", ...}; of version 2 under "". NULL when out of memory. */
json_t *procfs_cgroups(pid_t pid);

/* What is mounted in its mount namespace: [{"target", "type", "source", "options"}, ...]. */
json_t *procfs_mounts(pid_t pid);

#endif
