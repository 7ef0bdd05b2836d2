/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message.h"

#include "base/auto.h"
#include "base/buf.h"
#include "proto/api/bootstrap.pb-c.h"
#include "proto/api/task.pb-c.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <sys/resource.h>

#define GO_ZERO_TIME INT64_C(-62135596800)

TEST(a_message_survives_the_wire)
{
	auto_buf struct buf bytes = BUF_INIT(4096);
	auto_message Pb__StateResponse *again = NULL;
	Pb__StateResponse state = PB__STATE_RESPONSE__INIT;
	Pb__Timestamp never = PB__TIMESTAMP__INIT;

	never.seconds = GO_ZERO_TIME;
	state.id = "web";
	state.status = PB__PROCESS_STATUS__PAUSED;
	state.exited_at = &never;
	assert_int_equal(message_pack(&state.base, &bytes), 0);
	again = message_unpack(&pb__state_response__descriptor, bytes.data, bytes.len);
	assert_non_null(again);
	assert_string_equal(again->id, "web");
	assert_string_equal(again->bundle, "");
	assert_int_equal(again->status, PB__PROCESS_STATUS__PAUSED);
	assert_true(again->exited_at->seconds == GO_ZERO_TIME);
}

TEST(a_level_below_zero_survives_the_wire)
{
	auto_buf struct buf bytes = BUF_INIT(4096);
	auto_message Pb__BootstrapParams *again = NULL;
	Pb__BootstrapParams params = PB__BOOTSTRAP_PARAMS__INIT;

	params.log_level = PB__LOG_LEVEL__DEBUG;
	assert_int_equal(message_pack(&params.base, &bytes), 0);
	assert_int_equal(bytes.len, 1 + 10);
	again = message_unpack(&pb__bootstrap_params__descriptor, bytes.data, bytes.len);
	assert_non_null(again);
	assert_int_equal(again->log_level, -4);
}

TEST(no_bytes_are_an_empty_message)
{
	auto_message Pb__StateRequest *m = message_unpack(&pb__state_request__descriptor, NULL, 0);

	assert_non_null(m);
	assert_string_equal(m->id, "");
}

TEST(garbage_is_no_message)
{
	const uint8_t garbage[] = { 0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f };

	assert_null(message_unpack(&pb__state_request__descriptor, garbage, sizeof(garbage)));
}

TEST(packing_appends_and_stops_at_the_ceiling)
{
	auto_buf struct buf bytes = BUF_INIT(10);
	Pb__StateRequest m = PB__STATE_REQUEST__INIT;

	m.id = "web";
	assert_int_equal(message_pack(&m.base, &bytes), 0);
	assert_int_equal(message_pack(&m.base, &bytes), 0);
	assert_int_equal(bytes.len, 10);
	assert_int_equal(message_pack(&m.base, &bytes), -ENOBUFS);
	assert_int_equal(bytes.len, 10);
}

/* Two bytes each: field 15, which no request has, a varint. */
static uint8_t *unknown_fields(size_t n)
{
	uint8_t *bytes = malloc(2 * n);

	for (size_t i = 0; i < n; i++) {
		bytes[2 * i] = 15 << 3;
		bytes[2 * i + 1] = 1;
	}
	return bytes;
}

static size_t peak_memory(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (size_t)ru.ru_maxrss * 1024;
}

/* Without a budget these 4 MiB take more than 200. A sanitizer's own share is allowed for. */
TEST(fields_we_do_not_know_cannot_cost_more_than_the_budget)
{
	size_t n = 2u << 20;
	auto_free uint8_t *bytes = unknown_fields(n);
	size_t before = peak_memory();

	assert_null(message_unpack(&pb__state_request__descriptor, bytes, 2 * n));
	assert_true(peak_memory() <= before + 2 * MESSAGE_BUDGET_MAX);
}

/* The budget ends somewhere else each time; what had been decoded until then must be freed. */
TEST(wherever_the_budget_ends_nothing_is_left_behind)
{
	static const char *options[5000];
	Pb__CreateTaskRequest m = PB__CREATE_TASK_REQUEST__INIT;
	Pb__Mount mount = PB__MOUNT__INIT, *mounts[] = { &mount, &mount };
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		options[i] = "";
	mount.options = options;
	m.rootfs = mounts;
	m.n_rootfs = ARRAY_LEN(mounts);
	for (size_t n = 1; n < ARRAY_LEN(options); n += 13) {
		auto_buf struct buf bytes = BUF_INIT(1u << 20);
		auto_message Pb__CreateTaskRequest *again = NULL;

		mount.n_options = n;
		assert_int_equal(message_pack(&m.base, &bytes), 0);
		again = message_unpack(&pb__create_task_request__descriptor, bytes.data, bytes.len);
		refused += !again;
	}
	assert_true(refused > 10);
}

/* What the strings and the decoder's own notes take would fit; with what malloc() keeps it does
 * not. */
TEST(what_a_block_costs_beside_its_bytes_counts)
{
	static const char *options[65000];
	Pb__CreateTaskRequest m = PB__CREATE_TASK_REQUEST__INIT;
	Pb__Mount mount = PB__MOUNT__INIT, *mounts[] = { &mount };
	auto_buf struct buf bytes = BUF_INIT(1u << 20);

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		options[i] = "r";
	mount.options = options;
	mount.n_options = ARRAY_LEN(options);
	m.rootfs = mounts;
	m.n_rootfs = 1;
	assert_int_equal(message_pack(&m.base, &bytes), 0);
	assert_null(message_unpack(&pb__create_task_request__descriptor, bytes.data, bytes.len));
}

TEST(a_few_fields_we_do_not_know_are_no_reason_to_refuse)
{
	auto_free uint8_t *bytes = unknown_fields(100);
	auto_message Pb__StateRequest *m =
		message_unpack(&pb__state_request__descriptor, bytes, 200);

	assert_non_null(m);
}

TEST(the_longest_honest_message_fits_the_budget)
{
	auto_buf struct buf bytes = BUF_INIT(8u << 20);
	auto_message Pb__ExecProcessRequest *again = NULL;
	Pb__ExecProcessRequest m = PB__EXEC_PROCESS_REQUEST__INIT;
	size_t n = (4u << 20) - 64;
	auto_free uint8_t *value = calloc(1, n);
	Pb__Any spec = PB__ANY__INIT;

	spec.value = (ProtobufCBinaryData){ .len = n, .data = value };
	m.spec = &spec;
	assert_int_equal(message_pack(&m.base, &bytes), 0);
	again = message_unpack(&pb__exec_process_request__descriptor, bytes.data, bytes.len);
	assert_non_null(again);
	assert_int_equal(again->spec->value.len, n);
}

TEST(a_create_request_with_many_layers_fits_the_budget)
{
	enum {
		N = 500
	};
	auto_buf struct buf bytes = BUF_INIT(4u << 20);
	auto_message Pb__CreateTaskRequest *again = NULL;
	Pb__CreateTaskRequest m = PB__CREATE_TASK_REQUEST__INIT;
	Pb__Mount mounts[N], *pointers[N];
	const char *options[] = { "ro", "rw", "nosuid", "" };

	for (size_t i = 0; i < N; i++) {
		pb__mount__init(&mounts[i]);
		mounts[i].type = "bind";
		mounts[i].options = options;
		mounts[i].n_options = ARRAY_LEN(options);
		pointers[i] = &mounts[i];
	}
	m.rootfs = pointers;
	m.n_rootfs = N;
	assert_int_equal(message_pack(&m.base, &bytes), 0);
	again = message_unpack(&pb__create_task_request__descriptor, bytes.data, bytes.len);
	assert_non_null(again);
	assert_int_equal(again->n_rootfs, N);
	assert_string_equal(again->rootfs[N - 1]->options[2], "nosuid");
}
