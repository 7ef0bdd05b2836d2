/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/folder.h"

#include "base/auto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const fifos[] = { "log", "stdin", "stdout", "stderr" };

static int make_parents(char *path, struct err *e)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0711) < 0 && errno != EEXIST)
			return err_sys(e, "create %s", path);
		*slash = '/';
	}
	return 0;
}

int folder_make(struct folder *f, const char *state, const char *id, struct err *e)
{
	int n = snprintf(f->path, sizeof(f->path), "%s/%s", state, id);

	if (n < 0 || (size_t)n >= sizeof(f->path))
		return err_set(e, STATUS_INVALID_ARGUMENT, "--state is too long");
	if (make_parents(f->path, e) < 0)
		return -1;
	if (mkdir(f->path, 0700) < 0)
		return errno == EEXIST
			       ? err_set(e, STATUS_ALREADY_EXISTS,
					 "there is a container '%s' already (%s)", id, f->path)
			       : err_sys(e, "create %s", f->path);
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return err_sys(e, "open %s", f->path);
	for (size_t i = 0; i < ARRAY_LEN(fifos); i++)
		if (mkfifoat(f->fd, fifos[i], 0600) < 0)
			return err_sys(e, "create %s/%s", f->path, fifos[i]);
	return 0;
}

int folder_remove(struct folder *f, struct err *e)
{
	int again = f->fd < 0 ? -1 : openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;
	int rc = 0;

	if (!d) {
		fd_drop(&again);
		return 0; /* never made */
	}
	while ((entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(f->fd, entry->d_name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0) < 0)
			rc = err_sys(e, "remove %s/%s", f->path, entry->d_name);
	}
	closedir(d);
	fd_drop(&f->fd);
	if (rc == 0 && rmdir(f->path) < 0)
		rc = err_sys(e, "remove %s", f->path);
	return rc;
}
