/* SPDX-License-Identifier: Apache-2.0 */
#include "process/runtime/log.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Returns 1 and the trimmed message if @record is one of an error. */
static int error_of(json_t *record, char *ret, size_t room)
{
	const char *level = json_get_string(record, "level");
	const char *msg = json_get_string(record, "msg");
	size_t n;

	if (!level || !msg || strcmp(level, "error") != 0)
		return 0;
	while (isspace((unsigned char)*msg))
		msg++;
	n = strlen(msg);
	while (n > 0 && isspace((unsigned char)msg[n - 1]))
		n--;
	snprintf(ret, room, "%.*s", (int)n, msg);
	return 1;
}

/* The next place behind @at where a record may begin: a brace that is the first on its line. */
static const char *next_record(const char *at, const char *end)
{
	const char *newline;

	while (at < end && *at != '{') {
		newline = memchr(at, '\n', (size_t)(end - at));
		at = newline ? newline + 1 : end;
	}
	return at;
}

/* Where to go on after @stopped bytes that were no record: the line that was wrong may begin one.
 */
static const char *behind_garbage(const char *at, size_t stopped, const char *end)
{
	const char *newline = stopped > 1 ? memrchr(at, '\n', stopped - 1) : NULL;

	return next_record(newline ? newline + 1 : at + 1, end);
}

/*
 * A record is one line of runc's and several of crun's (1.28). No byte is
 * looked at more than a few times, whatever the file holds.
 */
int log_find_error(const char *text, size_t len, char *ret, size_t room)
{
	const char *end = text + len;
	const char *at = next_record(text, end);
	int found = 0;

	while (at < end) {
		json_error_t stopped = { .position = 0 };
		auto_json json_t *record =
			json_loadb(at, (size_t)(end - at), JSON_DISABLE_EOF_CHECK, &stopped);
		size_t used = stopped.position > 0 ? (size_t)stopped.position : 0;

		found |= error_of(record, ret, room);
		at = record ? next_record(at + used, end) : behind_garbage(at, used, end);
	}
	return found;
}

int log_last_error(int bundle_fd, const char *name, off_t from, char *ret, size_t room)
{
	auto_buf struct buf text = BUF_INIT(LOG_TAIL_MAX);
	auto_fd int fd = openat(bundle_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	uint8_t *at;
	ssize_t n;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < from)
		from = 0; /* somebody truncated it */
	if (st.st_size - from > LOG_TAIL_MAX)
		from = st.st_size - LOG_TAIL_MAX;
	if (st.st_size == from)
		return 0;
	rc = buf_reserve(&text, (size_t)(st.st_size - from), &at);
	if (rc < 0)
		return rc;
	n = pread(fd, at, (size_t)(st.st_size - from), from);
	return n < 0 ? -errno : log_find_error((const char *)at, (size_t)n, ret, room);
}
