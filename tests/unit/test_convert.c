/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/convert.h"

#include "base/buf.h"
#include "proto/any.h"
#include "proto/message.h"
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

/* 0001-01-01T00:00:00Z */
#define NEVER (-62135596800LL)

TEST(the_fields_of_create_arrive_in_their_places)
{
	Pb__CreateTaskRequest req = PB__CREATE_TASK_REQUEST__INIT;
	struct err e = ERR_INIT;
	struct convert_create c;

	req.id = "c1";
	req.bundle = "/b";
	req.stdin = "in";
	req.stdout = "out";
	req.stderr = "err";
	req.terminal = true;
	assert_int_equal(convert_create(&c, &req, &e), 0);
	assert_string_equal(c.args.id, "c1");
	assert_string_equal(c.args.bundle, "/b");
	assert_string_equal(c.args.io.in, "in");
	assert_string_equal(c.args.io.out, "out");
	assert_string_equal(c.args.io.err, "err");
	assert_true(c.args.io.terminal);
	assert_int_equal(c.args.n_mounts, 0);
	assert_null(c.options);
	convert_create_fini(&c);
	convert_create_fini(&c);
}

static int with_options(struct convert_create *c, const Pb__Any *any, struct err *e)
{
	Pb__CreateTaskRequest req = PB__CREATE_TASK_REQUEST__INIT;

	req.options = (Pb__Any *)any;
	return convert_create(c, &req, e);
}

TEST(options_are_the_runtimes)
{
	auto_buf struct buf bytes = BUF_INIT(4096);
	Runc__Options o = RUNC__OPTIONS__INIT;
	struct err e = ERR_INIT;
	struct convert_create c;
	Pb__Any any;

	o.binary_name = "crun";
	o.root = "/r";
	o.shim_cgroup = "/s";
	o.criu_image_path = "/i";
	o.criu_work_path = "/w";
	o.no_pivot_root = o.no_new_keyring = o.systemd_cgroup = true;
	o.io_uid = 7;
	o.io_gid = 8;
	assert_int_equal(any_pack(&o.base, &bytes, &any), 0);
	assert_int_equal(with_options(&c, &any, &e), 0);
	assert_string_equal(c.args.options.binary, "crun");
	assert_string_equal(c.args.options.root, "/r");
	assert_string_equal(c.args.options.shim_cgroup, "/s");
	assert_string_equal(c.args.options.criu_image_path, "/i");
	assert_string_equal(c.args.options.criu_work_path, "/w");
	assert_true(c.args.options.no_pivot);
	assert_true(c.args.options.no_new_keyring);
	assert_true(c.args.options.systemd_cgroup);
	assert_int_equal(c.args.options.io_uid, 7);
	assert_int_equal(c.args.options.io_gid, 8);
	convert_create_fini(&c);
}

TEST(options_that_are_absent_or_empty_are_all_defaults)
{
	Pb__Any any = PB__ANY__INIT;
	struct err e = ERR_INIT;
	struct convert_create c;

	assert_int_equal(with_options(&c, &any, &e), 0);
	convert_create_fini(&c);
	any.type_url = "whatever";
	assert_int_equal(with_options(&c, &any, &e), 0);
	convert_create_fini(&c);
}

TEST(options_of_another_type_or_broken_ones_are_refused)
{
	uint8_t garbage[] = { 0x12, 0x7f };
	Pb__Any any = PB__ANY__INIT;
	struct err e = ERR_INIT;
	struct convert_create c;

	any.value = (ProtobufCBinaryData){ sizeof(garbage), garbage };
	any.type_url = "containerd.linux.runc.CreateOptions";
	assert_int_equal(with_options(&c, &any, &e), -1);
	assert_string_equal(e.msg, "type with url containerd.linux.runc.CreateOptions: not found");
	assert_int_equal(e.status, STATUS_UNKNOWN);
	any.type_url = "containerd.runc.v1.Options";
	assert_int_equal(with_options(&c, &any, &e), -1);
	assert_string_equal(e.msg, "options of type containerd.runc.v1.Options cannot be decoded");
	assert_int_equal(e.status, STATUS_INVALID_ARGUMENT);
	any.type_url = "type.googleapis.com/containerd.runc.v1.Options";
	any.value.len = 0;
	assert_int_equal(with_options(&c, &any, &e), 0);
	convert_create_fini(&c);
}

static int with_mounts(struct convert_create *c, size_t n_mounts, size_t n_options, struct err *e)
{
	Pb__CreateTaskRequest req = PB__CREATE_TASK_REQUEST__INIT;
	const char **options = calloc(n_options + 1, sizeof(*options));
	Pb__Mount **list = calloc(n_mounts + 1, sizeof(*list));
	Pb__Mount m = PB__MOUNT__INIT;
	int rc;

	m.type = "bind";
	m.source = "/src";
	m.target = "sub";
	for (size_t i = 0; i < n_options; i++)
		options[i] = "ro";
	m.options = (void *)options;
	m.n_options = n_options;
	for (size_t i = 0; i < n_mounts; i++)
		list[i] = &m;
	req.rootfs = list;
	req.n_rootfs = n_mounts;
	rc = convert_create(c, &req, e);
	if (rc == 0 && n_mounts > 0) {
		assert_string_equal(c->mounts[n_mounts - 1].type, "bind");
		assert_string_equal(c->mounts[n_mounts - 1].source, "/src");
		assert_string_equal(c->mounts[n_mounts - 1].target, "sub");
		assert_int_equal(c->mounts[n_mounts - 1].n_options, n_options);
		assert_ptr_equal(c->args.mounts, c->mounts);
	}
	free(list);
	free(options);
	return rc;
}

TEST(mounts_arrive_up_to_their_limits)
{
	struct err e = ERR_INIT;
	struct convert_create c;

	assert_int_equal(with_mounts(&c, ROOTFS_MOUNTS_MAX, 1, &e), 0);
	assert_int_equal(c.args.n_mounts, ROOTFS_MOUNTS_MAX);
	convert_create_fini(&c);
	assert_int_equal(with_mounts(&c, ROOTFS_MOUNTS_MAX + 1, 1, &e), -1);
	assert_string_equal(e.msg, "65 mounts for one rootfs, at most 64");
	assert_int_equal(e.status, STATUS_INVALID_ARGUMENT);
	assert_int_equal(with_mounts(&c, 1, ROOTFS_OPTIONS_MAX, &e), 0);
	convert_create_fini(&c);
	assert_int_equal(with_mounts(&c, 1, ROOTFS_OPTIONS_MAX + 1, &e), -1);
	assert_string_equal(e.msg, "1025 options for one mount, at most 1024");
}

TEST(no_exit_is_gos_zero_time)
{
	struct exit_record exit = { .at = { .tv_sec = 5, .tv_nsec = 7 } };

	assert_true(convert_exited_at(&exit).seconds == NEVER);
	assert_int_equal(convert_exited_at(&exit).nanos, 0);
	exit.is_set = true;
	assert_true(convert_exited_at(&exit).seconds == 5);
	assert_int_equal(convert_exited_at(&exit).nanos, 7);
}

static Pb__ProcessStatus status(enum state own, enum state inits, bool is_pausing)
{
	struct container ct = { .init.state = inits, .is_pausing = is_pausing };
	struct process p = { .ct = &ct, .state = own };

	return convert_status(&p);
}

TEST(states_have_numbers_and_a_paused_container_pauses_its_execs)
{
	assert_int_equal(status(STATE_CREATED, STATE_RUNNING, false), PB__PROCESS_STATUS__CREATED);
	assert_int_equal(status(STATE_RUNNING, STATE_RUNNING, false), PB__PROCESS_STATUS__RUNNING);
	assert_int_equal(status(STATE_PAUSED, STATE_PAUSED, false), PB__PROCESS_STATUS__PAUSED);
	assert_int_equal(status(STATE_STOPPED, STATE_STOPPED, false), PB__PROCESS_STATUS__STOPPED);
	assert_int_equal(status(STATE_DELETED, STATE_DELETED, false), PB__PROCESS_STATUS__STOPPED);
	assert_int_equal(status(STATE_RUNNING, STATE_PAUSED, false), PB__PROCESS_STATUS__PAUSED);
	assert_int_equal(status(STATE_RUNNING, STATE_RUNNING, true), PB__PROCESS_STATUS__PAUSING);
	assert_int_equal(status(STATE_STOPPED, STATE_PAUSED, true), PB__PROCESS_STATUS__STOPPED);
}
