/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/status.h"

#include "tests/lib/test.h"

#include <string.h>

/* What the text of an error looks like on the wire. */
static void assert_sent_as(const char *text, const char *expected)
{
	struct status_message s;
	struct err e;

	err_set(&e, STATUS_NOT_FOUND, "%s", text);
	status_encode(&e, &s);
	assert_int_equal(s.pb.code, 5);
	assert_string_equal(s.pb.message, expected);
}

TEST(a_status_keeps_its_code_and_its_words)
{
	struct status_message s;
	struct err e, again;

	err_set(&e, STATUS_ALREADY_EXISTS, "id web: already exists");
	status_encode(&e, &s);
	status_decode(&s.pb, &again);
	assert_int_equal(again.status, STATUS_ALREADY_EXISTS);
	assert_string_equal(again.msg, "id web: already exists");
}

TEST(no_status_and_code_zero_both_mean_success)
{
	Rpc__Status ok = RPC__STATUS__INIT;
	struct err e;

	status_decode(NULL, &e);
	assert_false(err_is_set(&e));
	status_decode(&ok, &e);
	assert_false(err_is_set(&e));
}

TEST(a_code_without_a_name_is_unknown)
{
	Rpc__Status s = RPC__STATUS__INIT;
	struct err e;

	s.message = "what?";
	s.code = 4711;
	status_decode(&s, &e);
	assert_int_equal(e.status, STATUS_UNKNOWN);
	s.code = -1;
	status_decode(&s, &e);
	assert_int_equal(e.status, STATUS_UNKNOWN);
	assert_string_equal(e.msg, "what?");
}

TEST(text_that_is_utf8_is_left_alone)
{
	assert_sent_as("", "");
	assert_sent_as("plain\n", "plain\n");
	assert_sent_as("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	assert_sent_as("\xe2\x82\xac \xf0\x9f\x90\xb3 \xed\x9f\xbf \xf4\x8f\xbf\xbf",
		"\xe2\x82\xac \xf0\x9f\x90\xb3 \xed\x9f\xbf \xf4\x8f\xbf\xbf");
}

TEST(every_byte_that_is_not_utf8_becomes_a_question_mark)
{
	assert_sent_as("caf\xe9", "caf?");
	assert_sent_as("\x80z", "?z");
	assert_sent_as("\xc0\xaf", "??");           /* a slash in disguise */
	assert_sent_as("\xe0\x80\xaf", "???");      /* the same, longer */
	assert_sent_as("\xed\xa0\x80", "???");      /* a surrogate */
	assert_sent_as("\xf4\x90\x80\x80", "????"); /* beyond the last character */
	assert_sent_as("\xe2\x82", "??");           /* cut */
	assert_sent_as("\xe2\x82z\xc3\xbc", "??z\xc3\xbc");
}

TEST(a_message_that_was_cut_inside_a_character_is_still_utf8)
{
	char longer[ERR_MSG_MAX + 100];
	struct status_message s;
	struct err e;

	for (size_t i = 0; i + 1 < sizeof(longer); i++)
		longer[i] = "\xe2\x82\xac"[i % 3];
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, STATUS_UNKNOWN, "xx%s", longer);
	status_encode(&e, &s);
	assert_int_equal(strlen(s.pb.message), ERR_MSG_MAX - 1);
	assert_string_equal(s.pb.message + ERR_MSG_MAX - 1 - 7, "\xe2\x82\xac?...");
}
