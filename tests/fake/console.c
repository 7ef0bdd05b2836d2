/* SPDX-License-Identifier: Apache-2.0 */

/*
 * console.c - a terminal for the process, its master handed over as runc does:
 * one message on a stream socket, the name as data, the descriptor beside it.
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

static int send_master(int sock, int master, const char *name)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec data = { .iov_base = (void *)name, .iov_len = strlen(name) };
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
	memcpy(CMSG_DATA(c), &master, sizeof(int));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int console_open(const struct call *c, const char *socket_path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int slave = -1;

	if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0)
		slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || sock < 0)
		die(c, "open a terminal: %s", strerror(errno));
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", socket_path);
	if (connect(sock, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		send_master(sock, master, ptsname(master)) < 0)
		die(c, "console socket %s: %s", socket_path, strerror(errno));
	close(sock);
	close(master);
	return slave;
}
