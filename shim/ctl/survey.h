/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_SURVEY_H
#define SHIM_CTL_SURVEY_H

/*
 * survey.h - all containers, each asked for how it is: what ps, stats and top show.
 *
 * SURVEY_BATCH shims are asked at a time, so that one that hangs costs its
 * batch ASK_ANSWER_MAX_S and not a second more.
 */

#include "proto/api/task.pb-c.h"
#include "shim/ctl/find.h"
#include "shim/ctl/usage.h"

#include <ev.h>
#include <stdint.h>

#define SURVEY_BATCH 64

#define SURVEY_VERSION_MAX 32

/* One container. Set or not, as far as its shim answered. */
struct seen {
	const struct found *found; /* borrowed */
	Pb__StateResponse *state;  /* owned; NULL: @why says why there is none */
	struct err why;
	uint32_t shim_pid;                /* 0 unknown */
	int64_t shim_pss;                 /* bytes; -1 unknown */
	char shim_name[64];               /* its binary's */
	char version[SURVEY_VERSION_MAX]; /* "": the stock shim does not tell */
	int64_t age_s;                    /* of the bundle; -1 unknown */
	bool has_usage;
	struct usage usage;
};

enum survey_what {
	SURVEY_SHIMS = 1, /* pid, version, PSS */
	SURVEY_USAGE = 2,
};

/* *ret has l->n elements; survey_free() ends it. */
int survey_all(const struct found_list *l, struct ev_loop *loop, unsigned what, struct seen **ret,
	struct err *e);
void survey_free(struct seen *seen, size_t n);

/* Its shim is there, even if it does not know the container: one that is just being created. */
bool survey_has_answer(const struct seen *s);

/* "running" and its like; "no shim", "no answer", "no task". */
const char *survey_status(const struct seen *s);
const char *survey_status_name(Pb__ProcessStatus status);

#endif
