/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cgroup/freezer.h"

#include "base/auto.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static bool begins(struct buf *text, const char *word)
{
	const char *s = buf_text(text);

	return s && strncmp(s, word, strlen(word)) == 0;
}

static int read_v1(const struct cgroup *cg)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	int rc = cgroup_read(cg, "freezer", "freezer.state", &text);

	if (rc < 0)
		return rc;
	if (begins(&text, "THAWED"))
		return FREEZER_THAWED;
	return begins(&text, "FROZEN") ? FREEZER_FROZEN : FREEZER_FREEZING;
}

static int read_v2(const struct cgroup *cg)
{
	auto_buf struct buf events = BUF_INIT(CGROUP_FILE_MAX);
	auto_buf struct buf asked = BUF_INIT(CGROUP_FILE_MAX);
	int rc = cgroup_read(cg, "", "cgroup.events", &events);

	if (rc == 0)
		rc = cgroup_read(cg, "", "cgroup.freeze", &asked);
	if (rc < 0)
		return rc;
	if (!begins(&asked, "1"))
		return FREEZER_THAWED;
	return buf_text(&events) && strstr(buf_text(&events), "frozen 1") ? FREEZER_FROZEN
									  : FREEZER_FREEZING;
}

int freezer_read(const struct cgroup *cg)
{
	return cg->is_v2 ? read_v2(cg) : read_v1(cg);
}

int freezer_write(const struct cgroup *cg, bool frozen)
{
	const char *word = cg->is_v2 ? frozen ? "1" : "0" : frozen ? "FROZEN" : "THAWED";
	int dir = cgroup_dir(cg, "freezer");
	auto_fd int fd = -1;

	if (dir < 0)
		return dir;
	fd = openat(dir, cg->is_v2 ? "cgroup.freeze" : "freezer.state", O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd_write_all(fd, word, strlen(word));
}

int freezer_let_die(const struct cgroup *cg)
{
	return freezer_write(cg, false);
}
