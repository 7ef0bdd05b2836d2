/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_GATE_H
#define PROCESS_GATE_H

/*
 * gate.h - is what config.json needs among what the runtime says it honours?
 *
 * A runtime ignores what it does not know: runtime-spec tells it to (config.md,
 * extensibility). An id-mapped volume then has the wrong owners, a recursive
 * read-only mount can be written to, a hook is not called; and nobody is told.
 * So before anything is created the two documents are held against each other.
 *
 * What the features say nothing about (older runtimes have shorter documents)
 * passes, but for what came into the spec together with its feature: there,
 * silence is a no. That is idmap, netDevices, memoryPolicy and
 * intelRdt.schemata. Words that mean the default (rw, suid...) always pass, and
 * so do mount options that are none of the spec's: they are the filesystem's.
 *
 * Never blocks; the documents are the caller's.
 */

#include "base/err.h"
#include "base/json.h"
#include "process/runtime/features.h"

#include <stdbool.h>

struct gate {
	json_t *config;      /* borrowed: config.json */
	bool systemd_cgroup; /* the option: cgroups are systemd's to make */
	bool cgroup_v2;      /* the host has but the unified hierarchy */
};

/*
 * 0, or -1 and *e with FAILED_PRECONDITION: the JSON path, the feature, the
 * runtime and its version.
 */
int gate_check(const struct gate *g, const struct features *f, struct err *e);

#endif
