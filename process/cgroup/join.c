/* SPDX-License-Identifier: Apache-2.0 */

/*
 * join.c - this process into a control group: the shim_cgroup of a runtime's options.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "process/cgroup/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* No "//", no "." or ".." between slashes, no slash at the end. */
static bool is_clean(const char *path)
{
	for (const char *at = path + (path[0] == '/'); at;) {
		const char *end = strchr(at, '/');
		size_t n = end ? (size_t)(end - at) : strlen(at);

		if (n == 0 || (n <= 2 && strspn(at, ".") >= n))
			return false;
		at = end ? end + 1 : NULL;
	}
	return true;
}

static int join_dir(const char *root, const char *hierarchy, const char *path)
{
	char name[PATH_MAX], pid[16];
	auto_fd int fd = -1;
	int n = snprintf(name, sizeof(name), "%s/%s/%s/cgroup.procs", root, hierarchy, path);

	if (n >= (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	return fd_write_all(fd, pid, strlen(pid));
}

/* The links beside the hierarchies, such as cpu to cpu,cpuacct, are second names for the same. */
static int join_all(const char *root, const char *path)
{
	DIR *d = opendir(root);
	struct dirent *entry;
	int joined = 0;
	int rc = 0;

	if (!d)
		return -errno;
	while (rc == 0 && (entry = readdir(d))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
			strcmp(entry->d_name, "unified") == 0)
			continue;
		rc = join_dir(root, entry->d_name, path);
		joined += rc == 0;
		if (rc == -ENOENT)
			rc = 0; /* not in this one */
	}
	closedir(d);
	return rc == 0 && joined == 0 ? -ENOENT : rc;
}

int cgroup_join_at(const char *root, bool is_v2, const char *path)
{
	if (!is_clean(path))
		return -EINVAL;
	if (!is_v2)
		return join_all(root, path);
	if (path[0] != '/' || strncmp(path, CGROUP_ROOT, strlen(CGROUP_ROOT)) == 0)
		return -EINVAL;
	return join_dir(root, "", path);
}

int cgroup_join(const char *path)
{
	return cgroup_join_at(CGROUP_ROOT, cgroup_is_unified(CGROUP_ROOT), path);
}
