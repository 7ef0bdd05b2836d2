/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PARITY_WORDS_H
#define TESTS_PARITY_WORDS_H

/*
 * words.h - a protobuf message as one line of text, the same in every run.
 */

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

struct words {
	struct buf text; /* the caller's */
	bool is_shape;   /* figures are left out: they are different every time */
	const char *(*name_of_pid)(void *user, uint32_t pid);
	void *user;
};

void words_put(struct words *w, const ProtobufCMessage *m);

#endif
