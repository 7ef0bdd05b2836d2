/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

/* Longer than a message may be. */
static const char *long_text(void)
{
	static char text[2 * ERR_MSG_MAX];

	memset(text, 'x', sizeof(text) - 1);
	return text;
}

static void assert_is_cut(const struct err *e)
{
	assert_int_equal(strlen(e->msg), ERR_MSG_MAX - 1);
	assert_string_equal(e->msg + ERR_MSG_MAX - 4, "...");
}

TEST(a_new_error_is_none)
{
	struct err e = ERR_INIT;

	assert_false(err_is_set(&e));
	assert_string_equal(e.msg, "");
}

TEST(set_keeps_status_and_words_and_returns_minus_one)
{
	struct err e = ERR_INIT;

	assert_int_equal(err_set(&e, STATUS_ALREADY_EXISTS, "container '%s'", "c1"), -1);
	assert_true(err_is_set(&e));
	assert_int_equal(e.status, STATUS_ALREADY_EXISTS);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.msg, "container 'c1'");
}

TEST(sys_appends_the_words_of_errno_as_go_writes_them)
{
	struct err e = ERR_INIT;

	errno = EMFILE;
	assert_int_equal(err_sys(&e, "open %s", "stdio"), -1);
	assert_int_equal(e.sys, EMFILE);
	assert_string_equal(e.msg, "open stdio: too many open files");
}

TEST(a_missing_file_is_not_a_missing_container)
{
	struct err e = ERR_INIT;

	errno = ENOENT;
	err_sys(&e, "read pid file");
	assert_int_equal(e.status, STATUS_UNKNOWN);
}

TEST(rc_takes_the_errno_it_is_given_and_not_the_one_lying_around)
{
	struct err e = ERR_INIT;

	errno = EPERM;
	assert_int_equal(err_rc(&e, -ENOSPC, "write"), -1);
	assert_int_equal(e.sys, ENOSPC);
	assert_string_equal(e.msg, "write: no space left on device");
}

TEST(set_after_sys_forgets_the_errno)
{
	struct err e = ERR_INIT;

	errno = EIO;
	err_sys(&e, "a");
	err_set(&e, STATUS_NOT_FOUND, "b");
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.msg, "b");
}

TEST(wrap_puts_context_in_front_and_keeps_the_rest)
{
	struct err e = ERR_INIT;

	errno = EBUSY;
	err_sys(&e, "umount");
	assert_int_equal(err_wrap(&e, "create '%s'", "c1"), -1);
	assert_string_equal(e.msg, "create 'c1': umount: device or resource busy");
	assert_int_equal(e.status, STATUS_UNKNOWN);
	assert_int_equal(e.sys, EBUSY);
}

TEST(a_message_that_just_fits_is_whole)
{
	struct err e = ERR_INIT;

	err_set(&e, STATUS_UNKNOWN, "%.*s", ERR_MSG_MAX - 1, long_text());
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	assert_int_equal(e.msg[ERR_MSG_MAX - 2], 'x');
}

TEST(a_message_that_does_not_fit_is_cut_and_says_so)
{
	struct err e = ERR_INIT;

	err_set(&e, STATUS_UNKNOWN, "%.*s", ERR_MSG_MAX, long_text());
	assert_is_cut(&e);
}

TEST(the_words_of_errno_are_cut_too)
{
	struct err e = ERR_INIT;

	errno = ENOENT;
	err_sys(&e, "%.*s", ERR_MSG_MAX - 5, long_text());
	assert_is_cut(&e);
	errno = ENOENT;
	err_sys(&e, "%s", long_text());
	assert_is_cut(&e);
}

TEST(wrapping_a_full_message_keeps_the_context)
{
	struct err e = ERR_INIT;

	err_set(&e, STATUS_UNKNOWN, "%s", long_text());
	err_wrap(&e, "create");
	assert_int_equal(strncmp(e.msg, "create: xxx", 11), 0);
	assert_is_cut(&e);
	err_wrap(&e, "%s", long_text());
	assert_is_cut(&e);
}

TEST(out_of_memory_is_an_error_like_any_other)
{
	struct err e = ERR_INIT;

	assert_int_equal(err_oom(&e), -1);
	assert_true(err_is_set(&e));
	assert_string_equal(e.msg, "out of memory");
}
