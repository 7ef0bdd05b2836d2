/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/status.h"

#include <assert.h>
#include <string.h>

/* What a character may begin with; the first row is one byte long, the last four. */
static const struct lead {
	unsigned char from, to;
	unsigned char bits; /* those of the first byte that count */
	uint32_t smallest;  /* anything below has a shorter form, and must use it */
} leads[] = {
	{ 0x01, 0x7f, 0x7f, 0 },
	{ 0xc2, 0xdf, 0x1f, 0x80 },
	{ 0xe0, 0xef, 0x0f, 0x800 },
	{ 0xf0, 0xf4, 0x07, 0x10000 },
};

static bool is_code_point(uint32_t point, const struct lead *lead)
{
	bool surrogate = point >= 0xd800 && point <= 0xdfff;

	return point >= lead->smallest && point <= 0x10ffff && !surrogate;
}

/* The length of the well-formed character at @s, or 0. The NUL at the end stops it. */
static size_t utf8_character(const unsigned char *s)
{
	const struct lead *lead = leads;
	uint32_t point;
	size_t n;

	while (lead < leads + ARRAY_LEN(leads) && (*s < lead->from || *s > lead->to))
		lead++;
	if (lead == leads + ARRAY_LEN(leads))
		return 0;
	n = (size_t)(lead - leads) + 1;
	point = *s & lead->bits;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3fu);
	}
	return is_code_point(point, lead) ? n : 0;
}

static void replace_what_is_not_utf8(char *s)
{
	while (*s) {
		size_t n = utf8_character((const unsigned char *)s);

		if (n == 0)
			*s = '?';
		s += n ? n : 1;
	}
}

void status_encode(const struct err *e, struct status_message *ret_status)
{
	assert(err_is_set(e));
	rpc__status__init(&ret_status->pb);
	memcpy(ret_status->text, e->msg, sizeof(e->msg));
	replace_what_is_not_utf8(ret_status->text);
	ret_status->pb.code = (int32_t)e->status;
	ret_status->pb.message = ret_status->text;
}

void status_decode(const Rpc__Status *status, struct err *ret_err)
{
	*ret_err = ERR_INIT;
	if (!status || status->code == STATUS_OK)
		return;
	if (status->code > STATUS_OK && status->code <= STATUS_UNAVAILABLE)
		err_set(ret_err, (enum status)status->code, "%s", status->message);
	else
		err_set(ret_err, STATUS_UNKNOWN, "%s", status->message);
}
