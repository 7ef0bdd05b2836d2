/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_RUNTIME_OPTIONS_H
#define SHIM_RUNTIME_OPTIONS_H

/*
 * runtime_options.h - a runtime's options as text.
 *
 * CRI sends runc's options as a message only to a runtime that is called
 * io.containerd.runc.v2. Any other gets the table of config.toml it was
 * configured with, as TOML (toml.h): flat, with strings, booleans and whole
 * numbers. A key we do not know, or another kind of value, is an error that
 * names it: an option is applied or refused, never dropped.
 */

#include "base/err.h"
#include "process/container.h"

#include <stddef.h>

/* The longest text, and the longest string in it, in bytes. */
#define RUNTIME_OPTIONS_MAX        (64 * 1024)
#define RUNTIME_OPTIONS_STRING_MAX 4096

#define RUNTIME_OPTIONS_STRINGS 6

struct runtime_options {
	struct container_options options;       /* borrows from strings */
	char *strings[RUNTIME_OPTIONS_STRINGS]; /* owned */
};

int runtime_options_parse(struct runtime_options *ret, const char *text, size_t len, struct err *e);
void runtime_options_fini(struct runtime_options *o);

#endif
