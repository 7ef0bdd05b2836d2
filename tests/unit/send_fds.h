/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SEND_FDS_H
#define TESTS_UNIT_SEND_FDS_H

/*
 * send_fds.h - descriptors as a runtime sends them: a word, and beside it so many.
 */

#include "base/auto.h"
#include "tests/lib/test.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* More than a message to us has room for. */
#define MANY 64

static inline int dial(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(to.sun_path));
	memcpy(to.sun_path, path, strlen(path));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* @n times @fd, MANY at most, over a connection of its own; then the sender is gone. */
static inline void send_fds(const char *path, const char *word, int fd, size_t n)
{
	union {
		char bytes[CMSG_SPACE(MANY * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec data = { (void *)(uintptr_t)word, strlen(word) };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1 };
	auto_fd int conn = dial(path);

	if (n > 0) {
		struct cmsghdr *c = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		for (size_t i = 0; i < n; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(conn, &msg, 0), strlen(word));
}

#endif
