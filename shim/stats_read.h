/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_STATS_READ_H
#define SHIM_STATS_READ_H

/*
 * stats_read.h - the kernel's number files. Private to stats_v1.c and stats_v2.c.
 */

#include "process/cgroup/cgroup.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

bool stats_has(const struct cgroup *cg, const char *controller, const char *file);

/* Appends a whole file to @ret, which may hold CGROUP_FILE_MAX. 0 or -errno. */
int stats_read(const struct cgroup *cg, const char *controller, const char *file,
	struct buf *ret) NODISCARD;

/* A decimal number; "max" is 2^64 - 1, a negative one or nonsense is 0. */
uint64_t stats_number(const char *text);

/* The number a file consists of; 0 if there is none. */
uint64_t stats_read_number(const struct cgroup *cg, const char *controller, const char *file);
/* The same; false, and *ret untouched, when the file cannot be read. */
bool stats_find_number(
	const struct cgroup *cg, const char *controller, const char *file, uint64_t *ret);

/* Lines "key value": each key that is the name of a field of @m sets it. False: there is no file.
 */
bool stats_read_fields(
	const struct cgroup *cg, const char *controller, const char *file, ProtobufCMessage *m);

/* The same with words "key=value"; @words is changed. */
void stats_parse_words(char *words, ProtobufCMessage *m);

/*
 * rdma.current and rdma.max: lines "DEVICE hca_handle=N hca_object=N", of which
 * "max" is 2^32 - 1 and a line with anything else is left out. Devices beyond
 * STATS_RDMA_MAX are not told.
 */
#define STATS_RDMA_MAX 16

struct stats_rdma {
	char device[64];
	uint32_t handles, objects;
};

size_t stats_read_rdma(
	const struct cgroup *cg, const char *file, struct stats_rdma ret[STATS_RDMA_MAX]);

/* The sizes of huge pages this kernel has, as they are called in file names: "2MB". */
#define STATS_HUGE_SIZES_MAX 8
size_t stats_huge_sizes(char ret[STATS_HUGE_SIZES_MAX][16]);

#endif
