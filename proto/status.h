/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_STATUS_H
#define PROTO_STATUS_H

/*
 * status.h - struct err on the wire, as google.rpc.Status.
 *
 * The text of an error may hold anything: a runtime's standard error, a path, or
 * half a character where a long message was cut. A protobuf string may not: Go
 * refuses the whole response over one bad byte and the caller never learns what
 * went wrong. So what is not UTF-8 leaves us as '?'.
 */

#include "base/err.h"

#include "proto/api/status.pb-c.h"

struct status_message {
	Rpc__Status pb; /* borrows text: valid as long as the whole struct, and where it is */
	char text[ERR_MSG_MAX];
};

void status_encode(const struct err *e, struct status_message *ret_status);

/* A code we have no name for becomes UNKNOWN. NULL and code 0 are success. */
void status_decode(const Rpc__Status *status, struct err *ret_err);

#endif
