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

/* Returns 1 and the trimmed message if @line is a record of an error. */
static int error_of(const char *line, size_t len, char *ret, size_t room)
{
	auto_json json_t *record = json_loadb(line, len, 0, NULL);
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

int log_find_error(const char *text, size_t len, char *ret, size_t room)
{
	while (len > 0) {
		const char *newline = memrchr(text, '\n', len);
		const char *line = newline ? newline + 1 : text;

		if (error_of(line, len - (size_t)(line - text), ret, room))
			return 1;
		len = newline ? (size_t)(newline - text) : 0;
	}
	return 0;
}

int log_last_error(int bundle_fd, off_t from, char *ret, size_t room)
{
	auto_buf struct buf text = BUF_INIT(LOG_TAIL_MAX);
	auto_fd int fd =
		openat(bundle_fd, "log.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
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
