/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROOF_TIMES_H
#define TESTS_PROOF_TIMES_H

/*
 * times.h - how long answers took, in microseconds.
 */

#include "tests/proof/caller.h"

#define TIMES_MAX 65536

struct times {
	double us[TIMES_MAX]; /* the first of them */
	size_t n;
};

void times_note(struct times *t, const struct ask *a);

/* @share of them took no longer. One at least has been noted. */
double times_at(struct times *t, double share);

#endif
