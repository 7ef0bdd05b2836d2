/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/target.h"

#include "base/auto.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>

int target_open(const char *rootfs, const char *target, struct err *e)
{
	auto_fd int root = open(rootfs, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	if (root < 0)
		return err_sys(e, "open %s", rootfs);
	if (!target || !target[0])
		return take_fd(&root);
	fd = syscall(SYS_openat2, root, target, &how, sizeof(how));
	return fd < 0 ? err_sys(e, "open %s in %s", target, rootfs) : (int)fd;
}

void target_place(int fd, char ret_place[TARGET_PLACE_MAX])
{
	snprintf(ret_place, TARGET_PLACE_MAX, "/proc/self/fd/%d", fd);
}
