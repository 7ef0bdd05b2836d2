/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/procfs.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A mountinfo of a pod with thousands of mounts. */
#define FILE_MAX (8u << 20)

#define DELETED " (deleted)"

/* The file as text, which @b owns; NULL if there is none. */
static char *read_text(pid_t pid, const char *name, struct buf *b)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if (fd_read_file(AT_FDCWD, path, b) < 0 || !buf_text(b))
		return NULL;
	return (char *)b->data;
}

int64_t procfs_pss(pid_t pid)
{
	auto_buf struct buf b = BUF_INIT(FILE_MAX);
	const char *text = read_text(pid, "smaps_rollup", &b);
	const char *line = text ? strstr(text, "\nPss:") : NULL;
	int64_t kib;

	if (!line || sscanf(line, "\nPss: %" SCNd64, &kib) != 1)
		return -1;
	return kib * 1024;
}

void procfs_exe(pid_t pid, char *ret, size_t room)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, ret, room - 1);
	ret[n > 0 ? n : 0] = '\0';
	/* Of a file that an upgrade has replaced the kernel says so, behind its name. */
	if (n > (ssize_t)strlen(DELETED) && strcmp(ret + n - strlen(DELETED), DELETED) == 0)
		ret[n - (ssize_t)strlen(DELETED)] = '\0';
}

void procfs_comm(pid_t pid, char *ret, size_t room)
{
	auto_buf struct buf b = BUF_INIT(256);
	const char *text = read_text(pid, "comm", &b);

	snprintf(ret, room, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
}

/* "4:memory:/a/b"; "0::/a/b" for version 2. */
json_t *procfs_cgroups(pid_t pid)
{
	auto_buf struct buf b = BUF_INIT(FILE_MAX);
	char *rest = read_text(pid, "cgroup", &b);
	json_t *all = json_object();
	char *line;

	while (all && (line = strsep(&rest, "\n"))) {
		char *name = strchr(line, ':');
		char *path = name ? strchr(name + 1, ':') : NULL;

		if (!path)
			continue;
		*path = '\0';
		json_object_set_new(all, name + 1, json_string(path + 1));
	}
	return all;
}

/* The kernel writes space, tab, newline and backslash as three octal digits. */
static char *unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		unsigned int octal;

		if (*from == '\\' && sscanf(from + 1, "%3o", &octal) == 1) {
			*to++ = (char)octal;
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return text;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static json_t *parse_mount(char *line)
{
	char *dash = strstr(line, " - ");
	char *rest = line;
	char *field[6];
	char *tail[3];

	if (!dash)
		return NULL;
	*dash = '\0';
	dash += strlen(" - ");
	for (size_t i = 0; i < ARRAY_LEN(field); i++)
		if (!(field[i] = strsep(&rest, " ")))
			return NULL;
	for (size_t i = 0; i < ARRAY_LEN(tail); i++)
		if (!(tail[i] = strsep(&dash, " ")))
			return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "target", unescape(field[4]), "type", tail[0],
		"source", unescape(tail[1]), "options", field[5], "data", unescape(tail[2]));
}

json_t *procfs_mounts(pid_t pid)
{
	auto_buf struct buf b = BUF_INIT(FILE_MAX);
	char *rest = read_text(pid, "mountinfo", &b);
	json_t *all = json_array();
	char *line;

	while (all && (line = strsep(&rest, "\n"))) {
		json_t *m = parse_mount(line);

		if (m)
			json_array_append_new(all, m);
	}
	return all;
}
