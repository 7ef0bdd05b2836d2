/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sim_calls.c - a client without a wire: proto/call.h and shim/events.h as the service sees them.
 */

#include "base/auto.h"
#include "base/buf.h"
#include "proto/message.h"
#include "shim/service.h"
#include "tests/model/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sim_call *call[SIM_CALLS_MAX];
static size_t n_calls;

static struct sim_call *from(struct call *c)
{
	return container_of(c, struct sim_call, call);
}

void *call_user(const struct call *c)
{
	return c->user;
}

bool call_is_inert(const struct call *c)
{
	return container_of(c, struct sim_call, call)->is_inert;
}

double call_timeout_s(const struct call *c)
{
	return (double)c->deadline_ns / 1e9; /* here a length of time */
}

void *call_unpack(struct call *c, const ProtobufCMessageDescriptor *type)
{
	const struct sim_call *s = from(c);

	return message_unpack(type, s->payload.data, s->payload.len);
}

static void end(struct call *c, const ProtobufCMessage *reply)
{
	struct sim_call *s = from(c);

	if (s->has_ended) {
		sim_wrong("%s(%s, %s) was answered twice", s->method, s->ct, s->exec);
		return;
	}
	s->has_ended = true;
	s->is_ok = reply != NULL;
	if (!s->is_inert)
		sim_answered(s, reply);
}

void call_reply(struct call *c, const ProtobufCMessage *m)
{
	end(c, m);
}

void call_fail(struct call *c, const struct err *e)
{
	if (!err_is_set(e))
		sim_wrong("%s failed without a reason", from(c)->method);
	/* This runtime never lies about what it leaves behind. */
	if (strstr(e->msg, "cannot follow"))
		sim_wrong("%s lost a process: %s", from(c)->method, e->msg);
	if (strstr(e->msg, "told to shut down"))
		sim_given_up();
	end(c, NULL);
}

void call_park(struct call *c, void (*on_gone)(struct call *c))
{
	from(c)->is_parked = true;
	c->on_gone = on_gone;
}

void sim_hang_up(unsigned nth)
{
	for (size_t i = 0; i < n_calls; i++) {
		struct sim_call *s = call[(i + nth) % n_calls];

		if (s->has_ended || s->is_inert)
			continue;
		s->is_inert = true;
		if (s->is_parked) {
			s->has_ended = true;
			s->call.on_gone(&s->call);
		}
		return;
	}
}

bool sim_is_busy(const char *ct)
{
	for (size_t i = 0; i < n_calls; i++)
		if (!call[i]->has_ended && !call[i]->is_parked && strcmp(call[i]->ct, ct) == 0)
			return true;
	return false;
}

static void (*handler_of(const char *method))(struct call *c)
{
	const struct server_method *m = service_table[0].methods;

	while (m->name && strcmp(m->name, method) != 0)
		m++;
	return m->handle;
}

/* While its Create or Start is under way the news of an init is withheld, from execs too. */
static bool is_starting(const char *ct)
{
	for (size_t i = 0; i < n_calls; i++)
		if (!call[i]->has_ended && strcmp(call[i]->ct, ct) == 0 && !call[i]->exec[0] &&
			(strcmp(call[i]->method, "Start") == 0 ||
				strcmp(call[i]->method, "Create") == 0))
			return true;
	return false;
}

void sim_ask(struct daemon *d, const char *method, const char *ct, const char *exec,
	const ProtobufCMessage *m)
{
	struct sim_call *s = calloc(1, sizeof(*s));
	const struct sim_proc *init = sim_find(SIM_INIT, ct, "");

	if (!s || n_calls == SIM_CALLS_MAX)
		abort();
	call[n_calls++] = s;
	s->method = method;
	snprintf(s->ct, sizeof(s->ct), "%s", ct);
	snprintf(s->exec, sizeof(s->exec), "%s", exec);
	s->init_was_gone = init && init->is_reaped && !is_starting(ct);
	s->payload.len = protobuf_c_message_get_packed_size(m);
	s->payload.data = malloc(s->payload.len + 1);
	protobuf_c_message_pack(m, s->payload.data);
	s->call.user = d;
	/* Some clients are not patient: half a second to twenty. */
	if (sim_fate("patience", method, 8) == 0)
		s->call.deadline_ns = (int64_t)(1 + sim_fate("how long", method, 40)) * 500000000;
	handler_of(method)(&s->call);
}

size_t sim_open_calls(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_calls; i++)
		n += !call[i]->has_ended;
	return n;
}

void sim_calls_reset(void)
{
	while (n_calls > 0) {
		free(call[--n_calls]->payload.data);
		free(call[n_calls]);
	}
}

void events_push(struct events *ev, const char *topic, const ProtobufCMessage *m)
{
	(void)ev;
	sim_event(topic, m);
}

/* This one stays: there is more to be asked. */
void daemon_shutdown(struct daemon *d)
{
	sim_demand(list_is_empty(&d->containers.all), "a shutdown with containers", "", "");
}
