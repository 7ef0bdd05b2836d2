/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/listener.h"

#include "base/auto.h"
#include "proto/api/wellknown.pb-c.h"
#include "shim/socket.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static void on_log(struct ev_loop *loop, ev_io *w, int revents)
{
	char chunk[4096];
	ssize_t n = read(w->fd, chunk, sizeof(chunk));

	(void)loop;
	(void)revents;
	if (n > 0)
		(void)!fwrite(chunk, 1, (size_t)n, stderr); /* for people; nothing depends on it */
}

void listener_init(struct listener *l, struct ev_loop *loop)
{
	*l = (struct listener){ .loop = loop, .log_fd = -1 };
	ev_init(&l->log_watcher, on_log);
}

/* A FIFO with a bounded pipe: what nobody reads, the shim drops. */
int listener_open_log(struct listener *l, int bundle, bool shown, struct err *e)
{
	l->log_fd = openat(bundle, "log", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (l->log_fd < 0)
		return err_sys(e, "open the log");
	if (shown) {
		ev_io_set(&l->log_watcher, l->log_fd, EV_READ);
		ev_io_start(l->loop, &l->log_watcher);
	}
	return 0;
}

void listener_close_log(struct listener *l)
{
	ev_io_stop(l->loop, &l->log_watcher);
	fd_drop(&l->log_fd);
}

/* An event is heard by answering it; what we act on is the reply to Wait. */
static void on_forward(struct call *c)
{
	Pb__Empty empty = PB__EMPTY__INIT;

	call_reply(c, &empty.base);
}

static const struct server_method methods[] = { { "Forward", on_forward }, { NULL, NULL } };
static const struct server_service services[] = {
	{ "containerd.services.events.ttrpc.v1.Events", methods },
	{ NULL, NULL },
};

int listener_open_events(struct listener *l, const char *bundle, struct err *e)
{
	char path[PATH_MAX];
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s/events", bundle) >= (int)sizeof(path))
		return err_set(e, STATUS_INVALID_ARGUMENT, "path %s is too long", bundle);
	if (socket_listen(path, &fd, e) < 0)
		return -1;
	rc = server_init(&l->events, l->loop, fd, services, l);
	if (rc < 0) {
		fd_drop(&fd);
		return err_rc(e, rc, "listen for events");
	}
	l->has_events = true;
	return 0;
}

void listener_close_events(struct listener *l)
{
	if (l->has_events)
		server_fini(&l->events);
	l->has_events = false;
}
