/* SPDX-License-Identifier: Apache-2.0 */

/*
 * userns_cache.c - the containers of a pod mostly have the same maps.
 */

#include "base/auto.h"
#include "process/rootfs/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void forget(struct userns_entry *entry)
{
	if (!entry->uids)
		return;
	free(entry->uids);
	free(entry->gids);
	fd_drop(&entry->fd);
	*entry = (struct userns_entry){ .fd = -1 };
}

static struct userns_entry *find(struct userns_cache *c, const struct userns_maps *maps)
{
	for (size_t i = 0; i < USERNS_CACHE_MAX; i++) {
		struct userns_entry *entry = &c->entries[i];

		if (entry->uids && strcmp(entry->uids, maps->uids) == 0 &&
			strcmp(entry->gids, maps->gids) == 0)
			return entry;
	}
	return NULL;
}

/* A free one was never used. */
static struct userns_entry *least_used(struct userns_cache *c)
{
	struct userns_entry *least = &c->entries[0];

	for (size_t i = 1; i < USERNS_CACHE_MAX; i++)
		if (c->entries[i].used < least->used)
			least = &c->entries[i];
	return least;
}

static int add(struct userns_cache *c, const struct userns_maps *maps, struct userns_entry **ret)
{
	struct userns_entry fresh = { .fd = -1 };
	int rc = userns_open(maps, &fresh.fd);

	if (rc < 0)
		return rc;
	fresh.uids = strdup(maps->uids);
	fresh.gids = strdup(maps->gids);
	if (!fresh.uids || !fresh.gids) {
		free(fresh.uids);
		free(fresh.gids);
		fd_drop(&fresh.fd);
		return -ENOMEM;
	}
	*ret = least_used(c);
	forget(*ret);
	**ret = fresh;
	return 0;
}

int userns_cache_open(struct userns_cache *c, const struct userns_maps *maps, int *ret_fd)
{
	struct userns_entry *entry = find(c, maps);
	int rc = entry ? 0 : add(c, maps, &entry);
	int fd;

	if (rc < 0)
		return rc;
	entry->used = ++c->clock;
	fd = fcntl(entry->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

void userns_cache_fini(struct userns_cache *c)
{
	for (size_t i = 0; i < USERNS_CACHE_MAX; i++)
		forget(&c->entries[i]);
}
