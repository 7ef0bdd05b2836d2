/* SPDX-License-Identifier: Apache-2.0 */

/*
 * pidfile.c - the number a runtime leaves behind, or why there is none.
 */

#include "base/buf.h"
#include "base/fd.h"
#include "process/runtime/runtime.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int runtime_read_pid(int bundle_fd, const char *name, pid_t *ret, struct err *e)
{
	auto_buf struct buf content = BUF_INIT(16);
	const char *text;
	long pid = 0;
	int rc = fd_read_file(bundle_fd, name, &content);

	if (rc < 0)
		return err_rc(e, rc, "read %s", name);
	text = buf_text(&content);
	if (!text)
		return err_oom(e);
	if (content.len > 0 && strspn(text, "0123456789") == content.len)
		pid = strtol(text, NULL, 10);
	if (pid <= 1 || pid > INT32_MAX)
		return err_set(e, STATUS_UNKNOWN, "%s holds '%s', which is not a pid", name, text);
	*ret = (pid_t)pid;
	return 0;
}

int runtime_forget_pid(int bundle_fd, const char *name, struct err *e)
{
	if (unlinkat(bundle_fd, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove old %s", name);
	return 0;
}
