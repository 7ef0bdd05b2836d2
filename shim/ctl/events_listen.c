/* SPDX-License-Identifier: Apache-2.0 */

/*
 * events_listen.c - `belayctl events --address`: in the place of containerd.
 */

#include "base/attr.h"
#include "proto/api/wellknown.pb-c.h"
#include "proto/server.h"
#include "reaper/signals.h"
#include "shim/ctl/events_command.h"
#include "shim/socket.h"

#include <errno.h>
#include <unistd.h>

struct ear {
	struct ev_loop *loop;
	struct signals signals;
	struct server server;
	bool json;
	struct err err;
};

static void on_forward(struct call *c)
{
	struct ear *ear = call_user(c);
	auto_message Pb__ForwardRequest *req = call_unpack(c, &pb__forward_request__descriptor);
	Pb__Empty empty = PB__EMPTY__INIT;
	struct err e = ERR_INIT;
	int rc;

	if (!req)
		return;
	rc = req->envelope ? events_print(events_json(req->envelope), ear->json) : 0;
	if (rc == 0) {
		call_reply(c, &empty.base);
		return;
	}
	/* Not heard, so not taken away from the next who listens. */
	err_rc(&e, rc, "print");
	call_fail(c, &e);
	if (rc != -EPIPE)
		ear->err = e;
	ev_break(ear->loop, EVBREAK_ALL);
}

static const struct server_method methods[] = { { "Forward", on_forward }, { NULL, NULL } };
static const struct server_service services[] = {
	{ "containerd.services.events.ttrpc.v1.Events", methods },
	{ NULL, NULL },
};

static void on_signal(struct signals *s, int signo)
{
	(void)signo;
	ev_break(container_of(s, struct ear, signals)->loop, EVBREAK_ALL);
}

static int serve(struct ear *ear, int fd, struct err *e)
{
	int rc = signals_init_at_terminal(&ear->signals, ear->loop, on_signal);

	if (rc == 0)
		rc = server_init(&ear->server, ear->loop, fd, services, ear);
	if (rc < 0) {
		signals_fini(&ear->signals);
		close(fd);
		return err_rc(e, rc, "listen for events");
	}
	ev_run(ear->loop, 0);
	server_fini(&ear->server);
	signals_fini(&ear->signals);
	*e = ear->err;
	return err_is_set(e) ? -1 : 0;
}

int events_listen(const char *path, bool json, struct err *e)
{
	struct ear ear = { .json = json };
	int fd, rc;

	if (path[0] != '/')
		return err_set(e, STATUS_INVALID_ARGUMENT, "--address: not an absolute path");
	if (socket_listen(path, &fd, e) < 0)
		return -1;
	if (fd < 0)
		return err_set(e, STATUS_UNAVAILABLE,
			"somebody listens at %s already; events go to one only", path);
	ear.loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!ear.loop) {
		close(fd);
		return err_set(e, STATUS_UNKNOWN, "create event loop");
	}
	rc = serve(&ear, fd, e);
	/* By now nobody is there, unless containerd came back and put its own in that place. */
	(void)socket_remove_dead(path);
	ev_loop_destroy(ear.loop);
	return rc;
}
