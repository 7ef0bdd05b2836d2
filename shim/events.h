/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_EVENTS_H
#define SHIM_EVENTS_H

/*
 * events.h - what happened, told to containerd in the order it happened.
 *
 * One queue, one event under way at a time: a newer one cannot overtake. While
 * containerd is away the queue waits and we try to connect again, more and more
 * seldom; a restart of containerd loses nothing. An event containerd refuses
 * (it answers with an error) is tried EVENTS_TRIES times, so that one bad event
 * does not stop those behind it.
 */

#include "base/list.h"
#include "proto/client.h"

#include <ev.h>
#include <stdbool.h>

/* Events kept while containerd is away. Beyond it the oldest goes, with an error in the log. */
#define EVENTS_MAX 8192

#define EVENTS_TRIES       5
#define EVENTS_TIMEOUT_S   5.   /* for containerd's answer */
#define EVENTS_RETRY_MIN_S 0.05 /* doubled with every failure... */
#define EVENTS_RETRY_MAX_S 2.   /* ...up to this */

/*
 * Events kept aside for when there is no memory for one, each with room for so
 * many bytes: ids are at most 76 characters, and an exit is three of them. An
 * exit that is not told leaves containerd with a container that runs for ever.
 */
#define EVENTS_SPARE      4
#define EVENT_SPARE_BYTES 511

struct event; /* opaque */

/* Embed it; the fields are private. */
struct events {
	struct ev_loop *loop;
	const char *address; /* borrowed; "" for nowhere */
	const char *ns;      /* borrowed */
	struct client client;
	struct client_call call;
	bool is_sending;
	struct list queue; /* the first is the one under way */
	size_t n;
	struct list spare;
	size_t n_spare;
	unsigned long n_dropped; /* since the beginning, for a dump */
	double retry_s;
	ev_timer retry;
	ev_idle idle;
	void (*on_flushed)(struct events *ev);
};

void events_init(struct events *ev, struct ev_loop *loop, const char *address, const char *ns);
void events_fini(struct events *ev);

/*
 * Queues @m under @topic, stamped now. It is on its way when the caller returns
 * to the loop. What has an event has dirtied memory: once the loop has nothing
 * else to do, that is given back (base/memory.h).
 */
void events_push(struct events *ev, const char *topic, const ProtobufCMessage *m);

/* True if nothing is queued; else @on_flushed follows, once, when that is so. */
bool events_flush(struct events *ev, void (*on_flushed)(struct events *ev));

#endif
