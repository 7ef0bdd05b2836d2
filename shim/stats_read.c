/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stats_read.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t stats_number(const char *text)
{
	if (strncmp(text, "max", 3) == 0)
		return UINT64_MAX;
	return text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : 0;
}

static int turn_to(struct stats_source *src, const char *controller)
{
	if (src->controller && strcmp(src->controller, controller) == 0)
		return src->dir;
	fd_drop(&src->dir);
	src->controller = controller;
	src->dir = cgroup_open_dir(src->cg, controller);
	return src->dir;
}

void stats_source_fini(struct stats_source *src)
{
	fd_drop(&src->dir);
	src->controller = NULL;
}

bool stats_has(struct stats_source *src, const char *controller, const char *file)
{
	int dir = turn_to(src, controller);

	return dir >= 0 && faccessat(dir, file, F_OK, 0) == 0;
}

int stats_read(struct stats_source *src, const char *controller, const char *file, struct buf *ret)
{
	int dir = turn_to(src, controller);

	return dir < 0 ? dir : fd_read_file(dir, file, ret);
}

/* One read(2): a number comes whole, and to ask for what is behind it would cost as much again. */
bool stats_find_number(
	struct stats_source *src, const char *controller, const char *file, uint64_t *ret)
{
	int dir = turn_to(src, controller);
	auto_fd int fd = dir < 0 ? -1 : openat(dir, file, O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	*ret = stats_number(text);
	return true;
}

uint64_t stats_read_number(struct stats_source *src, const char *controller, const char *file)
{
	uint64_t n = 0;

	(void)stats_find_number(src, controller, file, &n); /* none is 0 */
	return n;
}

static void set_field(ProtobufCMessage *m, const char *key, const char *value)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(m->descriptor, key);
	char *at = f ? (char *)m + f->offset : NULL;

	if (f && f->type == PROTOBUF_C_TYPE_UINT64) {
		uint64_t n = stats_number(value);

		memcpy(at, &n, sizeof(n));
	} else if (f && f->type == PROTOBUF_C_TYPE_DOUBLE) {
		double d = strtod(value, NULL);

		memcpy(at, &d, sizeof(d));
	}
}

bool stats_read_fields(
	struct stats_source *src, const char *controller, const char *file, ProtobufCMessage *m)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char *rest, *line;

	if (stats_read(src, controller, file, &text) < 0 || !buf_text(&text))
		return false;
	rest = (char *)text.data;
	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value = '\0';
		set_field(m, line, value + 1);
	}
	return true;
}

void stats_parse_words(char *words, ProtobufCMessage *m)
{
	char *word;

	while ((word = strsep(&words, " "))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value = '\0';
		set_field(m, word, value + 1);
	}
}

size_t stats_huge_sizes(char ret[STATS_HUGE_SIZES_MAX][16])
{
	DIR *d = opendir("/sys/kernel/mm/hugepages");
	struct dirent *entry;
	size_t n = 0;

	while (d && n < STATS_HUGE_SIZES_MAX && (entry = readdir(d))) {
		unsigned int kb;

		if (sscanf(entry->d_name, "hugepages-%ukB", &kb) != 1)
			continue;
		if (kb >= 1u << 20)
			snprintf(ret[n++], 16, "%uGB", kb >> 20);
		else if (kb >= 1u << 10)
			snprintf(ret[n++], 16, "%uMB", kb >> 10);
		else
			snprintf(ret[n++], 16, "%uKB", kb);
	}
	if (d)
		closedir(d);
	return n;
}

static uint32_t rdma_number(const char *text)
{
	uint64_t n = stats_number(text);

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

size_t stats_read_rdma(
	struct stats_source *src, const char *file, struct stats_rdma ret[STATS_RDMA_MAX])
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char *rest = NULL;
	char *line;
	size_t n = 0;

	if (stats_read(src, "rdma", file, &text) == 0 && buf_text(&text))
		rest = (char *)text.data;
	while (n < STATS_RDMA_MAX && (line = strsep(&rest, "\n"))) {
		char handles[24], objects[24], more;

		if (sscanf(line, "%63s hca_handle=%23s hca_object=%23s %c", ret[n].device, handles,
			    objects, &more) != 3)
			continue;
		ret[n].handles = rdma_number(handles);
		ret[n++].objects = rdma_number(objects);
	}
	return n;
}
