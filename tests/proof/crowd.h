/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROOF_CROWD_H
#define TESTS_PROOF_CROWD_H

/*
 * crowd.h - a client without manners: it asks and never reads, or sends a byte at a time.
 */

#include <stddef.h>
#include <stdint.h>

/* Embed it; the fields are private. */
struct crowd {
	int fd;
	uint32_t stream;
	char id[64];
	uint8_t frame[512]; /* a State request */
	size_t len, sent;
};

/* It asks for the State of container @id. */
void crowd_join(struct crowd *c, const char *socket, const char *id);

/* As many questions as the socket takes. */
void crowd_flood(struct crowd *c);

/* One more byte of one. */
void crowd_dribble(struct crowd *c);
void crowd_leave(struct crowd *c);

#endif
