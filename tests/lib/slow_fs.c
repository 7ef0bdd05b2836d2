/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/slow_fs.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM (FUSE_MIN_READ_BUFFER + 64 * 1024)
#define SUB  2 /* node of the folder; the root is 1 */

static void answer(int fd, const struct fuse_in_header *in, int error, void *body, size_t n)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + n), .error = error, .unique = in->unique
	};
	struct iovec parts[] = { { &out, sizeof(out) }, { body, n } };

	(void)!writev(fd, parts, 2);
}

static struct fuse_attr folder(uint64_t node)
{
	return (struct fuse_attr){ .ino = node, .mode = S_IFDIR | 0755, .nlink = 2 };
}

static void look_up(int fd, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out found = { .nodeid = SUB, .attr = folder(SUB) };

	if (strcmp(name, "hang") == 0)
		return;
	if (strcmp(name, "sub") == 0)
		answer(fd, in, 0, &found, sizeof(found));
	else
		answer(fd, in, -ENOENT, NULL, 0);
}

static void handle(int fd, const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096
	};
	struct fuse_attr_out attr = { .attr = folder(in->nodeid) };

	switch (in->opcode) {
	case FUSE_INIT:
		answer(fd, in, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		answer(fd, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_LOOKUP:
		look_up(fd, in, (const char *)(in + 1));
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* want no answer */
	default:
		answer(fd, in, -ENOSYS, NULL, 0);
	}
}

static void serve(int fd)
{
	static _Alignas(8) char question[ROOM];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fd, question, sizeof(question)) > 0 || errno == EINTR)
		handle(fd, (const struct fuse_in_header *)question);
	_exit(0);
}

static int mount_it(struct slow_fs *fs, int fd)
{
	char options[128];
	struct stat st;

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mkdir(fs->path, 0755) < 0 || mount("slow", fs->path, "fuse", 0, options) < 0)
		return -errno;
	fs->server = fork();
	if (fs->server == 0)
		serve(fd);
	if (fs->server < 0 || stat(fs->path, &st) < 0) /* has it begun to answer? */
		return -errno;
	return 0;
}

int slow_fs_mount(struct slow_fs *fs, const char *dir)
{
	auto_fd int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (snprintf(fs->path, sizeof(fs->path), "%s/slow", dir) >= (int)sizeof(fs->path))
		return -ENAMETOOLONG;
	return mount_it(fs, fd);
}

int slow_fs_pause(const struct slow_fs *fs)
{
	siginfo_t si;

	if (kill(fs->server, SIGSTOP) < 0 || waitid(P_PID, (id_t)fs->server, &si, WSTOPPED) < 0)
		return -errno;
	return 0;
}

int slow_fs_continue(const struct slow_fs *fs)
{
	return kill(fs->server, SIGCONT) < 0 ? -errno : 0;
}

int slow_fs_end(struct slow_fs *fs)
{
	if (kill(fs->server, SIGKILL) < 0 || umount2(fs->path, MNT_DETACH) < 0 ||
		rmdir(fs->path) < 0)
		return -errno;
	return 0;
}
