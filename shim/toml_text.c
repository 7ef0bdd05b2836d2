/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/toml_text.h"

#include "base/auto.h"
#include "base/buf.h"
#include "shim/toml.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int toml_complain(const struct toml *t, const char *what)
{
	return err_set(t->e, STATUS_INVALID_ARGUMENT, "line %d: %s", t->line, what);
}

bool toml_has(const struct toml *t, char c)
{
	return t->at < t->end && *t->at == c;
}

bool toml_has_one_of(const struct toml *t, const char *set)
{
	return t->at < t->end && *t->at && strchr(set, *t->at);
}

bool toml_took(struct toml *t, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(t->end - t->at) < n || memcmp(t->at, word, n) != 0)
		return false;
	t->at += n;
	return true;
}

void toml_skip_blanks(struct toml *t)
{
	while (toml_has_one_of(t, " \t\r"))
		t->at++;
}

void toml_skip_rest(struct toml *t)
{
	toml_skip_blanks(t);
	if (toml_has(t, '#'))
		while (t->at < t->end && *t->at != '\n')
			t->at++;
}

void toml_skip_space(struct toml *t)
{
	for (toml_skip_rest(t); toml_has(t, '\n'); toml_skip_rest(t)) {
		t->at++;
		t->line++;
	}
}

static int add(struct toml *t, struct buf *out, const void *bytes, size_t n)
{
	int rc = buf_add(out, bytes, n);

	if (rc == -ENOBUFS)
		return toml_complain(t, "a string is too long");
	return rc < 0 ? err_oom(t->e) : 0;
}

static int add_rune(struct toml *t, struct buf *out, uint32_t rune)
{
	static const uint8_t heads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
	uint8_t bytes[4];

	if (rune == 0 || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
		return toml_complain(t, "an escape that is no character");
	for (size_t i = n - 1; i > 0; i--, rune >>= 6)
		bytes[i] = (uint8_t)(0x80 | (rune & 0x3f));
	bytes[0] = (uint8_t)(heads[n] | rune);
	return add(t, out, bytes, n);
}

/* \u0000 or \U00000000. */
static int read_rune(struct toml *t, struct buf *out, size_t digits)
{
	char text[9] = "";

	if ((size_t)(t->end - t->at) < digits)
		return toml_complain(t, "an escape that does not end");
	memcpy(text, t->at, digits);
	if (strspn(text, DIGITS "abcdefABCDEF") != digits)
		return toml_complain(t, "an escape that is no character");
	t->at += digits;
	return add_rune(t, out, (uint32_t)strtoul(text, NULL, 16));
}

static int read_escape(struct toml *t, struct buf *out)
{
	static const char from[] = "\"\\bfnrt";
	static const char to[] = "\"\\\b\f\n\r\t";
	const char *found;

	if (toml_took(t, "u"))
		return read_rune(t, out, 4);
	if (toml_took(t, "U"))
		return read_rune(t, out, 8);
	found = t->at < t->end && *t->at ? strchr(from, *t->at) : NULL;
	if (!found)
		return toml_complain(t, "an escape that TOML does not have");
	t->at++;
	return add(t, out, to + (found - from), 1);
}

/* A backslash at the end of a line: that end and the white space after it are none. */
static bool took_line_end(struct toml *t)
{
	struct toml ahead = *t;

	toml_skip_blanks(&ahead);
	if (!toml_has(&ahead, '\n'))
		return false;
	for (; toml_has_one_of(&ahead, " \t\r\n"); ahead.at++)
		ahead.line += *ahead.at == '\n';
	*t = ahead;
	return true;
}

struct toml_quotes {
	const char *mark;
	bool escapes, lines;
};

static const struct toml_quotes quotes[] = {
	/* The longer first. */
	{ "\"\"\"", true, true },
	{ "'''", false, true },
	{ "\"", true, false },
	{ "'", false, false },
};

static int read_inside(struct toml *t, const struct toml_quotes *q, struct buf *out)
{
	while (t->at < t->end && (q->lines || *t->at != '\n')) {
		/* Of more than three at the end the first ones are text. */
		if (toml_took(t, q->mark)) {
			if (!q->lines || !toml_has(t, q->mark[0]))
				return 0;
			t->at -= 3;
		}
		if (q->escapes && toml_took(t, "\\")) {
			if (q->lines && took_line_end(t))
				continue;
			if (read_escape(t, out) < 0)
				return -1;
			continue;
		}
		if (*t->at == '\0')
			return toml_complain(t, "a string with a NUL in it");
		t->line += *t->at == '\n';
		if (add(t, out, t->at++, 1) < 0)
			return -1;
	}
	return toml_complain(t, "a string does not end");
}

const struct toml_quotes *toml_open_quotes(struct toml *t, bool may_have_lines)
{
	for (size_t i = 0; i < ARRAY_LEN(quotes); i++)
		if ((may_have_lines || !quotes[i].lines) && toml_took(t, quotes[i].mark))
			return &quotes[i];
	return NULL;
}

char *toml_read_quoted(struct toml *t, const struct toml_quotes *q)
{
	auto_buf struct buf out = BUF_INIT(TOML_STRING_MAX);
	char *text;

	if (q->lines && (toml_took(t, "\n") || toml_took(t, "\r\n")))
		t->line++;
	if (read_inside(t, q, &out) < 0)
		return NULL;
	text = buf_text(&out) ? strdup(buf_text(&out)) : NULL;
	if (!text)
		err_oom(t->e);
	return text;
}

char *toml_read_word(struct toml *t, const char *set)
{
	const char *from = t->at;
	char *text;

	while (toml_has_one_of(t, set))
		t->at++;
	if (t->at - from > TOML_STRING_MAX) {
		toml_complain(t, "a word is too long");
		return NULL;
	}
	text = strndup(from, (size_t)(t->at - from));
	if (!text)
		err_oom(t->e);
	return text;
}
