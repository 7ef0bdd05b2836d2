/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/mountinfo.h"

#include "base/auto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
	       s[2] <= '7';
}

void mountinfo_unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && is_octal(s + 1)) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/*
 * ID PARENT DEV ROOT POINT OPTIONS [FIELD]... - TYPE SOURCE OPTIONS. The type is
 * read here, not asked of the filesystem: one whose daemon hangs would hang us.
 * @ret points into @line.
 */
static bool parse(char *line, struct mount_point *ret)
{
	char *rest = line, *field = NULL;
	const char *type;

	for (int i = 0; i < 5 && rest; i++)
		field = strsep(&rest, " ");
	if (!rest)
		return false;
	mountinfo_unescape(field);
	type = strstr(rest, " - ");
	type = type ? type + 3 : "";
	ret->path = field;
	ret->is_fuse =
		strncmp(type, "fuse", 4) == 0 && strchr(" .b", type[4]); /* fuse.X, fuseblk */
	return true;
}

static bool is_below(const char *point, const char *path)
{
	size_t n = strlen(path);

	return strncmp(point, path, n) == 0 && (point[n] == '\0' || point[n] == '/');
}

static int add(struct mount_points *points, const struct mount_point *point)
{
	struct mount_point *more = realloc(points->at, (points->n + 1) * sizeof(*more));
	char *path = more ? strdup(point->path) : NULL;

	if (more)
		points->at = more;
	if (!path)
		return -ENOMEM;
	more[points->n++] = (struct mount_point){ path, point->is_fuse };
	return 0;
}

int mountinfo_below(const char *table, const char *path, struct mount_points *ret)
{
	struct mount_points points = { 0 };
	auto_free char *line = NULL;
	FILE *f = fopen(table, "re");
	size_t room = 0;
	int rc = 0;

	if (!f)
		return -errno;
	while (rc == 0 && getline(&line, &room, f) > 0) {
		struct mount_point point;

		if (parse(line, &point) && is_below(point.path, path))
			rc = add(&points, &point);
	}
	/* Out of memory looks like the end of the table, and what is not listed stays mounted. */
	if (rc == 0 && !feof(f))
		rc = ferror(f) ? -EIO : -ENOMEM;
	fclose(f);
	if (rc < 0)
		mount_points_fini(&points);
	else
		*ret = points;
	return rc;
}

void mount_points_fini(struct mount_points *points)
{
	for (size_t i = 0; i < points->n; i++)
		free(points->at[i].path);
	free(points->at);
	*points = (struct mount_points){ 0 };
}
