/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_IDMAP_H
#define PROCESS_ROOTFS_IDMAP_H

/*
 * idmap.h - the text of a uidmap= or gidmap= option -> what uid_map takes.
 *
 * "cid:hid:size[,cid:hid:size...]", containerd's form: an id on disk counted
 * from cid is seen as one counted from hid. Three decimal fields, nothing else;
 * a sign, a space or a missing field is an error and not a zero.
 */

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/* The kernel's own limit (UID_GID_MAP_MAX_EXTENTS). */
#define IDMAP_EXTENTS_MAX 340

/* Longer texts are refused by uid_map, which takes less than a page in one write. */
#define IDMAP_TEXT_MAX 4095

/* Appends one "cid hid size\n" for each extent to @ret. */
int idmap_parse(const char *text, struct buf *ret, struct err *e) NODISCARD;

#endif
