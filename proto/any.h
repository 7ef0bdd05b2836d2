/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_ANY_H
#define PROTO_ANY_H

/*
 * any.h - google.protobuf.Any: a message and the name of its type.
 *
 * containerd writes the bare full name; others put "type.googleapis.com/" or
 * something longer in front. Only what follows the last slash counts.
 */

#include "base/attr.h"
#include "proto/api/wellknown.pb-c.h"

#include <stdbool.h>

struct buf;

/* Part of @url. */
const char *any_type(const char *url);

/* @any may be NULL, which is of no type. */
bool any_is(const Pb__Any *any, const char *type);

/*
 * The message inside, owned by the caller (auto_message). NULL when @any is
 * NULL, of another type, or broken: ask any_is() first where that matters.
 */
void *any_unpack(const Pb__Any *any, const ProtobufCMessageDescriptor *type) NODISCARD;

/*
 * Wraps @m under the full name from its .proto file. The bytes go to @bytes,
 * which must be empty: *ret_any borrows them until it changes. 0, -ENOBUFS, -ENOMEM.
 */
int any_pack(const ProtobufCMessage *m, struct buf *bytes, Pb__Any *ret_any) NODISCARD;

#endif
