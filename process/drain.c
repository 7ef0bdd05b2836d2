/* SPDX-License-Identifier: Apache-2.0 */
#include "process/drain.h"

static void on_drained(void *user)
{
	struct drain *d = user;

	ev_timer_stop(d->op->loop, &d->timer);
	d->io = NULL; /* later rows close it */
	op_resume(d->op, OP_DONE);
	/* d may be gone */
}

static void on_expired(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct drain *d = container_of(timer, struct drain, timer);

	(void)loop;
	(void)revents;
	stdio_drain_cancel(d->io);
	d->io = NULL;
	op_resume(d->op, OP_DONE);
	/* d may be gone */
}

void drain_init(struct drain *d)
{
	*d = (struct drain){ 0 };
	ev_init(&d->timer, on_expired);
}

enum op_next drain_begin(struct drain *d, struct op *op, struct stdio *io)
{
	if (!io || stdio_drain(io, on_drained, d))
		return OP_DONE;
	d->op = op;
	d->io = io;
	ev_timer_set(&d->timer, DRAIN_MAX_S, 0.);
	ev_timer_start(op->loop, &d->timer);
	return OP_WAIT;
}

void drain_stop(struct drain *d)
{
	if (!d->io)
		return;
	ev_timer_stop(d->op->loop, &d->timer);
	stdio_drain_cancel(d->io);
	d->io = NULL;
}
