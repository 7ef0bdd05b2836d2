/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proof/crowd.h"

#include "base/auto.h"
#include "base/fd.h"
#include "proto/api/task.pb-c.h"
#include "proto/api/ttrpc.pb-c.h"
#include "proto/frame.h"
#include "tests/proof/caller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static void next_question(struct crowd *c)
{
	Pb__StateRequest state = PB__STATE_REQUEST__INIT;
	Ttrpc__Request request = TTRPC__REQUEST__INIT;
	struct frame f = { .stream = c->stream, .type = FRAME_REQUEST };
	uint8_t payload[256];

	c->stream += 2;
	c->sent = 0;
	state.id = c->id;
	request.service = "containerd.task.v3.Task";
	request.method = "State";
	request.payload.data = payload;
	request.payload.len = pb__state_request__pack(&state, payload);
	f.len = (uint32_t)ttrpc__request__pack(&request, c->frame + FRAME_HEADER_LEN);
	frame_encode(&f, c->frame);
	c->len = FRAME_HEADER_LEN + f.len;
}

void crowd_join(struct crowd *c, const char *socket_path, const char *id)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	*c = (struct crowd){ .stream = 1 };
	snprintf(c->id, sizeof(c->id), "%s", id);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", socket_path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		fd_set_nonblock(c->fd, true) < 0)
		give_up("%s: %s", socket_path, strerror(errno));
	next_question(c);
}

static ssize_t send_some(struct crowd *c, size_t most)
{
	ssize_t n = send(c->fd, c->frame + c->sent, most, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		broken("a client without manners was thrown out: %s", strerror(errno));
	if (n > 0)
		c->sent += (size_t)n;
	if (c->sent == c->len)
		next_question(c);
	return n;
}

void crowd_flood(struct crowd *c)
{
	while (send_some(c, c->len - c->sent) > 0)
		;
}

void crowd_dribble(struct crowd *c)
{
	(void)send_some(c, 1);
}

void crowd_leave(struct crowd *c)
{
	fd_drop(&c->fd);
}
