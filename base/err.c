/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Writes at @at; a message that does not fit ends in "...". Returns the new length. */
static size_t append(struct err *e, size_t at, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

static size_t append(struct err *e, size_t at, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->msg + at, sizeof(e->msg) - at, fmt, ap);

	if (n < 0)
		return at;
	if (at + (size_t)n < sizeof(e->msg))
		return at + (size_t)n;
	memcpy(e->msg + sizeof(e->msg) - 4, "...", 4);
	return sizeof(e->msg) - 1;
}

static size_t append_text(struct err *e, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);

static size_t append_text(struct err *e, size_t at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	at = append(e, at, fmt, ap);
	va_end(ap);
	return at;
}

int err_set(struct err *e, enum status status, const char *fmt, ...)
{
	va_list ap;

	e->status = status;
	e->sys = 0;
	va_start(ap, fmt);
	append(e, 0, fmt, ap);
	va_end(ap);
	return -1;
}

/*
 * An errno never picks the status by itself: ENOENT on some file of ours is
 * not a NOT_FOUND of the container the caller asked about.
 */
static int set_errno(struct err *e, int sys, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

static int set_errno(struct err *e, int sys, const char *fmt, va_list ap)
{
	const char *why = strerror(sys);
	size_t at;

	e->status = STATUS_UNKNOWN;
	e->sys = sys;
	at = append(e, 0, fmt, ap);
	/* In lower case, as Go writes them: clients look for "no such file or directory". */
	append_text(e, at, ": %c%s", tolower((unsigned char)why[0]), why + 1);
	return -1;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int sys = errno;
	va_list ap;

	va_start(ap, fmt);
	set_errno(e, sys, fmt, ap);
	va_end(ap);
	return -1;
}

int err_rc(struct err *e, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_errno(e, -rc, fmt, ap);
	va_end(ap);
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[sizeof(e->msg)];
	size_t at;
	va_list ap;

	memcpy(inner, e->msg, sizeof(inner));
	va_start(ap, fmt);
	at = append(e, 0, fmt, ap);
	va_end(ap);
	append_text(e, at, ": %s", inner);
	return -1;
}

int err_oom(struct err *e)
{
	return err_set(e, STATUS_UNKNOWN, "out of memory");
}
