/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/idmap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* (uid_t)-1 is nobody at all, so no range may reach it. */
#define ID_LAST 0xfffffffeULL

struct extent {
	uint64_t cid, hid, size;
};

/* Reads digits up to @stop; returns what is behind it, or NULL. Ten digits cannot overflow. */
static const char *read_id(const char *at, char stop, uint64_t *ret)
{
	uint64_t value = 0;
	int digits = 0;

	for (; *at >= '0' && *at <= '9' && digits <= 10; at++, digits++)
		value = value * 10 + (uint64_t)(*at - '0');
	if (digits == 0 || digits > 10 || (stop && *at != stop))
		return NULL;
	*ret = value;
	return stop ? at + 1 : at;
}

static const char *read_extent(const char *at, struct extent *ret)
{
	at = read_id(at, ':', &ret->cid);
	at = at ? read_id(at, ':', &ret->hid) : NULL;
	at = at ? read_id(at, '\0', &ret->size) : NULL;
	return at && (*at == ',' || *at == '\0') ? at : NULL;
}

static bool is_in_range(const struct extent *x)
{
	return x->size > 0 && x->cid + x->size - 1 <= ID_LAST && x->hid + x->size - 1 <= ID_LAST;
}

static int add(struct buf *text, const struct extent *x, struct err *e)
{
	int rc = buf_printf(text, "%llu %llu %llu\n", (unsigned long long)x->cid,
		(unsigned long long)x->hid, (unsigned long long)x->size);

	if (rc == -ENOBUFS)
		return err_set(e, STATUS_INVALID_ARGUMENT, "more text than the kernel takes");
	return rc < 0 ? err_oom(e) : 0;
}

int idmap_parse(const char *text, struct buf *ret, struct err *e)
{
	const char *at = text;

	for (int n = 1;; n++) {
		struct extent x;

		if (n > IDMAP_EXTENTS_MAX)
			return err_set(e, STATUS_INVALID_ARGUMENT,
				"more than %d ranges, which is all the kernel takes",
				IDMAP_EXTENTS_MAX);
		at = read_extent(at, &x);
		if (!at)
			return err_set(e, STATUS_INVALID_ARGUMENT,
				"range %d is not container:host:size, three decimal numbers", n);
		if (!is_in_range(&x))
			return err_set(e, STATUS_INVALID_ARGUMENT,
				"range %d is empty or reaches beyond the last id", n);
		if (add(ret, &x, e) < 0)
			return -1;
		if (*at == '\0')
			return 0;
		at++; /* the comma: another must follow */
	}
}
