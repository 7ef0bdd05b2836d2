/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/any.h"

#include "base/buf.h"
#include "proto/api/events.pb-c.h"
#include "proto/api/metrics_v1.pb-c.h"
#include "proto/api/metrics_v2.pb-c.h"
#include "proto/api/options.pb-c.h"
#include "proto/api/runtimeoptions.pb-c.h"
#include "proto/message.h"
#include "tests/lib/test.h"

#include <errno.h>

TEST(only_what_follows_the_last_slash_names_the_type)
{
	assert_string_equal(any_type("containerd.runc.v1.Options"), "containerd.runc.v1.Options");
	assert_string_equal(any_type("type.googleapis.com/a.B"), "a.B");
	assert_string_equal(
		any_type("types.containerd.io/opencontainers/runtime-spec/1/Spec"), "Spec");
	assert_string_equal(any_type("/"), "");
	assert_string_equal(any_type(""), "");
}

TEST(an_any_is_of_its_type_with_or_without_a_host_in_front)
{
	Pb__Any any = PB__ANY__INIT;

	any.type_url = "containerd.runc.v1.Options";
	assert_true(any_is(&any, "containerd.runc.v1.Options"));
	any.type_url = "type.googleapis.com/containerd.runc.v1.Options";
	assert_true(any_is(&any, "containerd.runc.v1.Options"));
	assert_false(any_is(&any, "runtimeoptions.v1.Options"));
	assert_false(any_is(NULL, "containerd.runc.v1.Options"));
}

TEST(the_names_in_our_files_are_the_names_on_the_wire)
{
	assert_string_equal(pb__task_exit__descriptor.name, "containerd.events.TaskExit");
	assert_string_equal(runc__options__descriptor.name, "containerd.runc.v1.Options");
	assert_string_equal(
		runc__checkpoint_options__descriptor.name, "containerd.runc.v1.CheckpointOptions");
	assert_string_equal(
		runc__process_details__descriptor.name, "containerd.runc.v1.ProcessDetails");
	assert_string_equal(runtimeoptions__options__descriptor.name, "runtimeoptions.v1.Options");
	assert_string_equal(cgroup1__metrics__descriptor.name, "io.containerd.cgroups.v1.Metrics");
	assert_string_equal(cgroup2__metrics__descriptor.name, "io.containerd.cgroups.v2.Metrics");
}

TEST(a_message_survives_being_wrapped)
{
	auto_buf struct buf bytes = BUF_INIT(4096);
	auto_message Pb__TaskExit *again = NULL;
	Pb__TaskExit exited = PB__TASK_EXIT__INIT;
	Pb__Any any;

	exited.container_id = "web";
	exited.exit_status = 137;
	assert_int_equal(any_pack(&exited.base, &bytes, &any), 0);
	assert_string_equal(any.type_url, "containerd.events.TaskExit");
	again = any_unpack(&any, &pb__task_exit__descriptor);
	assert_non_null(again);
	assert_string_equal(again->container_id, "web");
	assert_int_equal(again->exit_status, 137);
}

TEST(an_any_of_another_type_is_not_unpacked)
{
	auto_buf struct buf bytes = BUF_INIT(4096);
	Pb__TaskOOM oom = PB__TASK_OOM__INIT;
	Pb__Any any;

	assert_int_equal(any_pack(&oom.base, &bytes, &any), 0);
	assert_null(any_unpack(&any, &pb__task_exit__descriptor));
	assert_null(any_unpack(NULL, &pb__task_exit__descriptor));
}

TEST(wrapping_stops_at_the_ceiling_of_the_buffer)
{
	auto_buf struct buf bytes = BUF_INIT(4);
	Pb__TaskOOM oom = PB__TASK_OOM__INIT;
	Pb__Any any;

	oom.container_id = "longer than four";
	assert_int_equal(any_pack(&oom.base, &bytes, &any), -ENOBUFS);
}
