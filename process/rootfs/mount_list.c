/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mount_list.c - all entries in their order, or none.
 */

#include "base/auto.h"
#include "process/rootfs/idmap.h"
#include "process/rootfs/mount.h"
#include "process/rootfs/options.h"
#include "process/rootfs/userns.h"

#include <errno.h>

int mount_userns(const struct rootfs_mount *m, struct userns_cache *cache)
{
	auto_buf struct buf uids = BUF_INIT(IDMAP_TEXT_MAX), gids = BUF_INIT(IDMAP_TEXT_MAX);
	const char *uidmap, *gidmap;
	struct err ignored = ERR_INIT; /* mount_entry() finds it again, and tells */
	struct userns_maps maps;
	int fd, rc;

	options_find_idmap(m, &uidmap, &gidmap);
	if (!uidmap || !gidmap || idmap_parse(uidmap, &uids, &ignored) < 0 ||
		idmap_parse(gidmap, &gids, &ignored) < 0)
		return -EINVAL;
	maps.uids = buf_text(&uids);
	maps.gids = buf_text(&gids);
	if (!maps.uids || !maps.gids)
		return -ENOMEM;
	rc = cache ? userns_cache_open(cache, &maps, &fd) : userns_open(&maps, &fd);
	return rc < 0 ? rc : fd;
}

static int mount_made(const char *rootfs, const struct rootfs_mount *m, struct err *e)
{
	int userns = mount_userns(m, NULL);
	int rc = mount_entry(rootfs, m, userns, e);

	fd_drop(&userns);
	return rc;
}

int mount_list(const char *rootfs, const struct rootfs_mount *mounts, const int *userns, size_t n,
	struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct err ignored = ERR_INIT;
		int rc = userns ? mount_entry(rootfs, &mounts[i], userns[i], e)
				: mount_made(rootfs, &mounts[i], e);

		if (rc == 0)
			continue;
		(void)rootfs_unmount_all(rootfs, &ignored); /* the first error is the one to tell */
		return err_wrap(e, "failed to mount rootfs component");
	}
	return 0;
}

int rootfs_mount_all(const char *rootfs, const struct rootfs_mount *mounts, size_t n, struct err *e)
{
	return mount_list(rootfs, mounts, NULL, n, e);
}
