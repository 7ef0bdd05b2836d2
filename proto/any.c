/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/any.h"

#include "base/buf.h"
#include "proto/message.h"

#include <assert.h>
#include <string.h>

const char *any_type(const char *url)
{
	const char *slash = strrchr(url, '/');

	return slash ? slash + 1 : url;
}

bool any_is(const Pb__Any *any, const char *type)
{
	return any && strcmp(any_type(any->type_url), any_type(type)) == 0;
}

void *any_unpack(const Pb__Any *any, const ProtobufCMessageDescriptor *type)
{
	if (!any_is(any, type->name))
		return NULL;
	return message_unpack(type, any->value.data, any->value.len);
}

int any_pack(const ProtobufCMessage *m, struct buf *bytes, Pb__Any *ret_any)
{
	int rc;

	assert(bytes->len == 0);
	rc = message_pack(m, bytes);
	if (rc < 0)
		return rc;
	pb__any__init(ret_any);
	ret_any->type_url = m->descriptor->name;
	ret_any->value = (ProtobufCBinaryData){ .len = bytes->len, .data = bytes->data };
	return 0;
}
