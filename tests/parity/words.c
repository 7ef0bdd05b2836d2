/* SPDX-License-Identifier: Apache-2.0 */

/*
 * words.c - replies and events as text, by the descriptors of their types. Fields with their
 * default value are left out, as on the wire.
 */

#include "tests/parity/words.h"

#include "proto/any.h"
#include "proto/api/events.pb-c.h"
#include "proto/api/metrics_v1.pb-c.h"
#include "proto/api/metrics_v2.pb-c.h"
#include "proto/api/options.pb-c.h"
#include "proto/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GO_ZERO_TIME (-62135596800LL)
#define A_WHILE_S    300

static const ProtobufCMessageDescriptor *const known[] = {
	&pb__task_create__descriptor,
	&pb__task_start__descriptor,
	&pb__task_delete__descriptor,
	&pb__task_exec_added__descriptor,
	&pb__task_exec_started__descriptor,
	&pb__task_exit__descriptor,
	&pb__task_paused__descriptor,
	&pb__task_resumed__descriptor,
	&pb__task_oom__descriptor,
	&pb__task_checkpointed__descriptor,
	&runc__process_details__descriptor,
	&cgroup1__metrics__descriptor,
	&cgroup2__metrics__descriptor,
};

static void put(struct words *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void put(struct words *w, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (buf_add(&w->text, text, strlen(text)) < 0)
		abort();
}

static void put_time(struct words *w, const Pb__Timestamp *t)
{
	long long age = (long long)time(NULL) - t->seconds;

	if (t->seconds == GO_ZERO_TIME && t->nanos == 0)
		put(w, "never");
	else if (age > -2 && age < A_WHILE_S)
		put(w, "just now");
	else
		put(w, "%lld", (long long)t->seconds);
}

static void put_any(struct words *w, const Pb__Any *any)
{
	put(w, "%s ", any->type_url);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		ProtobufCMessage *m = any_unpack(any, known[i]);
		bool was_shape = w->is_shape;

		if (!m)
			continue;
		w->is_shape |= strstr(known[i]->name, "Metrics") != NULL;
		put(w, "{ ");
		words_put(w, m);
		put(w, "}");
		w->is_shape = was_shape;
		message_free(m);
		return;
	}
	put(w, "(%zu bytes)", any->value.len);
}

static void put_message(struct words *w, const ProtobufCMessage *m)
{
	if (m->descriptor == &pb__timestamp__descriptor) {
		put_time(w, (const Pb__Timestamp *)m);
	} else if (m->descriptor == &pb__any__descriptor) {
		put_any(w, (const Pb__Any *)m);
	} else {
		put(w, "{ ");
		words_put(w, m);
		put(w, "}");
	}
}

static void put_number(struct words *w, const ProtobufCFieldDescriptor *f, unsigned long long n)
{
	if (strcmp(f->name, "pid") == 0 || strcmp(f->name, "task_pid") == 0 ||
		strcmp(f->name, "shim_pid") == 0)
		put(w, "%s", w->name_of_pid(w->user, (uint32_t)n));
	else
		put(w, "%llu", n);
}

static unsigned long long number_at(const ProtobufCFieldDescriptor *f, const void *at)
{
	uint64_t wide;
	uint32_t narrow;

	switch (f->type) {
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		memcpy(&wide, at, sizeof(wide));
		return wide;
	default:
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
}

/* Of figures only the limits are the same every time. */
static bool is_figure(const struct words *w, const ProtobufCFieldDescriptor *f)
{
	return w->is_shape && f->type != PROTOBUF_C_TYPE_MESSAGE && !strstr(f->name, "limit") &&
	       !strstr(f->name, "pagesize");
}

static void put_value(struct words *w, const ProtobufCFieldDescriptor *f, const void *at)
{
	const ProtobufCMessage *m;
	const char *s;

	switch (f->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		memcpy(&m, at, sizeof(m));
		put_message(w, m);
		return;
	case PROTOBUF_C_TYPE_STRING:
		memcpy(&s, at, sizeof(s));
		put(w, "%s", s);
		return;
	default:
		put_number(w, f, number_at(f, at));
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
	case PROTOBUF_C_TYPE_STRING:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return sizeof(uint64_t);
	default:
		return sizeof(uint32_t);
	}
}

static bool is_default(const ProtobufCFieldDescriptor *f, const void *at)
{
	const char *pointer;

	if (f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING) {
		memcpy(&pointer, at, sizeof(pointer));
		return !pointer || (f->type == PROTOBUF_C_TYPE_STRING && !pointer[0]);
	}
	return number_at(f, at) == 0;
}

static void put_field(struct words *w, const ProtobufCFieldDescriptor *f, const char *base)
{
	const char *at = base + f->offset;
	size_t n = 1;

	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		memcpy(&n, base + f->quantifier_offset, sizeof(n));
		memcpy(&at, base + f->offset, sizeof(at));
	} else if (is_default(f, at)) {
		return;
	}
	if (is_figure(w, f))
		return;
	for (size_t i = 0; i < n; i++) {
		put(w, "%s=", f->name);
		put_value(w, f, at + i * size_of(f));
		put(w, " ");
	}
}

void words_put(struct words *w, const ProtobufCMessage *m)
{
	for (unsigned int i = 0; i < m->descriptor->n_fields; i++)
		put_field(w, &m->descriptor->fields[i], (const char *)m);
}
