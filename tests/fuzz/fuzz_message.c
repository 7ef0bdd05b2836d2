/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_message.c - every request of the Task API and what `start` reads: the first byte says which
 * message the rest is to be.
 */

#include "base/buf.h"
#include "proto/api/bootstrap.pb-c.h"
#include "proto/api/options.pb-c.h"
#include "proto/api/runtimeoptions.pb-c.h"
#include "proto/api/task.pb-c.h"
#include "proto/api/wellknown.pb-c.h"
#include "proto/message.h"

#include <stdlib.h>

static const ProtobufCMessageDescriptor *const types[] = {
	&pb__create_task_request__descriptor,
	&pb__start_request__descriptor,
	&pb__delete_request__descriptor,
	&pb__state_request__descriptor,
	&pb__exec_process_request__descriptor,
	&pb__resize_pty_request__descriptor,
	&pb__pids_request__descriptor,
	&pb__pause_request__descriptor,
	&pb__resume_request__descriptor,
	&pb__checkpoint_task_request__descriptor,
	&pb__kill_request__descriptor,
	&pb__close_iorequest__descriptor,
	&pb__update_task_request__descriptor,
	&pb__wait_request__descriptor,
	&pb__stats_request__descriptor,
	&pb__connect_request__descriptor,
	&pb__shutdown_request__descriptor,
	&pb__bootstrap_params__descriptor,
	&pb__any__descriptor,
	&runc__options__descriptor,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What was read can be written again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_buf struct buf out = BUF_INIT(4u << 20);
	auto_message ProtobufCMessage *m = NULL;

	if (n == 0)
		return 0;
	m = message_unpack(types[data[0] % ARRAY_LEN(types)], data + 1, n - 1);
	if (m && message_pack(m, &out) < 0)
		abort();
	return 0;
}
