/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_EVENTS_COMMAND_H
#define SHIM_CTL_EVENTS_COMMAND_H

/*
 * events_command.h - the two ways to hear of what happens without containerd.
 */

#include "base/err.h"
#include "proto/api/events.pb-c.h"
#include "shim/ctl/options.h"

#include <jansson.h>

/* Both end with a signal, or when nobody reads our output any more, and return 0 then. -1 and *e.
 */

/* Serves on @path as containerd would: whoever has it as TTRPC_ADDRESS tells everything, at once.
 */
int events_listen(const char *path, bool json, struct err *e);

/* Looks again and again, at all shims, and tells what has changed. */
int events_watch(const struct where *where, bool json, struct err *e);

/* {"namespace", "topic", "time", ...and the members of the event}; NULL when out of memory. */
json_t *events_json(const Pb__Envelope *envelope);

/*
 * One line, at once. With "namespace", "topic" and "time" in front for people.
 * Takes @event. 0, or -errno: it may not have got through.
 */
int events_print(json_t *event, bool json);

/* False when our output is a pipe or a terminal whose other end is closed. */
bool events_are_read(void);

#endif
