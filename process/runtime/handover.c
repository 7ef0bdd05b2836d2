/* SPDX-License-Identifier: Apache-2.0 */
#include "process/runtime/handover.h"

#include "base/auto.h"
#include "base/fd.h"
#include "reaper/child.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int bind_to(int sock, int dir, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%s", dir, name);
	/* The name gets the mode that the socket has. */
	if (fchmod(sock, 0600) < 0 || bind(sock, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return listen(sock, 1) < 0 ? -errno : 0;
}

int handover_listen(struct handover *h, int dir, struct err *e)
{
	auto_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	assert(h->listening < 0);
	if (sock < 0)
		return err_sys(e, "make a socket for a pidfd");
	h->dir = dir;
	snprintf(h->name, sizeof(h->name), "pidfd.%d", sock);
	snprintf(h->path, sizeof(h->path), "/proc/%d/fd/%d/%s", (int)getpid(), dir, h->name);
	(void)unlinkat(dir, h->name, 0); /* of an earlier life */
	rc = bind_to(sock, dir, h->name);
	if (rc < 0)
		return err_rc(e, rc, "listen on %s", h->name);
	h->listening = take_fd(&sock);
	return 0;
}

const char *handover_path(const struct handover *h)
{
	return h->listening < 0 ? NULL : h->path;
}

/* Exactly one that is a pidfd. None is no lie: whoever connected has nothing to hand over. */
static int receive(int sock, int *ret_pidfd, struct err *e)
{
	auto_fd int fd = -1;
	pid_t pid;
	int n = fd_receive(sock, &fd);

	if (n == -EAGAIN || n == 0)
		return 0;
	if (n < 0)
		return err_rc(e, n, "receive a pidfd");
	if (n != 1)
		return err_set(e, STATUS_UNKNOWN,
			"the runtime sent %d descriptors for a pidfd, not one", n);
	if (child_pid_of(fd, &pid) < 0)
		return err_set(e, STATUS_UNKNOWN, "the runtime sent something that is no pidfd");
	*ret_pidfd = take_fd(&fd);
	return 1;
}

int handover_take(struct handover *h, int *ret_pidfd, struct err *e)
{
	auto_fd int conn = -1;
	int rc;

	if (h->listening < 0)
		return 0;
	conn = accept4(h->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	rc = conn < 0 ? -errno : 0;
	handover_close(h);
	if (rc == -EAGAIN)
		return 0; /* it does not have the option, or did not come so far */
	if (rc < 0)
		return err_rc(e, rc, "accept the runtime on the pidfd socket");
	return receive(conn, ret_pidfd, e);
}

void handover_close(struct handover *h)
{
	if (h->listening < 0)
		return;
	fd_drop(&h->listening);
	(void)unlinkat(h->dir, h->name, 0); /* gone with the bundle is as good */
}
