/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_CONTAINERD_CONFIG_H
#define SHIM_CTL_CONTAINERD_CONFIG_H

/*
 * containerd_config.h - containerd's configuration: its file, and those that it
 * imports, in the order in which containerd lets one have its way over another
 * (cmd/containerd/server/config/config.go).
 *
 * `imports` are paths, relative to the folder of the file that names them; one
 * with a '*' stands for all that match, be it none. (containerd 1 looks for the
 * latter below its own working directory.) What is imported may import. A file
 * is read once.
 */

#include "base/err.h"

#include <jansson.h>

/* What there is of one file, in bytes, and of files. */
#define CONTAINERD_CONFIG_MAX       (1024 * 1024)
#define CONTAINERD_CONFIG_FILES_MAX 64

/* Where a configuration of version 2 has the runtimes of CRI, and one of version 3. */
#define CRI_2 "io.containerd.grpc.v1.cri"
#define CRI_3 "io.containerd.cri.v1.runtime"

/*
 * *ret is the caller's: a list of {"path", "real", "config"}, @path's first. -1 and *e, which names
 * the file: containerd would not start either.
 */
int containerd_config_read(const char *path, json_t **ret, struct err *e);

/* Of one of them. 0: it says none. */
long containerd_config_version(json_t *config);

#endif
