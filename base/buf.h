/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

/*
 * buf.h - a byte buffer that grows, up to a ceiling its owner names.
 *
 *	auto_buf struct buf b = BUF_INIT(4096);
 *
 * Memory is allocated with the first byte and freed by buf_fini(), which also
 * empties: a buffer that is not in use costs nothing.
 */

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* owned; NULL while empty and fresh */
	size_t len;
	size_t room;
	size_t max; /* ceiling in bytes */
};

#define BUF_INIT(ceiling) ((struct buf){ .max = (ceiling) })
#define auto_buf          __attribute__((cleanup(buf_fini)))

/* Frees the memory; the buffer is empty and may be used again. */
void buf_fini(struct buf *b);

/* 0, -ENOBUFS beyond the ceiling, -ENOMEM. On failure nothing was added. */
int buf_add(struct buf *b, const void *bytes, size_t n) NODISCARD;
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3) NODISCARD;

/* Makes room for @n more bytes and sets *ret_at to where they go; then buf_grew(). */
int buf_reserve(struct buf *b, size_t n, uint8_t **ret_at) NODISCARD;
void buf_grew(struct buf *b, size_t n);

/* Drops the first @n bytes. */
void buf_consume(struct buf *b, size_t n);

/* The bytes with a NUL behind them, which is not counted. NULL when out of memory. */
const char *buf_text(struct buf *b);

#endif
