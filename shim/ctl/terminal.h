/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_TERMINAL_H
#define SHIM_CTL_TERMINAL_H

/*
 * terminal.h - our own terminal while a container has it: raw, and watched for its size.
 */

#include "base/err.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

/* Embed it; the fields are private. */
struct terminal {
	struct ev_loop *loop; /* NULL: not begun */
	struct termios before;
	ev_signal resized;
	void (*on_resize)(struct terminal *t);
};

/* Standard input becomes raw. @on_resize is called with every change of size. */
int terminal_begin(struct terminal *t, struct ev_loop *loop, void (*on_resize)(struct terminal *t),
	struct err *e);

/* As it was. Accepts one that never began, and may be called twice. */
void terminal_end(struct terminal *t);

void terminal_size(uint32_t *ret_width, uint32_t *ret_height);

#endif
