/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROOF_SWEEP_H
#define TESTS_PROOF_SWEEP_H

/*
 * sweep.h - what faults.c, where containers live, births.c, where shims are born, and
 * programs.c, `start` and `delete`, have in common.
 */

#include "tests/proof/inject.h"
#include "tests/proof/stage.h"

struct sweep {
	struct stage stage;
	struct faults *faults;
	struct vessel vessel;
	struct vessel other;     /* beside it; no id: there is none */
	struct vessel neighbour; /* in the same shim, and none of its business */
	const char *scene;
	int reader;               /* of its stdout; -1: none */
	long n;                   /* the call that fails */
	bool is_closed;           /* the shim hung up, which is an answer to all calls */
	long n_refused, n_closed; /* of all scenes so far */
	uint8_t last[512];        /* the last event */
	size_t last_len;
	long n_again;
	long n_begun, n_ended; /* processes: told to have been created, to have ended */
	struct holdings before;
	long cgroups_before;
};

extern const char *const sweep_kind_names[N_FAULT_KINDS];

/* And goes on, with what there is now as what was before: one run shows all there is to find. */
void sweep_complain(struct sweep *s, const char *what);

/* The s->n-th call of that kind from now on fails. */
void sweep_arm(struct sweep *s, enum fault_kind kind);

/* For a caller's on_lost. */
void sweep_lost(struct caller *c);

/* These are cheap: each call, in the short form too. */
void sweep_births(struct sweep *s, enum fault_kind kind);
void sweep_programs(struct sweep *s, enum fault_kind kind);

#endif
