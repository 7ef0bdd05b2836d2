/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_SLOW_FS_H
#define TESTS_LIB_SLOW_FS_H

/*
 * slow_fs.h - a FUSE filesystem that answers when it likes.
 *
 * Its root has one folder, "sub"; nothing about it is remembered by the kernel,
 * so every path through it asks the server. One that is paused reads no
 * questions: who asks can still be killed. A question about "hang" is read and
 * never answered: who asks sleeps uninterruptibly until the server is gone.
 */

#include <limits.h>
#include <sys/types.h>

struct slow_fs {
	pid_t server; /* a child of ours */
	char path[PATH_MAX];
};

/* Mounts it on the new folder @dir/slow. 0, or -errno; -ENOENT and -EPERM: there is no FUSE for us.
 */
int slow_fs_mount(struct slow_fs *fs, const char *dir);

/* 0, or -errno. */
int slow_fs_pause(const struct slow_fs *fs);
int slow_fs_continue(const struct slow_fs *fs);

/* Kills the server: everything is answered with an error; and unmounts. It is not reaped. */
int slow_fs_end(struct slow_fs *fs);

#endif
