/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ADMIT_H
#define PROCESS_ADMIT_H

/*
 * admit.h - the rows of a Create in which a container is held against its runtime's features.
 *
 *	admission_init(&a, ct);
 *	admission_take_config(&a, config);   or not, if it cannot be read
 *	admission_check(&a, op);             a row's run; admission_stop(&a) its undo
 *	admission_fini(&a);
 *
 * What is remembered of a runtime is enough to let a container pass, never to
 * refuse it: then the runtime is asked again first (features.h).
 */

#include "base/op.h"
#include "process/container.h"
#include "process/runtime/features.h"

struct json_t;

/* Embed it; the fields are private. */
struct admission {
	struct op *op;         /* borrowed while it waits */
	struct container *ct;  /* borrowed */
	struct json_t *config; /* owned, until it has been checked */
	struct features_query features;
};

void admission_init(struct admission *a, struct container *ct);
void admission_take_config(struct admission *a, struct json_t *config);

/* OP_DONE also without a config, and for a runtime that cannot be run: Create will say so. */
enum op_next admission_check(struct admission *a, struct op *op);
enum op_next admission_stop(struct admission *a);
void admission_fini(struct admission *a);

/*
 * The runtime has failed with @complaint. If it does not know the option for
 * pidfds after all, what is remembered of it is forgotten: it was a wrapper
 * around another runtime then, or is one now.
 */
void admission_doubt(struct container *ct, const struct err *complaint);

#endif
