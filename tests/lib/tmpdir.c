/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tmpdir.h"

#include "base/auto.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX   "/tmp/belay-test."
#define WALK_FDS 16

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

/*
 * FTW_MOUNT alone would not do: a bind mount from the same filesystem has the
 * same device number, and somebody's home directory might be behind it.
 */
static bool has_mount_below(const char *path)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	size_t n = strlen(path);
	char *line = NULL;
	size_t room = 0;
	bool found = !f;

	while (f && !found && getline(&line, &room, f) > 0) {
		char point[4096] = "";

		found = sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1 &&
			strncmp(point, path, n) == 0 && (point[n] == '/' || point[n] == '\0');
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* 0, or -1 with errno. */
static int remove_tree(const char *path)
{
	if (has_mount_below(path)) {
		errno = EBUSY;
		return -1;
	}
	return nftw(path, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void tmpdir_open(struct tmpdir *d)
{
	snprintf(d->path, sizeof(d->path), PREFIX "%d.XXXXXX", (int)getpid());
	assert_non_null(mkdtemp(d->path));
	d->fd = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(d->fd >= 0);
}

void tmpdir_close(struct tmpdir *d)
{
	fd_drop(&d->fd);
	if (remove_tree(d->path) < 0)
		fail_msg("%s is not clean: %s", d->path, strerror(errno));
}

void tmpdir_remove_all_of(pid_t pid)
{
	char pattern[TMPDIR_PATH_MAX];
	glob_t found;

	snprintf(pattern, sizeof(pattern), PREFIX "%d.*", (int)pid);
	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (remove_tree(found.gl_pathv[i]) < 0)
			perror(found.gl_pathv[i]);
	globfree(&found);
}

void tmpdir_write(const struct tmpdir *d, const char *name, const char *text)
{
	auto_fd int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

char *tmpdir_read(const struct tmpdir *d, const char *name)
{
	auto_fd int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	if (fd < 0)
		return NULL;
	f = fdopen(take_fd(&fd), "r");
	assert_non_null(f);
	if (getdelim(&text, &len, '\0', f) < 0)
		text[0] = '\0'; /* an empty file */
	fclose(f);
	return text;
}
