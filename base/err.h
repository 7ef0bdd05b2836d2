/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * err.h - why something failed, for a person or for containerd.
 *
 * A value on the caller's stack. It never allocates, so that reporting a
 * failure cannot fail. The last argument of every function somebody will read
 * the outcome of:
 *
 *	if (pipe2(fds, O_CLOEXEC) < 0)
 *		return err_sys(e, "open stdio");
 */

#include "base/attr.h"

#include <stdbool.h>

/* The gRPC status codes; the numbers are the wire's (google.rpc.Code). */
enum status {
	STATUS_OK = 0,
	STATUS_CANCELED = 1,
	STATUS_UNKNOWN = 2,
	STATUS_INVALID_ARGUMENT = 3,
	STATUS_DEADLINE_EXCEEDED = 4,
	STATUS_NOT_FOUND = 5,
	STATUS_ALREADY_EXISTS = 6,
	STATUS_PERMISSION_DENIED = 7,
	STATUS_RESOURCE_EXHAUSTED = 8,
	STATUS_FAILED_PRECONDITION = 9,
	STATUS_ABORTED = 10,
	STATUS_OUT_OF_RANGE = 11,
	STATUS_UNIMPLEMENTED = 12,
	STATUS_INTERNAL = 13,
	STATUS_UNAVAILABLE = 14,
};

/* Room for a message, its NUL included. A longer one is cut and ends in "...". */
#define ERR_MSG_MAX 1024

struct err {
	enum status status;
	int sys; /* errno, or 0 when no system call was to blame */
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT ((struct err){ 0 })

static inline bool err_is_set(const struct err *e)
{
	return e->status != STATUS_OK;
}

/* Each returns -1, so that a failing function can end in one line. */
int err_set(struct err *e, enum status status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* From errno, read at once; appends ": <text of errno>". The status is UNKNOWN. */
int err_sys(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* As err_sys(), from a function that returned -errno. @rc is negative. */
int err_rc(struct err *e, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " in front of the message already there. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "out of memory": an error like any other. */
int err_oom(struct err *e);

#endif
