/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_LOOP_H
#define TESTS_LIB_LOOP_H

/*
 * loop.h - a loop as the shim has it, and waiting for an event instead of sleeping.
 */

#include <ev.h>
#include <stdbool.h>

/* How long anything that ought to happen may take; then the test has failed. */
#define LOOP_PATIENCE_S 20.

/* Ends in ev_loop_destroy(). */
struct ev_loop *loop_new(void);

/* Runs until *@flag is true; fails the test when nothing makes it so. */
#define loop_run_until(loop, flag) loop_run_until_(loop, flag, __FILE__, __LINE__)
void loop_run_until_(struct ev_loop *loop, const bool *flag, const char *file, int line);

/* As above, for anything that can be asked. */
#define loop_run_while(loop, pending, arg) loop_run_while_(loop, pending, arg, __FILE__, __LINE__)
void loop_run_while_(
	struct ev_loop *loop, bool (*pending)(void *arg), void *arg, const char *file, int line);

/* Delivers what is ready now, and never waits. */
void loop_run_once(struct ev_loop *loop);

#endif
