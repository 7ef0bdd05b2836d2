/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A pipe whose reading end tells what was logged; both ends never block. */
static int sink[2];
static char said[2 * LOG_LINE_MAX];

static void begin(enum log_level level)
{
	assert_int_equal(pipe2(sink, O_CLOEXEC | O_NONBLOCK), 0);
	log_to(sink[1], level);
}

static void end(void)
{
	log_to(-1, LOG_INFO);
	close(sink[0]);
	close(sink[1]);
}

static const char *read_log(void)
{
	ssize_t n = read(sink[0], said, sizeof(said) - 1);

	said[n < 0 ? 0 : n] = '\0';
	return said;
}

/* Until there is no room for another line. */
static void fill_pipe(void)
{
	char junk[4096] = "";

	while (write(sink[1], junk, sizeof(junk)) > 0)
		;
}

static void empty_pipe(void)
{
	while (read(sink[0], said, sizeof(said)) > 0)
		;
}

static void assert_matches(const char *text, const char *pattern)
{
	regex_t re;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&re, text, 0, NULL, 0) != 0)
		fail_msg("'%s' is not like '%s'", text, pattern);
	regfree(&re);
}

TEST(a_line_is_in_containerds_own_format)
{
	begin(LOG_INFO);
	log_info("exit", "id=%s code=%d", "c1", 7);
	assert_matches(read_log(),
		"^time=\"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{9}Z\" level=info "
		"msg=\"exit\" id=c1 code=7\n$");
	end();
}

TEST(each_level_has_the_name_containerd_knows)
{
	begin(LOG_DEBUG);
	log_error("a", "x=1");
	log_warn("b", "x=1");
	log_info("c", "x=1");
	log_debug("d", "x=1");
	assert_matches(read_log(),
		"level=error msg=\"a\".*\n.*level=warning msg=\"b\".*\n.*level=info msg=\"c\".*\n"
		".*level=debug msg=\"d\"");
	end();
}

TEST(what_is_below_the_level_is_not_written_nor_counted_as_dropped)
{
	begin(LOG_WARN);
	log_info("quiet", "x=1");
	log_debug("quiet", "x=1");
	assert_string_equal(read_log(), "");
	log_warn("loud", "x=1");
	assert_matches(read_log(), "loud");
	assert_int_equal(log_dropped(), 0);
	end();
}

TEST(without_a_sink_nothing_happens)
{
	log_error("nowhere", "x=%d", 1);
	assert_int_equal(log_dropped(), 0);
}

TEST(a_line_break_in_a_value_does_not_forge_a_line)
{
	const char *text;

	begin(LOG_INFO);
	log_info("runtime", "said=%s", "one\ntime=\"now\" level=error\r\x1b[31m");
	text = read_log();
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_null(strchr(text, '\r'));
	assert_null(strchr(text, '\x1b'));
	end();
}

TEST(a_quote_in_a_value_does_not_end_it)
{
	begin(LOG_INFO);
	log_info("create", "id=c1 error=\"%s\", nothing is left of it",
		"exec: \"nosuch\": not found");
	assert_matches(read_log(), "error=\"exec: 'nosuch': not found\", nothing is left of it\n$");
	log_info("create", "error=\"%s\" id=%s", "\"a\" and \"b\"", "c1");
	assert_matches(read_log(), "error=\"'a' and 'b'\" id=c1\n$");
	end();
}

TEST(a_line_that_is_too_long_is_cut_and_still_ends)
{
	char text[2 * LOG_LINE_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	begin(LOG_INFO);
	log_info("long", "text=%s", text);
	read_log();
	assert_in_range(strlen(said), LOG_LINE_MAX - 2, LOG_LINE_MAX);
	assert_int_equal(said[strlen(said) - 1], '\n');
	log_info("next", "x=1");
	assert_matches(read_log(), "^time=.*next");
	end();
}

TEST(a_full_pipe_drops_the_line_and_the_next_one_tells)
{
	begin(LOG_INFO);
	fill_pipe();
	log_info("lost", "x=1");
	log_info("lost", "x=2");
	assert_int_equal(log_dropped(), 2);
	empty_pipe();
	log_info("found", "x=3");
	assert_matches(read_log(), "msg=\"found\" dropped=2 x=3\n$");
	log_info("again", "x=4");
	assert_matches(read_log(), "msg=\"again\" x=4\n$");
	assert_int_equal(log_dropped(), 2);
	end();
}

TEST(a_reader_that_has_gone_drops_the_line)
{
	signal(SIGPIPE, SIG_IGN);
	begin(LOG_INFO);
	close(sink[0]);
	log_info("lost", "x=1");
	assert_int_equal(log_dropped(), 1);
	log_to(-1, LOG_INFO);
	close(sink[1]);
}

TEST(a_dump_is_written_as_it_is_however_long)
{
	static char dump[LOG_LINE_MAX + 1000];

	memset(dump, 'x', sizeof(dump) - 1);
	begin(LOG_INFO);
	log_raw(dump);
	assert_int_equal(strlen(read_log()), sizeof(dump));
	assert_memory_equal(said, dump, sizeof(dump) - 1);
	assert_int_equal(said[sizeof(dump) - 1], '\n');
	assert_int_equal(log_dropped(), 0);
	end();
}

TEST(a_dump_that_does_not_fit_is_dropped_and_counted_and_nobody_waits)
{
	static char dump[LOG_LINE_MAX + 1000];

	memset(dump, 'x', sizeof(dump) - 1);
	begin(LOG_INFO);
	fill_pipe();
	log_raw(dump);
	assert_int_equal(log_dropped(), 1);
	empty_pipe();
	log_info("next", "a=b");
	assert_matches(read_log(), "dropped=1 a=b");
	end();
}

/* A pipe that takes the beginning only: what follows is a line of its own. */
TEST(a_dump_that_fits_in_part_does_not_swallow_the_next_line)
{
	static char dump[2 * 4096 + 100];
	ssize_t n, last = 0;

	memset(dump, 'x', sizeof(dump) - 1);
	begin(LOG_INFO);
	fill_pipe();
	assert_int_equal(read(sink[0], said, 4096), 4096);
	log_raw(dump);
	assert_int_equal(log_dropped(), 1);
	assert_int_equal(read(sink[0], said, 4096), 4096);
	log_info("next", "a=b");
	while ((n = read(sink[0], said, 4096)) > 0)
		last = n;
	said[last] = '\0';
	assert_matches(said, "^\ntime=[^\n]*dropped=1 a=b\n$");
	log_info("more", "c=d");
	assert_matches(read_log(), "^time=[^\n]*c=d\n$");
	end();
}

TEST(errno_is_kept)
{
	begin(LOG_INFO);
	fill_pipe();
	errno = ENOENT;
	log_info("lost", "x=1");
	assert_int_equal(errno, ENOENT);
	end();
}
