/* SPDX-License-Identifier: Apache-2.0 */

/*
 * events_json.c - an event of any known type as JSON, by its descriptor.
 */

#include "base/attr.h"
#include "proto/any.h"
#include "proto/message.h"
#include "shim/ctl/events_command.h"
#include "shim/ctl/format.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const ProtobufCMessageDescriptor *const types[] = {
	&pb__task_create__descriptor,
	&pb__task_start__descriptor,
	&pb__task_delete__descriptor,
	&pb__task_exit__descriptor,
	&pb__task_oom__descriptor,
	&pb__task_exec_added__descriptor,
	&pb__task_exec_started__descriptor,
	&pb__task_paused__descriptor,
	&pb__task_resumed__descriptor,
	&pb__task_checkpointed__descriptor,
};

static json_t *time_json(const Pb__Timestamp *t)
{
	char text[40], whole[32];
	time_t when = (time_t)t->seconds;
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03dZ", whole, (int)(t->nanos / 1000000) % 1000);
	return json_string(text);
}

/* Strings, numbers and times; what else there is (mounts, streams) is not news. */
static json_t *member_json(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	const char *at = (const char *)m + f->offset;
	const void *pointer;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return NULL;
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		memcpy(&pointer, at, sizeof(pointer));
		return json_string(pointer);
	case PROTOBUF_C_TYPE_UINT32:
		return json_integer(*(const uint32_t *)(const void *)at);
	case PROTOBUF_C_TYPE_MESSAGE:
		memcpy(&pointer, at, sizeof(pointer));
		return pointer && f->descriptor == &pb__timestamp__descriptor ? time_json(pointer)
									      : NULL;
	default:
		return NULL;
	}
}

static void add_members(json_t *out, const ProtobufCMessage *m)
{
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		json_t *value = member_json(m, f);

		if (value)
			json_object_set_new(out, f->name, value);
	}
}

json_t *events_json(const Pb__Envelope *envelope)
{
	json_t *out = json_pack(
		"{s:s, s:s}", "namespace", envelope->namespace_, "topic", envelope->topic);

	if (out && envelope->timestamp)
		json_object_set_new(out, "time", time_json(envelope->timestamp));
	for (size_t i = 0; out && i < ARRAY_LEN(types); i++) {
		auto_message ProtobufCMessage *m = any_unpack(envelope->event, types[i]);

		if (m)
			add_members(out, m);
	}
	return out;
}

static void print_text(json_t *event)
{
	const char *key;
	json_t *value;

	format_tame_json(event);
	printf("%s %s %s", json_string_value(json_object_get(event, "time")),
		json_string_value(json_object_get(event, "namespace")),
		json_string_value(json_object_get(event, "topic")));
	json_object_foreach(event, key, value)
	{
		if (strcmp(key, "time") == 0 || strcmp(key, "namespace") == 0 ||
			strcmp(key, "topic") == 0)
			continue;
		if (json_is_string(value) && json_string_value(value)[0])
			printf(" %s=%s", key, json_string_value(value));
		else if (json_is_integer(value))
			printf(" %s=%" JSON_INTEGER_FORMAT, key, json_integer_value(value));
	}
	putchar('\n');
}

int events_print(json_t *event, bool json)
{
	int rc = 0;

	if (event && json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (event) {
		print_text(event);
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		rc = errno ? -errno : -EIO;
	json_decref(event);
	return rc;
}

bool events_are_read(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) <= 0 || !(out.revents & (POLLERR | POLLHUP));
}
