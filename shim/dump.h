/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_DUMP_H
#define SHIM_DUMP_H

/*
 * dump.h - how the shim is and what it is at, as one line of JSON: for SIGUSR1,
 * and for `belayctl dump`.
 *
 * Nothing is kept for it but numbers that are counted anyway; it is put together
 * when somebody asks. Members are described in belayctl(1); clients must bear
 * with new ones.
 */

#include "proto/server.h"

struct daemon;

/* A pipe takes 64 KiB, and other lines are to fit too. Beyond it only what is under way is told. */
#define DUMP_LOG_MAX (32 * 1024)

/* To the log; never blocks. */
void dump_to_log(const struct daemon *d);

/* Of belay.v1.Debug; call_user() is the daemon. */
extern const struct server_method debug_methods[];

#endif
