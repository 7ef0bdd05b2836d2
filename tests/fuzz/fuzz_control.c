/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_control.c - what a runtime sends for a console or a pidfd: the first byte says how many
 * descriptors, the second of what kinds, the rest are the words beside them. Nothing may leak.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "process/runtime/handover.h"
#include "reaper/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MANY 32

static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void send_to(int sock, const int *fds, size_t n_fds, const uint8_t *words, size_t n)
{
	union {
		char bytes[CMSG_SPACE(MANY * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)words, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds > 0) {
		struct cmsghdr *c = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int before = lowest_free(), fds[MANY], got = -1, pair[2], rc;
	size_t n_fds;
	pid_t pid;

	if (n < 2 || n > 4096)
		return 0;
	n_fds = data[0] % MANY;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = data[1] >> (i % 8) & 1 ? pidfd_open(getpid(), 0)
						: open("/dev/null", O_RDONLY | O_CLOEXEC);
	send_to(pair[0], fds, n_fds, data + 2, n - 2);
	rc = fd_receive(pair[1], &got);
	if ((rc == 1) != (got >= 0) || (rc == 1) != (n_fds == 1 && n > 2))
		abort();
	if (got >= 0 && (child_pid_of(got, &pid) == 0) != (data[1] & 1))
		abort();
	fd_drop(&got);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	close(pair[0]);
	close(pair[1]);
	if (lowest_free() != before)
		abort();
	return 0;
}
