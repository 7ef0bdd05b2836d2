/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_REQUEST_H
#define SHIM_CTL_REQUEST_H

/*
 * request.h - the requests to a shim that take more than a line to make.
 */

#include "proto/client.h"

#include <stdbool.h>
#include <stdint.h>

#define REQUEST_SERVICE "containerd.task.v3.Task"

/* How long we wait for the answer to what a shim does by itself, in seconds. */
#define REQUEST_ANSWER_MAX_S 10.

/* All borrowed until request_create() returns. */
struct create_request {
	const char *id;
	const char *bundle; /* with FIFOs stdin, stdout and stderr in it */
	const char *rootfs; /* bound onto BUNDLE/rootfs */
	const char *runtime;
	const char *runtime_root;
	bool terminal;
	uint32_t io_uid, io_gid; /* of the streams */
};

/* Sends Create; @call is filled in as for client_call_start(), whose result this is. */
int request_create(struct client *client, struct client_call *call,
	const struct create_request *what, struct err *e);

/*
 * Told beside whatever step waits; what becomes of them is no step's. @call is
 * for one kind: the newest counts, one that is not answered yet is forgotten.
 * Without a connection nothing happens.
 */
void request_close_stdin(struct client *client, struct client_call *call, const char *id);
void request_resize(struct client *client, struct client_call *call, const char *id, uint32_t width,
	uint32_t height);
void request_kill(struct client *client, struct client_call *call, const char *id, int signo);

#endif
