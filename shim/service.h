/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SERVICE_H
#define SHIM_SERVICE_H

/*
 * service.h - the task service: each RPC decodes, begins, and in the end encodes.
 */

#include "proto/server.h"

struct container;
struct daemon;
struct observer;
struct process;

/* containerd.task.v2.Task and v3.Task: the same methods, for the messages are the same. */
extern const struct server_service service_table[];

/* For struct observer. */
void service_exited(const struct observer *o, struct process *p);
void service_oom(const struct observer *o, struct container *ct);

/* Ends every Wait that is under way, for the shim leaves. */
void service_cancel_waits(struct daemon *d);

#endif
