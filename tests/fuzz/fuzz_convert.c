/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_convert.c - requests beyond their messages: what is in a Create, a Checkpoint and the
 * options of either, typed or as text. The first byte says which.
 */

#include "proto/message.h"
#include "shim/convert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(int rc, const struct err *e)
{
	if ((rc < 0) != err_is_set(e) || strnlen(e->msg, sizeof(e->msg)) == sizeof(e->msg))
		abort();
}

static void create(const uint8_t *data, size_t n, struct err *e)
{
	auto_message Pb__CreateTaskRequest *req =
		message_unpack(&pb__create_task_request__descriptor, data, n);
	struct convert_create c;
	int rc = req ? convert_create(&c, req, e) : -1;

	if (!req)
		return;
	check(rc, e);
	if (rc == 0)
		convert_create_fini(&c);
}

static void checkpoint(const uint8_t *data, size_t n, struct err *e)
{
	auto_message Pb__CheckpointTaskRequest *req =
		message_unpack(&pb__checkpoint_task_request__descriptor, data, n);
	struct convert_checkpoint c;
	int rc = req ? convert_checkpoint(&c, req, e) : -1;

	if (!req)
		return;
	check(rc, e);
	if (rc == 0)
		convert_checkpoint_fini(&c);
}

static void options(const uint8_t *data, size_t n, struct err *e)
{
	auto_message Pb__Any *any = message_unpack(&pb__any__descriptor, data, n);
	struct convert_create c;
	int rc = any ? convert_options(&c, any, e) : -1;

	if (!any)
		return;
	check(rc, e);
	if (rc == 0)
		convert_create_fini(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const kinds[])(
		const uint8_t *, size_t, struct err *) = { create, checkpoint, options };
	struct err e = ERR_INIT;

	if (n > 0)
		kinds[data[0] % ARRAY_LEN(kinds)](data + 1, n - 1, &e);
	return 0;
}
