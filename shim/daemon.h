/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_DAEMON_H
#define SHIM_DAEMON_H

/*
 * daemon.h - the shim that serves: it owns the loop, the reaper, the server,
 * the queue of events and the containers. Everything that outlives a turn of
 * the loop hangs from here.
 */

#include "process/container.h"
#include "process/observer.h"
#include "proto/server.h"
#include "reaper/reaper.h"
#include "reaper/signals.h"
#include "shim/events.h"
#include "shim/watchdog.h"

#include <stdbool.h>

/* How long the end may take, in seconds: replies to be read, events to be delivered. */
#define DAEMON_SHUTDOWN_MAX_S 10.

struct daemon_conf {
	const char *ns; /* borrowed until daemon_run() returns */
	const char *id;
	const char *ttrpc_address;
	const char *oom_score_adj; /* containerd's, which is not ours any more; NULL: it is */
	bool debug;
};

/* Private to the daemon and its service. */
struct daemon {
	const struct daemon_conf *conf;
	struct ev_loop *loop;
	struct signals signals;
	struct reaper reaper;
	struct containers containers;
	struct observer observer;
	struct events events;
	struct server server;
	struct watchdog watchdog;
	struct server_service services[4]; /* what it serves: tasks, and a look inside */
	ev_timer shutdown_timer;
	int64_t since_ns;       /* when it began to serve; monotonic */
	struct list creates;    /* under way: task_lifecycle.c */
	bool ends_with_creates; /* with the last of them, if it fails */
	bool is_serving, is_shutting_down;
	int early_signal; /* one that came before it served */
	char socket_path[128];
	int log_fd;
};

/*
 * Serves on @listen_fd, which is taken, until it is told to shut down. The
 * current folder is the bundle: its `log` FIFO gets the log. @ready_fd, taken,
 * gets one NUL once it serves, or the reason why it does not, and is closed; -1 if
 * nobody waits for that. Returns the exit status of the process.
 */
int daemon_run(const struct daemon_conf *conf, int listen_fd, int ready_fd);

/* Stops serving, once; answers and events that are under way are delivered first. */
void daemon_shutdown(struct daemon *d);

#endif
