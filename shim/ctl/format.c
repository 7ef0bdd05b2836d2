/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *format_bytes(uint64_t n, char ret[FORMAT_MAX])
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double x = (double)n / 1024;
	size_t i = 0;

	if (n == UINT64_MAX) {
		snprintf(ret, FORMAT_MAX, "-");
		return ret;
	}
	if (n < 1024) {
		snprintf(ret, FORMAT_MAX, "%" PRIu64 "B", n);
		return ret;
	}
	/* As it will be printed: 1023.96 KiB is 1.0 MiB. */
	for (; x >= 1023.95 && i + 1 < ARRAY_LEN(unit); i++)
		x /= 1024;
	snprintf(ret, FORMAT_MAX, "%.1f%s", x, unit[i]);
	return ret;
}

const char *format_age(int64_t seconds, char ret[FORMAT_MAX])
{
	if (seconds < 0)
		snprintf(ret, FORMAT_MAX, "-");
	else if (seconds < 120)
		snprintf(ret, FORMAT_MAX, "%" PRId64 "s", seconds);
	else if (seconds < 120 * 60)
		snprintf(ret, FORMAT_MAX, "%" PRId64 "m", seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(ret, FORMAT_MAX, "%" PRId64 "h", seconds / 3600);
	else
		snprintf(ret, FORMAT_MAX, "%" PRId64 "d", seconds / 86400);
	return ret;
}

/*
 * What a terminal obeys: control characters, and those of eight bits, which are U+0080 to U+009F.
 */
char *format_tame(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < ' ' || *c == 0x7f) {
			*c = '?';
		} else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
			c[0] = '?';
			c[1] = '?';
		}
	}
	return text;
}

void format_tame_json(json_t *j)
{
	const char *key;
	json_t *item;
	size_t i;

	/* The string is the value's own copy, and stays as long and as valid as it was. */
	if (json_is_string(j))
		format_tame((char *)json_string_value(j));
	json_object_foreach(j, key, item)
	{
		format_tame_json(item);
	}
	json_array_foreach(j, i, item)
	{
		format_tame_json(item);
	}
}

int table_add(struct table *t, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	if (t->n == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		char **more = reallocarray(t->cell, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->cell = more;
		t->room = room;
	}
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	format_tame(text);
	t->cell[t->n++] = text;
	return 0;
}

static void measure(const struct table *t, size_t wide[TABLE_COLUMNS_MAX])
{
	for (size_t i = 0; i < t->n; i++) {
		size_t len = strlen(t->cell[i]);

		if (len > wide[i % t->columns])
			wide[i % t->columns] = len;
	}
}

static size_t print_cell(const char *text, size_t pad, size_t left, FILE *to)
{
	size_t len = strlen(text);

	if (len > left)
		len = left;
	fwrite(text, 1, len, to);
	left -= len;
	for (; pad > len && left > 0; pad--, left--)
		fputc(' ', to);
	return left;
}

void table_print(const struct table *t, FILE *to, size_t width)
{
	size_t wide[TABLE_COLUMNS_MAX] = { 0 };
	size_t left = 0;

	measure(t, wide);
	for (size_t i = 0; i < t->n; i++) {
		size_t column = i % t->columns;
		bool last = column + 1 == t->columns;

		if (column == 0)
			left = width ? width : SIZE_MAX;
		left = print_cell(t->cell[i], last ? 0 : wide[column] + 2, left, to);
		if (last)
			fputc('\n', to);
	}
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cell[i]);
	free(t->cell);
	*t = (struct table){ .columns = t->columns };
}
