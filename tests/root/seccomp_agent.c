/* SPDX-License-Identifier: Apache-2.0 */

/*
 * seccomp_agent - the other end of linux.seccomp.listenerPath.
 *
 *	seccomp_agent SOCKET ERRNO
 *
 * Takes notify descriptors that runtimes send to SOCKET, as many as come, and
 * answers every call that is notified on any of them with ERRNO. Prints "ready"
 * once it listens, "taken" for each descriptor. Ends with whoever started it.
 */

#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_FDS 64

static int listen_on(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 8) < 0 ? -1 : fd;
}

/* The descriptor beside the state of the container (runtime-spec, containerProcessState). */
static int take(int listening)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char state[16384];
	struct iovec data = { state, sizeof(state) };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	int conn = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	int fd = -1;

	if (recvmsg(conn, &msg, MSG_CMSG_CLOEXEC) > 0 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	close(conn);
	return fd;
}

/* A call whose process has died meanwhile is nobody's. */
static void answer(int fd, int error)
{
	struct seccomp_notif call = { 0 };
	struct seccomp_notif_resp reply = { .error = -error };

	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0) {
		reply.id = call.id;
		(void)ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &reply);
	}
}

int main(int argc, char **argv)
{
	struct pollfd polled[MAX_FDS] = { { .events = POLLIN } };
	nfds_t n = 1;

	if (argc != 3)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	polled[0].fd = listen_on(argv[1]);
	if (polled[0].fd < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while (n < MAX_FDS && poll(polled, n, -1) > 0) {
		for (nfds_t i = n - 1; i > 0; i--) {
			if (polled[i].revents & POLLIN)
				answer(polled[i].fd, atoi(argv[2]));
			else if (polled[i].revents) {
				close(polled[i].fd);
				polled[i] = polled[--n];
			}
		}
		if (polled[0].revents & POLLIN) {
			polled[n] = (struct pollfd){ .fd = take(polled[0].fd), .events = POLLIN };
			if (polled[n].fd < 0)
				continue;
			n++;
			puts("taken");
			fflush(stdout);
		}
	}
	return 0;
}
