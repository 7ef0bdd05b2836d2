/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPER_RUN_H
#define REAPER_RUN_H

/*
 * run.h - runs a program and waits for it. Blocks: never for the loop.
 *
 * For the body of a child_fork(), which may hang, and has no loop. The program
 * is waited for by its own pidfd, so it does not matter what else ends in the
 * meantime, nor who else waits for what.
 */

#include "base/attr.h"
#include "reaper/child.h"

/* 0 when it ran, however it ended; -errno when it could not be started. */
int run_program(const struct spawn *s, struct exit_status *ret) NODISCARD;

#endif
