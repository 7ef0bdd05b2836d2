/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_DOCTOR_H
#define SHIM_CTL_DOCTOR_H

/*
 * doctor.h - what was found out about a host, and what it means.
 */

#include "base/attr.h"

#include <jansson.h>
#include <stdbool.h>

enum verdict {
	VERDICT_OK,
	VERDICT_NOTE, /* less works, and it is said when it is asked for */
	VERDICT_BAD,  /* something would break */
	N_VERDICTS
};

struct doctor {
	json_t *findings; /* owned; an array, in the order of the report */
	size_t n[N_VERDICTS];
};

/* One line of the report, in the section and about the thing named. Text for people. */
void doctor_tell(struct doctor *d, enum verdict verdict, const char *section, const char *what,
	const char *fmt, ...) PRINTF_LIKE(5, 6);

/* The parts of the report. They look by trying, not at versions. */
void doctor_kernel(struct doctor *d);
void doctor_cgroup(struct doctor *d);

/* Runs the runtime, a name or a path, to ask it. */
void doctor_runtime(struct doctor *d, const char *binary);

/* The configuration file of containerd, and the shims and runtimes it leads to. */
void doctor_config(struct doctor *d, const char *path);

#endif
