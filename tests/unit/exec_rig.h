/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_EXEC_RIG_H
#define TESTS_UNIT_EXEC_RIG_H

/*
 * exec_rig.h - a container that runs, and an exec in it.
 */

#include "tests/lib/leaks.h"
#include "tests/unit/process_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct scene {
	struct rig rig;
	struct container *ct;
	struct process *p;
	struct leaks before;
	bool done;
	struct err err;
	bool had_exit;
};

static inline void on_started(void *user, struct process *p, const struct err *e)
{
	struct scene *s = user;

	s->done = true;
	s->err = *e;
	s->had_exit = p->exit.is_set;
}

static inline void on_deleted(void *user, struct process *p, const struct err *e)
{
	struct scene *s = user;

	assert_int_equal(p == NULL, err_is_set(e));
	s->done = true;
	s->err = *e;
}

static inline void on_verb(void *user, struct container *ct, const struct err *e)
{
	struct scene *s = user;

	assert_ptr_equal(ct, s->ct);
	s->done = true;
	s->err = *e;
}

/* A container that runs, in which e1 was added: `sh -c SCRIPT`. */
static inline void scene_set(struct scene *s, const char *script)
{
	struct exec_args args = { .exec_id = "e1" };
	struct err e = ERR_INIT;
	char spec[256];

	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	s->ct = rig_create(&s->rig);
	rig_start(&s->rig, s->ct);
	snprintf(spec, sizeof(spec), "{\"args\":[\"sh\",\"-c\",\"%s\"]}", script);
	args.spec = spec;
	args.spec_len = strlen(spec);
	args.io = rig_streams(&s->rig);
	s->p = exec_add(s->ct, &args, &e);
	assert_non_null(s->p);
	leaks_note(&s->before);
}

static inline void await(struct scene *s)
{
	loop_run_until(s->rig.loop, &s->done);
}

static inline void start(struct scene *s)
{
	s->done = false;
	exec_start_begin(s->p, 0, on_started, s);
	await(s);
}

static inline void delete_exec(struct scene *s)
{
	s->done = false;
	exec_delete_begin(s->p, 0, on_deleted, s);
	await(s);
}

static inline void verb(struct scene *s, enum verb v, const char *resources)
{
	struct verb_args args = { .verb = v, .resources = resources };

	args.resources_len = resources ? strlen(resources) : 0;
	s->done = false;
	verb_begin(s->ct, &args, on_verb, s);
	await(s);
}

static inline void expect_ok(const struct scene *s)
{
	if (err_is_set(&s->err))
		fail_msg("%s", s->err.msg);
}

static inline void expect_error(const struct scene *s, enum status status, const char *words)
{
	assert_string_equal(s->err.msg, words);
	assert_int_equal(s->err.status, status);
}

/* Its init is ended first; the rig's story then has one exit more. */
static inline void scene_strike(struct scene *s)
{
	s->rig.exited = false;
	assert_int_equal(child_signal(&s->ct->init.child, SIGKILL), 0);
	rig_await_exit(&s->rig);
	rig_delete(&s->rig, s->ct);
	rig_expect_streams_are_free(&s->rig);
	rig_fini(&s->rig);
}

#endif
