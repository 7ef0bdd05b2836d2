/* SPDX-License-Identifier: Apache-2.0 */

/*
 * path.c - from a pid to the directory of its control group.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "process/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Version 1 hierarchies that list processes, in the order we like them. */
static const char *const v1_controllers[] = { "devices", "pids", "memory", "cpu", "freezer" };

/* Those whose directories are kept. */
static const char *const kept_controllers[] = { "pids", "cpuacct", "cpu", "memory", "blkio",
	"hugetlb", "rdma", "freezer", "cpuset" };

struct cgroup_dirs {
	int fd[ARRAY_LEN(kept_controllers)]; /* owned; -1: not asked for yet */
};

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ',') && (at[n] == '\0' || at[n] == ','))
			return true;
	return false;
}

/* The path in a line "N:<controllers>:<path>", if it is @controller's; "" is the unified hierarchy.
 */
static const char *path_in_line(char *line, const char *controller)
{
	char *rest = line;
	const char *controllers;

	strsep(&rest, ":");
	controllers = strsep(&rest, ":");
	if (!rest || !(controller[0] ? has_word(controllers, controller) : !controllers[0]))
		return NULL;
	return rest;
}

/* What PROC/WHO/cgroup says of a controller. */
static int find_path(const char *proc, const char *who, const char *controller, char ret[PATH_MAX])
{
	auto_free char *line = NULL;
	char name[64];
	size_t size = 0;
	FILE *f;
	int rc = -ENOENT;

	snprintf(name, sizeof(name), "%s/%s/cgroup", proc, who);
	f = fopen(name, "re");
	if (!f)
		return -errno;
	while (rc == -ENOENT && getline(&line, &size, f) > 0) {
		const char *path;

		line[strcspn(line, "\n")] = '\0';
		path = path_in_line(line, controller);
		if (path)
			rc = snprintf(ret, PATH_MAX, "%s", path) < PATH_MAX ? 0 : -ENAMETOOLONG;
	}
	if (rc == -ENOENT && !feof(f))
		rc = -ENOMEM; /* it may well be in a line that was not read */
	fclose(f);
	return rc;
}

static int open_dir(const char *root, const char *controller, const char *path)
{
	char full[PATH_MAX];
	int fd;

	if ((size_t)snprintf(full, sizeof(full), "%s/%s%s", root, controller, path) >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_at_or_below(const char *path, const char *group)
{
	size_t n = strlen(group);

	return strncmp(path, group, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static int open_in(const char *root, const char *proc, const char *controller, pid_t pid)
{
	char theirs[PATH_MAX], ours[PATH_MAX], who[16];
	int rc;

	snprintf(who, sizeof(who), "%d", (int)pid);
	rc = find_path(proc, who, controller, theirs);
	if (rc < 0)
		return rc;
	/* A process that is gone already is shown in the root. We signal what we find: never ours.
	 */
	rc = find_path(proc, "self", controller, ours);
	if (rc < 0)
		return rc;
	if (strcmp(theirs, "/") == 0 || is_at_or_below(ours, theirs) || strstr(theirs, "/.."))
		return -ENOENT;
	return open_dir(root, controller, theirs);
}

static int keep_where(struct cgroup *cg, const char *proc, pid_t pid)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char name[64], path[PATH_MAX], who[16];
	int rc;

	snprintf(who, sizeof(who), "%d", (int)pid);
	if (cg->is_v2) {
		rc = find_path(proc, who, "", path);
		cg->where = rc == 0 ? strdup(path) : NULL;
		return rc == 0 && !cg->where ? -ENOMEM : rc;
	}

	snprintf(name, sizeof(name), "%s/%d/cgroup", proc, (int)pid);
	rc = fd_read_file(AT_FDCWD, name, &text);
	if (rc < 0)
		return rc;
	cg->where = buf_text(&text) ? strdup(buf_text(&text)) : NULL;
	return cg->where ? 0 : -ENOMEM;
}

bool cgroup_is_unified(const char *root)
{
	struct statfs fs;

	return statfs(root, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int make_dirs(struct cgroup *cg)
{
	if (cg->is_v2)
		return 0;
	cg->dirs = malloc(sizeof(*cg->dirs));
	if (!cg->dirs)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(cg->dirs->fd); i++)
		cg->dirs->fd[i] = -1;
	return 0;
}

int cgroup_open_at(struct cgroup *cg, const char *root, const char *proc, pid_t pid)
{
	int fd = -ENOENT;
	int rc;

	*cg = CGROUP_NONE;
	cg->root = root;
	cg->is_v2 = cgroup_is_unified(root);
	if (cg->is_v2)
		fd = open_in(root, proc, "", pid);
	for (size_t i = 0; fd < 0 && !cg->is_v2 && i < ARRAY_LEN(v1_controllers); i++)
		fd = open_in(root, proc, v1_controllers[i], pid);
	if (fd < 0)
		return fd;
	cg->dir = fd;
	rc = keep_where(cg, proc, pid);
	if (rc == 0)
		rc = make_dirs(cg);
	if (rc < 0)
		cgroup_close(cg);
	return rc;
}

int cgroup_open(struct cgroup *cg, pid_t pid)
{
	return cgroup_open_at(cg, CGROUP_ROOT, CGROUP_PROC, pid);
}

void cgroup_close(struct cgroup *cg)
{
	for (size_t i = 0; cg->dirs && i < ARRAY_LEN(cg->dirs->fd); i++)
		fd_drop(&cg->dirs->fd[i]);
	free(take_ptr(&cg->dirs));
	fd_drop(&cg->dir);
	free(take_ptr(&cg->where));
}

static int open_v1(const struct cgroup *cg, const char *controller)
{
	auto_free char *where = strdup(cg->where);
	char *rest = where;
	char *line;

	while ((line = strsep(&rest, "\n"))) {
		const char *place = path_in_line(line, controller);

		if (place)
			return open_dir(cg->root, controller, place);
	}
	return -ENOENT;
}

int cgroup_dir(const struct cgroup *cg, const char *controller)
{
	size_t i = 0;
	int fd;

	if (cg->dir < 0 || cg->is_v2)
		return cg->dir < 0 ? -ENOENT : cg->dir;
	while (i < ARRAY_LEN(kept_controllers) && strcmp(kept_controllers[i], controller) != 0)
		i++;
	if (i == ARRAY_LEN(kept_controllers))
		return -EINVAL;
	if (cg->dirs->fd[i] >= 0)
		return cg->dirs->fd[i];
	fd = open_v1(cg, controller);
	if (fd >= 0)
		cg->dirs->fd[i] = fd;
	return fd;
}

int cgroup_read(const struct cgroup *cg, const char *controller, const char *file, struct buf *ret)
{
	int dir = cgroup_dir(cg, controller);

	return dir < 0 ? dir : fd_read_file(dir, file, ret);
}
