/* SPDX-License-Identifier: Apache-2.0 */
#include "process/io/fifo.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int fifo_is(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return S_ISFIFO(st.st_mode) ? 1 : 0;
}

/* Opens the FIFO behind @path_fd, and nothing else that may have taken its name meanwhile. */
static int open_end(int path_fd, int mode)
{
	char self[32];
	int fd;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	fd = open(self, mode | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_path(const char *path)
{
	auto_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISFIFO(st.st_mode) ? take_fd(&fd) : -EINVAL;
}

int fifo_open_read(struct fifo *f, const char *path)
{
	auto_fd int path_fd = open_path(path);
	auto_fd int fd = -1;
	auto_fd int keep = -1;

	*f = FIFO_NONE;
	if (path_fd < 0)
		return path_fd;
	fd = open_end(path_fd, O_RDONLY); /* succeeds without a writer */
	if (fd < 0)
		return fd;
	keep = open_end(path_fd, O_WRONLY);
	if (keep < 0)
		return keep;
	*f = (struct fifo){ .fd = take_fd(&fd), .keep = take_fd(&keep) };
	return 0;
}

int fifo_open_write(struct fifo *f, const char *path)
{
	auto_fd int path_fd = open_path(path);
	auto_fd int fd = -1;
	auto_fd int keep = -1;
	bool was_read = true;

	*f = FIFO_NONE;
	if (path_fd < 0)
		return path_fd;
	fd = open_end(path_fd, O_WRONLY);
	if (fd == -ENXIO)
		was_read = false; /* no reader yet, not even one that waits in open() */
	else if (fd < 0)
		return fd;
	keep = open_end(path_fd, O_RDONLY);
	if (keep < 0)
		return keep;
	if (fd < 0)
		fd = open_end(path_fd, O_WRONLY); /* now there is one: us */
	if (fd < 0)
		return fd;
	*f = (struct fifo){ .fd = take_fd(&fd), .keep = take_fd(&keep), .was_read = was_read };
	return 0;
}

/* To be asked when our own read end is closed. */
static bool has_reader(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) < 0 || !(p.revents & POLLERR);
}

bool fifo_has_reader(struct fifo *f)
{
	int keep;

	if (f->was_read)
		return true;
	fd_drop(&f->keep); /* or the reader would be us */
	f->was_read = has_reader(f->fd);
	keep = open_end(f->fd, O_RDONLY);
	f->keep = keep < 0 ? -1 : keep;
	return f->was_read;
}

bool fifo_try_close(struct fifo *f)
{
	int unread = 0;

	fd_drop(&f->keep);
	if (f->fd < 0)
		return true;
	if (!has_reader(f->fd)) {
		if (!f->was_read || ioctl(f->fd, FIONREAD, &unread) < 0 || unread > 0)
			return false;
	}
	fd_drop(&f->fd);
	return true;
}

void fifo_close(struct fifo *f)
{
	fd_drop(&f->fd);
	fd_drop(&f->keep);
}
