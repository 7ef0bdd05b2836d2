/* SPDX-License-Identifier: Apache-2.0 */

/*
 * console.c - descriptors handed over as runc does: one message on a stream
 * socket, a word as data, the descriptor beside it. And a terminal for the process.
 */

#include "tests/fake/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int send_beside(int sock, int fd, const char *words)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec data = { .iov_base = (void *)words, .iov_len = strlen(words) };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int connect_to(const struct call *c, const char *socket_path, int flags)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | flags, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", socket_path);
	if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to)) < 0)
		die(c, "connect to %s: %s", socket_path, strerror(errno));
	return sock;
}

void send_descriptor(const struct call *c, const char *socket_path, int fd, const char *words)
{
	int sock = connect_to(c, socket_path, SOCK_CLOEXEC);

	if (send_beside(sock, fd, words) < 0)
		die(c, "send a descriptor to %s: %s", socket_path, strerror(errno));
	close(sock);
}

void console_connect(const struct call *c, const char *socket_path)
{
	(void)connect_to(c, socket_path, 0);
}

int console_open(const struct call *c, const char *socket_path)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int slave = -1;

	if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0)
		slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		die(c, "open a terminal: %s", strerror(errno));
	send_descriptor(c, socket_path, master, ptsname(master));
	close(master);
	return slave;
}
