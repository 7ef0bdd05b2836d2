/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int fd_read_all(int fd, struct buf *ret)
{
	for (;;) {
		uint8_t chunk[4096];
		ssize_t n = read(fd, chunk, sizeof(chunk));
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		rc = buf_add(ret, chunk, (size_t)n);
		if (rc < 0)
			return rc == -ENOBUFS ? -EFBIG : rc;
	}
}

int fd_read_file(int dir, const char *name, struct buf *ret)
{
	auto_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : fd_read_all(fd, ret);
}

int fd_write_all(int fd, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

int fd_replace_file(int dir, const char *name, const void *bytes, size_t n, mode_t mode)
{
	char temp[NAME_MAX + 1];
	auto_fd int fd = -1;
	int rc;

	if (snprintf(temp, sizeof(temp), ".%s.%d.new", name, (int)getpid()) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	if (unlinkat(dir, temp, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	rc = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, bytes, n);
	if (rc == 0 && renameat(dir, temp, dir, name) < 0)
		rc = -errno;
	if (rc < 0)
		unlinkat(dir, temp, 0); /* nothing better to do than to report the first error */
	return rc;
}

/* Descriptors we make room for, so that too many are seen and closed. */
#define RECEIVE_ROOM 8

/* Takes all that came, so that what is too much is closed and not leaked. */
static int take_descriptors(struct msghdr *msg, int fds[RECEIVE_ROOM])
{
	int n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		size_t bytes = h->cmsg_len - CMSG_LEN(0);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < bytes / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (n < RECEIVE_ROOM)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

int fd_receive(int sock, int *ret_fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(RECEIVE_ROOM * sizeof(int))];
	char words[4096];
	struct iovec iov = { words, sizeof(words) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fds[RECEIVE_ROOM], n;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0)
		return -errno;
	n = take_descriptors(&msg, fds);
	if (n == 1 && !(msg.msg_flags & MSG_CTRUNC)) {
		*ret_fd = fds[0];
		return 1;
	}
	for (int i = 0; i < n; i++)
		close(fds[i]);
	return msg.msg_flags & MSG_CTRUNC ? n + 1
					  : n; /* some were lost on the way: more than one */
}

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void close_between(unsigned int first, unsigned int last)
{
	if (first <= last)
		(void)close_range(first, last, 0);
}

void fd_close_others(int *keep, size_t n)
{
	unsigned int next = STDERR_FILENO + 1;

	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)next)
			continue;
		close_between(next, (unsigned int)keep[i] - 1);
		next = (unsigned int)keep[i] + 1;
	}
	close_between(next, ~0U);
}
