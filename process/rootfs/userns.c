/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/userns.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

__attribute__((weak)) void userns_hook(enum userns_point at, struct zombie *zombie)
{
	(void)at;
	(void)zombie;
}

/* What is below the number now. Whose it is, zombie_check() says afterwards. */
static int open_folder(const struct userns_birth *b)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d", (int)b->zombie.pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* In one write: the kernel takes no second one. @opened is the moment before it. */
static int write_map(struct userns_birth *b, int folder, const char *name, const char *text,
	enum userns_point opened)
{
	auto_fd int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	userns_hook(opened, &b->zombie);
	if (write(fd, text, strlen(text)) < 0)
		return -errno;
	userns_hook(opened + 1, &b->zombie);
	return 0;
}

static int settle(struct userns_birth *b, const struct userns_maps *maps, int *ret_fd)
{
	auto_fd int folder = open_folder(b);
	auto_fd int ns = -1;
	int rc;

	if (folder < 0)
		return folder;
	userns_hook(USERNS_FOLDER_OPENED, &b->zombie);
	rc = zombie_check(&b->zombie);
	if (rc < 0)
		return rc;
	userns_hook(USERNS_IDENTIFIED, &b->zombie);
	rc = write_map(b, folder, "uid_map", maps->uids, USERNS_UID_MAP_OPENED);
	if (rc == 0)
		rc = write_map(b, folder, "gid_map", maps->gids, USERNS_GID_MAP_OPENED);
	if (rc < 0)
		return rc;
	ns = openat(folder, "ns/user", O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return -errno;
	userns_hook(USERNS_OPENED, &b->zombie);
	rc = zombie_check(&b->zombie);
	if (rc < 0)
		return rc;
	userns_hook(USERNS_PROVEN, &b->zombie);
	*ret_fd = take_fd(&ns);
	return 0;
}

int userns_begin(struct userns_birth *b)
{
	int rc = zombie_start(&b->zombie, CLONE_NEWUSER);

	if (rc == 0)
		userns_hook(USERNS_STARTED, &b->zombie);
	return rc;
}

int userns_settle(struct userns_birth *b, const struct userns_maps *maps, int *ret_fd)
{
	int rc = settle(b, maps, ret_fd);

	/* Files of a process that is gone fail in several ways; that it is gone is the reason. */
	return rc < 0 && zombie_check(&b->zombie) < 0 ? -ESRCH : rc;
}

void userns_end(struct userns_birth *b)
{
	zombie_end(&b->zombie);
}

int userns_open(const struct userns_maps *maps, int *ret_fd)
{
	int rc = -ESRCH;

	for (int i = 0; rc == -ESRCH && i < USERNS_TRIES; i++) {
		struct userns_birth b;

		rc = userns_begin(&b);
		if (rc < 0)
			return rc;
		rc = userns_settle(&b, maps, ret_fd);
		userns_end(&b);
	}
	return rc;
}
