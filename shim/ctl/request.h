/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_REQUEST_H
#define SHIM_CTL_REQUEST_H

/*
 * request.h - the requests to a shim that take more than a line to make.
 */

#include "proto/client.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define REQUEST_SERVICE "containerd.task.v3.Task"

/* The process that is asked about, and whom to ask. All borrowed. */
struct request_about {
	struct client *client;
	const char *service;      /* of tasks, in the shim's version */
	const char *id, *exec_id; /* "": its init */
};

/* How long we wait for the answer to what a shim does by itself, in seconds. */
#define REQUEST_ANSWER_MAX_S 10.

/* All borrowed until request_create() returns. */
struct create_request {
	const char *bundle; /* with FIFOs stdin, stdout and stderr in it */
	const char *rootfs; /* bound onto BUNDLE/rootfs */
	const char *runtime;
	const char *runtime_root;
	bool terminal;
	bool input;              /* else the container reads /dev/null */
	uint32_t io_uid, io_gid; /* of the streams */
};

/* Sends Create; @call is filled in as for client_call_start(), whose result this is. */
int request_create(const struct request_about *about, struct client_call *call,
	const struct create_request *what, struct err *e);

/* The streams in the folder @bundle. */
struct request_streams {
	char in[PATH_MAX], out[PATH_MAX], err[PATH_MAX];
};
int request_name_streams(const char *bundle, struct request_streams *ret, struct err *e);

/*
 * Told beside whatever step waits; what becomes of them is no step's. @call is
 * for one kind: the newest counts, one that is not answered yet is forgotten.
 * Without a connection nothing happens.
 */
void request_close_stdin(const struct request_about *about, struct client_call *call);
void request_resize(const struct request_about *about, struct client_call *call, uint32_t width,
	uint32_t height);
void request_kill(const struct request_about *about, struct client_call *call, int signo);

#endif
