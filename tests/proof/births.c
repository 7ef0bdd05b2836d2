/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/socket.h"
#include "tests/proof/sweep.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* It listens before it serves. False: it has ended instead, or is about to. */
static bool does_serve(struct sweep *s)
{
	struct err e;

	if (!stage_try(&s->stage))
		return false;
	if (ask_of(&s->stage.caller, "Connect", "c", "", &e) || strcmp(e.msg, "ttrpc: closed") != 0)
		return true;
	/* It threw us out, or ends. */
	caller_close(&s->stage.caller);
	while (!s->stage.has_ended && !socket_answers(s->stage.socket))
		ev_run(s->stage.loop, EVRUN_NOWAIT);
	if (!s->stage.has_ended)
		caller_open(&s->stage.caller, s->stage.loop, s->stage.socket);
	return !s->stage.has_ended;
}

/* One that serves hears signals, too. */
static void end_by_signal(struct sweep *s)
{
	struct stage *stage = &s->stage;

	if (child_signal(&stage->daemon, SIGTERM) < 0)
		stage_broken(stage, "SIGTERM cannot be sent");
	caller_run_until(&stage->caller, &stage->has_ended, "the end of the shim by SIGTERM");
	if (stage->end.code != 0)
		sweep_complain(s, "it did not end with 0");
	caller_close(&stage->caller);
	stage_strike(stage);
}

/* One that is to serve: it does, or says why not and ends with 1. */
static void be_born(struct sweep *s, enum fault_kind kind)
{
	bool serves;

	stage_prepare(&s->stage, s->stage.shim);
	s->stage.caller.on_lost = sweep_lost;
	s->stage.caller.user = s;
	s->stage.is_quiet = true;
	sweep_arm(s, kind);
	serves = does_serve(s);
	s->faults->is_armed = false;
	if (serves) {
		end_by_signal(s);
		return;
	}
	s->n_refused++;
	if (s->stage.end.code != 1)
		sweep_complain(s, "it did not end with 1");
	stage_strike(&s->stage);
}

void sweep_births(struct sweep *s, enum fault_kind kind)
{
	*s = (struct sweep){
		.faults = s->faults, .stage.shim = s->stage.shim, .scene = "birth", .n = 1
	};
	do {
		be_born(s, kind);
		s->n++;
	} while (s->faults->hit[0]);
	printf("%-18s each of %ld %s failed: %ld did not serve, and said so\n", s->scene,
		(long)s->faults->count, sweep_kind_names[kind], s->n_refused);
	fflush(stdout);
}
