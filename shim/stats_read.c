/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stats_read.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than memory.stat has; what is longer takes more than one. */
#define STATS_CHUNK 4096

uint64_t stats_number(const char *text)
{
	if (strncmp(text, "max", 3) == 0)
		return UINT64_MAX;
	return text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : 0;
}

bool stats_has(const struct cgroup *cg, const char *controller, const char *file)
{
	int dir = cgroup_dir(cg, controller);

	return dir >= 0 && faccessat(dir, file, F_OK, 0) == 0;
}

/*
 * Nearly always in one read(2). The kernel makes each of these files as a whole
 * when it is read, so less than was asked for is the end: to ask for what is
 * behind it would cost as much again.
 */
int stats_read(const struct cgroup *cg, const char *controller, const char *file, struct buf *ret)
{
	int dir = cgroup_dir(cg, controller);
	auto_fd int fd = dir < 0 ? -1 : openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = STATS_CHUNK;

	if (fd < 0)
		return dir < 0 ? dir : -errno;
	while (n == STATS_CHUNK) {
		uint8_t *at;
		int rc = buf_reserve(ret, STATS_CHUNK, &at);

		if (rc < 0)
			return rc;
		n = read(fd, at, STATS_CHUNK);
		if (n < 0)
			return -errno;
		buf_grew(ret, (size_t)n);
	}
	return 0;
}

bool stats_find_number(
	const struct cgroup *cg, const char *controller, const char *file, uint64_t *ret)
{
	int dir = cgroup_dir(cg, controller);
	auto_fd int fd = dir < 0 ? -1 : openat(dir, file, O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	*ret = stats_number(text);
	return true;
}

uint64_t stats_read_number(const struct cgroup *cg, const char *controller, const char *file)
{
	uint64_t n = 0;

	(void)stats_find_number(cg, controller, file, &n); /* none is 0 */
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
	const struct cgroup *cg, const char *controller, const char *file, ProtobufCMessage *m)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char *rest, *line;

	if (stats_read(cg, controller, file, &text) < 0 || !buf_text(&text))
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
	const struct cgroup *cg, const char *file, struct stats_rdma ret[STATS_RDMA_MAX])
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char *rest = NULL;
	char *line;
	size_t n = 0;

	if (stats_read(cg, "rdma", file, &text) == 0 && buf_text(&text))
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
