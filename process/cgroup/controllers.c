/* SPDX-License-Identifier: Apache-2.0 */

/*
 * controllers.c - what is counted and limited in a group of version 2.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "process/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "cpu memory pids" becomes "+cpu +memory +pids"; 0 or -errno. */
static int read_controllers(const char *root, char *ret, size_t room)
{
	auto_buf struct buf text = BUF_INIT(4096);
	char path[PATH_MAX];
	char *rest, *name;
	size_t n = 0;
	int rc;

	if (snprintf(path, sizeof(path), "%s/cgroup.controllers", root) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	rc = fd_read_file(AT_FDCWD, path, &text);
	if (rc < 0)
		return rc;
	rest = buf_text(&text) ? (char *)text.data : NULL;
	ret[0] = '\0';
	while ((name = strsep(&rest, " \n"))) {
		if (!name[0])
			continue;
		if (n + strlen(name) + sizeof(" +") > room)
			return -E2BIG;
		n += (size_t)snprintf(ret + n, room - n, "%s+%s", n > 0 ? " " : "", name);
	}
	return 0;
}

static int enable(const char *dir, const char *controllers)
{
	char path[PATH_MAX];
	auto_fd int fd = -1;

	if (snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd_write_all(fd, controllers, strlen(controllers));
}

int cgroup_enable_controllers(const struct cgroup *cg)
{
	char controllers[1024], dir[PATH_MAX];
	size_t root_len = strlen(cg->root);
	int rc, last = 0;

	if (!cg->is_v2 || cg->dir < 0)
		return 0;
	if (snprintf(dir, sizeof(dir), "%s%s", cg->root, cg->where) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	rc = read_controllers(cg->root, controllers, sizeof(controllers));
	if (rc < 0 || !controllers[0])
		return rc;
	/* Downwards: a group can pass on only what it has. Its own children are its own affair. */
	for (char *slash = dir + root_len; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = enable(dir, controllers);
		*slash = '/';
		if (rc < 0)
			last = rc;
	}
	return last;
}
