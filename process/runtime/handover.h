/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_RUNTIME_HANDOVER_H
#define PROCESS_RUNTIME_HANDOVER_H

/*
 * handover.h - the process a runtime leaves behind, as the pidfd it opened of itself.
 *
 *	handover_listen(&h, bundle_fd, e);   before the runtime runs
 *	handover_path(&h)                    for --pidfd-socket
 *	handover_take(&h, &pidfd, e)         after its exit
 *
 * runc has the option since 1.2, for create and exec (not for restore): its init
 * sends a pidfd of its own while the runtime still waits for it, so all that will come
 * is in our socket when the runtime exits, and nothing here waits. (Measured
 * with 1.3.6: the message is the word "standard" or "setns".) Beside it the pid
 * file is written as ever; who takes both must compare them.
 */

#include "base/err.h"
#include "process/runtime/version.h"

/* The first runc with the option. */
#define HANDOVER_RUNC ((struct version){ 1, 2, 0 })

/* Embed it; the fields are private. */
struct handover {
	int listening; /* owned; -1 when there is none */
	int dir;       /* borrowed: the bundle */
	char name[24]; /* of the socket in there, by the number of its descriptor: nobody else's */
	char path[64];
};

#define HANDOVER_NONE ((struct handover){ .listening = -1 })

/* A socket in @dir, which is borrowed, for our user alone. 0, or -1 and *e. */
int handover_listen(struct handover *h, int dir, struct err *e);

/* By way of /proc, for a bundle's own path may be longer than a socket's may. NULL: none. */
const char *handover_path(const struct handover *h);

/*
 * Takes what has come, and closes. 1: *ret_pidfd is the caller's; the kernel says
 * that it is a pidfd. 0: nobody has sent anything. -1 and *e: it was something else.
 */
int handover_take(struct handover *h, int *ret_pidfd, struct err *e);

/* Closes the socket and removes its name. Accepts HANDOVER_NONE. */
void handover_close(struct handover *h);

#endif
