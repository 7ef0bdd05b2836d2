/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_IO_CONSOLE_H
#define PROCESS_IO_CONSOLE_H

/*
 * console.h - how the master of a pty comes from the runtime to us.
 *
 * The runtime makes the pty inside the container's devpts and sends its master
 * over a socket of ours (--console-socket). We take exactly one descriptor, and
 * only if the kernel says that it is a master.
 */

#include "base/err.h"

#include <ev.h>

/* How long a runtime that has succeeded may take to send it, in seconds. */
#define CONSOLE_MAX_S 10.

struct console; /* opaque */

/* Listens in a private folder of its own. 0, or -1 and *e. */
int console_listen(struct console **ret, struct ev_loop *loop, struct err *e);

/* For --console-socket; borrowed. */
const char *console_path(const struct console *c);

/*
 * Calls @on_done(@user) once, from the loop, when the master is there or it is
 * clear that none will come.
 */
void console_receive(struct console *c, void (*on_done)(void *user), void *user);

/* After on_done: the master, non-blocking, close-on-exec, the caller's. -1 and *e. */
int console_take(struct console *c, struct err *e);

/* Removes socket and folder; no callback follows. Accepts NULL; returns NULL. */
struct console *console_free(struct console *c);

#endif
