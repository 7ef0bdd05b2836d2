/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fake-containerd - the ear of containerd: it takes a shim's events, and misbehaves on request.
 *
 *	fake-containerd SOCKET FILE [MISDEED N]...
 *
 * Listens on SOCKET for containerd.services.events.ttrpc.v1.Events/Forward and
 * writes a line for each event to FILE: what became of it, its topic, its
 * container. `ok /tasks/create c1`. Misdeeds, for the first N events:
 *
 *	silent 3     heard, never answered
 *	refuse 3     answered with an error
 *	hang-up 3    the connection is closed instead of an answer
 *	vanish 3     after the third answer it exits, and its socket stays behind
 *
 * One connection at a time, everything blocks: nothing here can go wrong in the
 * way of what it is a test for.
 */

#include "proto/api/events.pb-c.h"
#include "proto/api/status.pb-c.h"
#include "proto/api/ttrpc.pb-c.h"
#include "proto/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REFUSED 2 /* google.rpc.Code UNKNOWN */

struct manners {
	long silent, refuse, hang_up, vanish; /* how many are yet to come */
};

static void die(const char *what)
{
	fprintf(stderr, "fake-containerd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool read_all(int fd, void *to, size_t n)
{
	for (char *at = to; n > 0;) {
		ssize_t got = read(fd, at, n);

		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

static void answer(int fd, uint32_t stream, bool refused)
{
	uint8_t bytes[FRAME_HEADER_LEN + 256];
	Rpc__Status status = RPC__STATUS__INIT;
	Ttrpc__Response response = TTRPC__RESPONSE__INIT;
	struct frame f = { .stream = stream, .type = FRAME_RESPONSE };

	status.code = REFUSED;
	status.message = "not today";
	if (refused)
		response.status = &status;
	f.len = (uint32_t)ttrpc__response__pack(&response, bytes + FRAME_HEADER_LEN);
	frame_encode(&f, bytes);
	if (write(fd, bytes, FRAME_HEADER_LEN + f.len) < 0)
		perror("fake-containerd: answer"); /* whoever asked is gone */
}

/* All task events begin with the container's id; this one has nothing else. */
static void note(FILE *book, const char *what, const Pb__Envelope *envelope)
{
	const Pb__Any *any = envelope ? envelope->event : NULL;
	Pb__TaskPaused *event =
		any ? pb__task_paused__unpack(NULL, any->value.len, any->value.data) : NULL;

	fprintf(book, "%s %s %s\n", what, envelope ? envelope->topic : "?",
		event ? event->container_id : "?");
	fflush(book);
	if (event)
		pb__task_paused__free_unpacked(event, NULL);
}

static bool take(long *count)
{
	if (*count <= 0)
		return false;
	(*count)--;
	return true;
}

/* Returns false when the connection is to be closed. */
static bool behave(
	int fd, uint32_t stream, const Pb__Envelope *envelope, struct manners *m, FILE *book)
{
	if (take(&m->hang_up)) {
		note(book, "hang-up", envelope);
		return false;
	}
	if (take(&m->silent)) {
		note(book, "silent", envelope);
		return true;
	}
	if (take(&m->refuse)) {
		note(book, "refuse", envelope);
		answer(fd, stream, true);
		return true;
	}
	note(book, "ok", envelope);
	answer(fd, stream, false);
	if (take(&m->vanish) && m->vanish == 0)
		exit(0);
	return true;
}

/* One request. Returns false at the end of the connection. */
static bool serve_one(int fd, struct manners *m, FILE *book)
{
	static uint8_t data[FRAME_DATA_MAX];
	uint8_t header[FRAME_HEADER_LEN];
	Pb__ForwardRequest *forward = NULL;
	Ttrpc__Request *request;
	struct frame f;
	bool go_on;

	if (!read_all(fd, header, sizeof(header)))
		return false;
	frame_decode(header, &f);
	if (f.len > sizeof(data) || !read_all(fd, data, f.len))
		return false;
	request = ttrpc__request__unpack(NULL, f.len, data);
	if (request &&
		strcmp(request->service, "containerd.services.events.ttrpc.v1.Events") == 0 &&
		strcmp(request->method, "Forward") == 0)
		forward = pb__forward_request__unpack(
			NULL, request->payload.len, request->payload.data);
	go_on = behave(fd, f.stream, forward ? forward->envelope : NULL, m, book);
	if (forward)
		pb__forward_request__free_unpacked(forward, NULL);
	if (request)
		ttrpc__request__free_unpacked(request, NULL);
	return go_on;
}

static int listen_on(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 8) < 0)
		die(path);
	return fd;
}

static long *misdeed(struct manners *m, const char *name)
{
	if (strcmp(name, "silent") == 0)
		return &m->silent;
	if (strcmp(name, "refuse") == 0)
		return &m->refuse;
	if (strcmp(name, "hang-up") == 0)
		return &m->hang_up;
	if (strcmp(name, "vanish") == 0)
		return &m->vanish;
	errno = EINVAL;
	die(name);
	return NULL;
}

int main(int argc, char **argv)
{
	struct manners m = { 0 };
	FILE *book;
	int door;

	if (argc < 3 || argc % 2 == 0) {
		fprintf(stderr, "usage: fake-containerd SOCKET FILE [MISDEED N]...\n");
		return 2;
	}
	for (int i = 3; i < argc; i += 2)
		*misdeed(&m, argv[i]) = strtol(argv[i + 1], NULL, 10);
	book = fopen(argv[2], "ae");
	if (!book)
		die(argv[2]);
	door = listen_on(argv[1]);
	for (;;) {
		int fd = accept(door, NULL, NULL);

		while (fd >= 0 && serve_one(fd, &m, book))
			;
		if (fd >= 0)
			close(fd);
	}
}
