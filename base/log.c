/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};
_Static_assert(ARRAY_LEN(level_names) == N_LOG_LEVELS, "a level has no name");

static struct {
	int fd;
	enum log_level level;
	unsigned long dropped; /* in all */
	unsigned long untold;  /* of these, since a line last got through */
	bool is_torn;          /* the last one got through in part: its line has not ended */
} sink = { .fd = -1, .level = LOG_INFO };

void log_to(int fd, enum log_level level)
{
	sink.fd = fd;
	sink.level = level;
}

unsigned long log_dropped(void)
{
	return sink.dropped;
}

/* A quote ends a value if the line ends there, or goes on with ", " or with another key. */
static bool ends_value(const char *after)
{
	if (*after == '\0' || strncmp(after, ", ", 2) == 0)
		return true;
	if (*after != ' ')
		return false;
	after++;
	return after[strspn(after, "abcdefghijklmnopqrstuvwxyz_")] == '=';
}

/*
 * What a runtime says may hold anything: a newline must not forge a line of its
 * own, nor a quote end the value it stands in.
 */
static void keep_in_its_place(char *text)
{
	bool is_quoted = false;

	for (char *at = text; *at; at++) {
		if ((unsigned char)*at < ' ')
			*at = ' ';
		if (*at != '"')
			continue;
		if (!is_quoted)
			is_quoted = at > text && at[-1] == '=';
		else if (ends_value(at + 1))
			is_quoted = false;
		else
			*at = '\'';
	}
}

static size_t clamp(int n, size_t room)
{
	if (n < 0)
		return 0;
	return (size_t)n < room ? (size_t)n : room - 1;
}

static size_t begin_line(char *line, size_t room, enum log_level level, const char *verb)
{
	struct timespec now = clock_wall();
	struct tm tm;
	size_t at = 0;

	gmtime_r(&now.tv_sec, &tm);
	if (sink.is_torn)
		line[at++] = '\n';
	at += strftime(line + at, room - at, "time=\"%Y-%m-%dT%H:%M:%S", &tm);
	at += clamp(snprintf(line + at, room - at, ".%09ldZ\" level=%s msg=\"%s\" ", now.tv_nsec,
			    level_names[level], verb),
		room - at);
	if (sink.untold)
		at += clamp(snprintf(line + at, room - at, "dropped=%lu ", sink.untold), room - at);
	return at;
}

void log_line(enum log_level level, const char *verb, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	int saved = errno;
	size_t at, said;
	va_list ap;

	if (level > sink.level || sink.fd < 0)
		return;
	at = said = begin_line(line, sizeof(line) - 1, level, verb);
	va_start(ap, fmt);
	at += clamp(vsnprintf(line + at, sizeof(line) - 1 - at, fmt, ap), sizeof(line) - 1 - at);
	va_end(ap);
	keep_in_its_place(line + said);
	line[at++] = '\n';
	if (write(sink.fd, line, at) == (ssize_t)at) {
		sink.untold = 0;
		sink.is_torn = false;
	} else {
		sink.dropped++;
		sink.untold++;
	}
	errno = saved;
}

void log_raw(const char *line)
{
	const struct iovec parts[] = {
		{ .iov_base = "\n", .iov_len = sink.is_torn ? 1 : 0 },
		{ .iov_base = (char *)line, .iov_len = strlen(line) },
		{ .iov_base = "\n", .iov_len = 1 },
	};
	ssize_t whole = (ssize_t)(parts[0].iov_len + parts[1].iov_len + 1);
	ssize_t n;

	if (sink.fd < 0)
		return;
	n = writev(sink.fd, parts, ARRAY_LEN(parts));
	if (n == whole) {
		sink.is_torn = false;
		return;
	}
	/* Longer than PIPE_BUF, so the pipe may have taken a part of it. */
	sink.is_torn = sink.is_torn || n > 0;
	sink.dropped++;
	sink.untold++;
}
