/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_frame.c - what a client may send, from the first byte to the reply.
 *
 * The first byte of the input says in what pieces the rest arrives; 0 is all at
 * once. One server lives through all inputs, each of which is a new client: a
 * leak of descriptors or calls ends the run.
 */

#include "base/auto.h"
#include "proto/api/task.pb-c.h"
#include "proto/server.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Enough to be read in many pieces, little enough to fit the socket. */
#define INPUT_MAX 65536

static void create(struct call *c)
{
	auto_message Pb__CreateTaskRequest *req =
		call_unpack(c, &pb__create_task_request__descriptor);
	Pb__Empty empty = PB__EMPTY__INIT;

	if (req)
		call_reply(c, &empty.base);
}

static void forget(struct call *c)
{
	(void)c; /* the server ends it */
}

static void park(struct call *c)
{
	call_park(c, forget);
}

static const struct server_method methods[] = {
	{ "c", create },
	{ "p", park },
	{ NULL, NULL },
};

static const struct server_service services[] = {
	{ "s", methods },
	{ NULL, NULL },
};

struct target {
	struct ev_loop *loop;
	struct server server;
	struct sockaddr_un at;
	socklen_t at_len;
};

static struct target *target_new(void)
{
	struct target *t = calloc(1, sizeof(*t));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	t->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	t->at.sun_family = AF_UNIX;
	t->at_len = sizeof(t->at);
	if (bind(fd, (struct sockaddr *)&t->at, sizeof(sa_family_t)) < 0 || listen(fd, 8) < 0 ||
		getsockname(fd, (struct sockaddr *)&t->at, &t->at_len) < 0 ||
		server_init(&t->server, t->loop, fd, services, NULL) < 0)
		abort();
	return t;
}

/* Sends, and reads what comes back: a client that does not read is conn's test, not ours. */
static void feed(struct target *t, int fd, const uint8_t *data, size_t n, size_t piece)
{
	uint8_t answer[4096];

	for (size_t at = 0; at < n; at += piece) {
		size_t len = n - at < piece ? n - at : piece;

		if (send(fd, data + at, len, MSG_NOSIGNAL) < 0)
			break;
		ev_run(t->loop, EVRUN_NOWAIT);
		while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
			;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct target *t;
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!t)
		t = target_new();
	if (n < 2 || n > INPUT_MAX)
		return 0;
	if (connect(fd, (struct sockaddr *)&t->at, t->at_len) < 0)
		abort();
	ev_run(t->loop, EVRUN_NOWAIT);
	feed(t, fd, data + 1, n - 1, data[0] ? data[0] : n);
	fd_drop(&fd);
	while (t->server.n_peers > 0)
		ev_run(t->loop, EVRUN_NOWAIT);
	if (t->server.n_calls > 0)
		abort();
	return 0;
}
