/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/call.h"

#include "tests/unit/server_rig.h"

/* --- replies --- */

TEST(a_call_gets_its_reply_and_success_has_no_status)
{
	uint32_t at = 0, stream;
	struct rig r;

	rig_init(&r);
	stream = call(&r, "Echo");
	{
		auto_message Ttrpc__Response *res = response(&r, &at);
		auto_message Pb__StateResponse *state = message_unpack(
			&pb__state_response__descriptor, res->payload.data, res->payload.len);

		assert_int_equal(at, stream);
		assert_null(res->status);
		assert_string_equal(state->id, "web");
		assert_string_equal(state->bundle, "test.v3.Task");
	}
	rig_fini(&r);
}

TEST(an_empty_reply_is_an_empty_response)
{
	struct rig r;

	rig_init(&r);
	call(&r, "Nothing");
	while (r.got.len < FRAME_HEADER_LEN)
		assert_true(client_reads(&r));
	assert_memory_equal(r.got.data, "\0\0\0\0\0\0\0\1\2\0", FRAME_HEADER_LEN);
	assert_int_equal(r.got.len, FRAME_HEADER_LEN);
	rig_fini(&r);
}

TEST(a_failed_call_says_why)
{
	struct rig r;

	rig_init(&r);
	assert_fails(&r, call(&r, "Refuse"), STATUS_NOT_FOUND, "container not created: not found");
	rig_fini(&r);
}

TEST(calls_are_answered_in_the_order_they_end)
{
	uint32_t slow, quick;
	struct err e;
	struct rig r;

	rig_init(&r);
	slow = call(&r, "Hold");
	quick = call(&r, "Echo");
	assert_succeeds(&r, quick);
	err_set(&e, STATUS_ABORTED, "no more");
	call_fail(first_held(&r), &e);
	assert_true(list_is_empty(&r.held));
	assert_fails(&r, slow, STATUS_ABORTED, "no more");
	rig_fini(&r);
}

TEST(a_payload_nobody_can_read_fails_the_call)
{
	Ttrpc__Request req = TTRPC__REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	req.service = "test.v3.Task";
	req.method = "Echo";
	req.payload = (ProtobufCBinaryData){ 2, (uint8_t *)"\x0a\x7f" };
	send_request(&r, 1, &req);
	assert_fails(&r, 1, STATUS_INTERNAL,
		"ttrpc: error unmarshalling payload: 2 bytes are no StateRequest");
	assert_int_equal(r.server.n_calls, 0);
	rig_fini(&r);
}

TEST(a_reply_that_is_too_long_fails_the_call_and_the_connection_stays)
{
	struct rig r;

	rig_init(&r);
	assert_fails(&r, call(&r, "Enormous"), STATUS_RESOURCE_EXHAUSTED,
		"message length 4194310 exceed maximum message size of 4194304");
	assert_serves(&r);
	rig_fini(&r);
}

/* --- time --- */

TEST(a_handler_knows_how_long_its_client_will_wait)
{
	uint32_t at;
	struct rig r;

	rig_init(&r);
	call_with_timeout(&r, "test.v3.Task", "Time", INT64_C(60000000000));
	call_with_timeout(&r, "test.v3.Task", "Time", 0);
	call_with_timeout(&r, "test.v3.Task", "Time", INT64_MAX);
	for (int i = 0; i < 3; i++) {
		auto_message Ttrpc__Response *res = response(&r, &at);
		auto_message Pb__ResizePtyRequest *ms = message_unpack(
			&pb__resize_pty_request__descriptor, res->payload.data, res->payload.len);

		if (i == 0)
			assert_in_range(ms->width, 50000, 60000);
		if (i == 1)
			assert_int_equal(ms->width, 0);
		if (i == 2)
			assert_true(ms->width == UINT32_MAX);
	}
	rig_fini(&r);
}

TEST(a_call_that_is_too_late_already_does_not_reach_its_handler)
{
	uint32_t stream;
	struct rig r;

	rig_init(&r);
	stream = call_with_timeout(&r, "test.v3.Task", "Hold", -1);
	assert_fails(&r, stream, STATUS_DEADLINE_EXCEEDED, "context deadline exceeded");
	assert_true(list_is_empty(&r.held));
	rig_fini(&r);
}

static bool is_waiting(void *arg)
{
	struct rig *r = arg;

	return r->n_gone == 0;
}

TEST(a_parked_call_whose_time_is_up_is_answered_and_forgotten)
{
	uint32_t stream;
	struct rig r;

	rig_init(&r);
	stream = call_with_timeout(&r, "test.v3.Task", "Park", INT64_C(1000000000));
	loop_run_while(r.loop, is_waiting, &r);
	assert_false(r.gone_while_inert);
	assert_fails(&r, stream, STATUS_DEADLINE_EXCEEDED, "context deadline exceeded");
	assert_int_equal(r.n_gone, 1);
	assert_int_equal(r.server.n_calls, 0);
	assert_silent(&r);
	rig_fini(&r);
}

TEST(a_parked_call_may_end_like_any_other)
{
	uint32_t stream;
	struct rig r;

	rig_init(&r);
	stream = call_with_timeout(&r, "test.v3.Task", "Park", INT64_C(60000000000));
	settle(&r);
	nothing(first_held(&r));
	assert_succeeds(&r, stream);
	assert_int_equal(r.n_gone, 0);
	rig_fini(&r);
}

/* Its timer must not outlive it: the second call waits longer than the first would have. */
TEST(a_parked_call_that_ended_is_never_late)
{
	uint32_t quick, slow;
	struct rig r;

	rig_init(&r);
	quick = call_with_timeout(&r, "test.v3.Task", "Park", INT64_C(1000000000));
	settle(&r);
	nothing(first_held(&r));
	slow = call_with_timeout(&r, "test.v3.Task", "Park", INT64_C(1100000000));
	loop_run_while(r.loop, is_waiting, &r);
	assert_int_equal(r.n_gone, 1);
	assert_succeeds(&r, quick);
	assert_fails(&r, slow, STATUS_DEADLINE_EXCEEDED, "context deadline exceeded");
	rig_fini(&r);
}

/* --- hanging up --- */

TEST(a_client_that_hangs_up_makes_its_calls_inert)
{
	struct rig r;

	rig_init(&r);
	call(&r, "Hold");
	call(&r, "Hold");
	settle(&r);
	fd_drop(&r.client);
	settle(&r);
	assert_int_equal(r.server.n_peers, 0);
	assert_int_equal(r.server.n_calls, 2);
	assert_true(call_is_inert(first_held(&r)));
	nothing(first_held(&r));
	refuse(first_held(&r));
	assert_true(list_is_empty(&r.held));
	assert_int_equal(r.server.n_calls, 0);
	rig_fini(&r);
}

TEST(a_client_that_hangs_up_has_its_parked_calls_forgotten)
{
	struct rig r;

	rig_init(&r);
	call(&r, "Park");
	call(&r, "Hold");
	call(&r, "Park");
	settle(&r);
	fd_drop(&r.client);
	settle(&r);
	assert_int_equal(r.n_gone, 2);
	assert_true(r.gone_while_inert);
	assert_int_equal(r.server.n_calls, 1);
	nothing(first_held(&r));
	rig_fini(&r);
}

TEST(a_call_parked_after_its_client_hung_up_is_forgotten_from_the_loop)
{
	struct call *c;
	struct rig r;

	rig_init(&r);
	call(&r, "Hold");
	settle(&r);
	fd_drop(&r.client);
	settle(&r);
	c = first_held(&r);
	c->owner = &r;
	call_park(c, forgotten);
	assert_int_equal(r.n_gone, 0);
	loop_run_while(r.loop, is_waiting, &r);
	assert_true(r.gone_while_inert);
	assert_int_equal(r.server.n_calls, 0);
	rig_fini(&r);
}

/* The owner of one call ends another one, of the same client, while it forgets the first. */
static void ends_all_others(struct call *c)
{
	struct rig *r = c->owner;

	forgotten(c);
	while (!list_is_empty(&r->held))
		nothing(first_held(r));
}

TEST(forgetting_one_parked_call_may_end_the_others)
{
	struct rig r;

	rig_init(&r);
	for (int i = 0; i < 5; i++)
		call(&r, "Hold");
	settle(&r);
	list_each (it, &r.held) {
		struct call *c = container_of(it, struct call, link);

		c->owner = &r;
		call_park(c, ends_all_others);
	}
	fd_drop(&r.client);
	settle(&r);
	assert_int_equal(r.n_gone, 1);
	assert_int_equal(r.server.n_calls, 0);
	rig_fini(&r);
}

TEST(calls_outlive_the_server)
{
	struct call *c;
	uint8_t untouched[sizeof(struct server)];
	struct rig r;

	rig_init(&r);
	call(&r, "Park");
	call(&r, "Hold");
	settle(&r);
	server_fini(&r.server);
	assert_int_equal(r.n_gone, 1);
	c = first_held(&r);
	assert_true(call_is_inert(c));
	memset(&r.server, 0xff, sizeof(r.server)); /* gone is gone */
	memset(untouched, 0xff, sizeof(untouched));
	nothing(c);
	assert_memory_equal(&r.server, untouched, sizeof(untouched));
	fd_drop(&r.client);
	buf_fini(&r.got);
	ev_loop_destroy(r.loop);
}

TEST(a_call_parked_without_a_client_is_forgotten_with_the_server)
{
	struct call *c;
	struct rig r;

	rig_init(&r);
	call(&r, "Hold");
	settle(&r);
	fd_drop(&r.client);
	settle(&r);
	c = first_held(&r);
	c->owner = &r;
	call_park(c, forgotten);
	rig_fini(&r);
	assert_int_equal(r.n_gone, 1);
}
