/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_LAYERS_H
#define PROCESS_ROOTFS_LAYERS_H

/*
 * layers.h - the lowerdir= of an overlay as a list of paths, and back.
 *
 * In an option a backslash takes the meaning from the character behind it
 * (':' parts layers, ',' parts options); here the paths are plain.
 */

#include "base/attr.h"
#include "base/buf.h"

#include <stddef.h>

struct layers {
	char **path; /* owned, each and all; the topmost first */
	size_t n;
};

/* -EINVAL for a layer without a name: "a::b" means something else, which is not for us. */
int layers_split(const char *text, struct layers *ret) NODISCARD;
void layers_fini(struct layers *l);

/*
 * How many bytes of each path name a folder they all are below, its slash
 * included: "/a/1/fs" and "/a/2/fs" give 3. 0 when that is "/", or nothing.
 */
size_t layers_common(const struct layers *l);

/* Appends the option's text, without the first @skip bytes of each path. 0, -ENOBUFS, -ENOMEM. */
int layers_join(const struct layers *l, size_t skip, struct buf *ret) NODISCARD;

/* @text without its backslashes, in place. */
void layers_unescape(char *text);

#endif
