/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 256

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT(b->max);
}

/* One byte more than asked for, so that buf_text() cannot fail on a full buffer. */
static int make_room(struct buf *b, size_t n)
{
	size_t room = b->room ? b->room : FIRST_ROOM;
	uint8_t *data;

	if (n > b->max - b->len)
		return -ENOBUFS;
	if (b->data && b->len + n < b->room)
		return 0;
	while (room <= b->len + n)
		room *= 2;
	data = realloc(b->data, room);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->room = room;
	return 0;
}

int buf_reserve(struct buf *b, size_t n, uint8_t **ret_at)
{
	int rc = make_room(b, n);

	if (rc < 0)
		return rc;
	*ret_at = b->data + b->len;
	return 0;
}

void buf_grew(struct buf *b, size_t n)
{
	assert(b->len + n < b->room);
	b->len += n;
}

int buf_add(struct buf *b, const void *bytes, size_t n)
{
	int rc;

	if (n == 0)
		return 0;
	rc = make_room(b, n);
	if (rc < 0)
		return rc;
	memcpy(b->data + b->len, bytes, n);
	b->len += n;
	return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n, rc;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	rc = n < 0 ? -EINVAL : make_room(b, (size_t)n);
	if (rc == 0) {
		vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return rc;
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	if (b->len > 0)
		memmove(b->data, b->data + n, b->len);
}

const char *buf_text(struct buf *b)
{
	if (make_room(b, 0) < 0)
		return NULL;
	b->data[b->len] = '\0';
	return (const char *)b->data;
}
