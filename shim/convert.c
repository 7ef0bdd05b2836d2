/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/convert.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "proto/any.h"
#include "proto/api/runtimeoptions.pb-c.h"
#include "proto/message.h"

#include <fcntl.h>
#include <stdlib.h>

/* 0001-01-01T00:00:00Z: Go's zero time. Left out, it would read as 1970 and not as "never". */
#define GO_ZERO_TIME (-62135596800LL)

/* As text, from the message itself or from the file it names. */
static int convert_toml(struct convert_create *c, const Pb__Any *any, struct err *e)
{
	auto_message Runtimeoptions__Options *o =
		any_unpack(any, &runtimeoptions__options__descriptor);
	auto_buf struct buf text = BUF_INIT(RUNTIME_OPTIONS_MAX);
	int rc = 0;

	if (!o)
		return err_set(e, STATUS_INVALID_ARGUMENT, "options of type %s cannot be decoded",
			any->type_url);
	if (o->config_path[0])
		rc = fd_read_file(AT_FDCWD, o->config_path, &text);
	else if (o->config_body.len > 0)
		rc = buf_add(&text, o->config_body.data, o->config_body.len);
	if (rc < 0)
		return err_rc(e, rc, "runtime options %s", o->config_path);
	if (runtime_options_parse(&c->toml, (const char *)text.data, text.len, e) < 0)
		return -1;
	c->args.options = c->toml.options;
	return 0;
}

static int read_options(struct convert_create *c, const Pb__Any *any, struct err *e)
{
	const Runc__Options *o;

	if (!any || !any->type_url || !any->type_url[0] || any->value.len == 0)
		return 0; /* all defaults */
	if (any_is(any, runtimeoptions__options__descriptor.name))
		return convert_toml(c, any, e);
	if (!any_is(any, runc__options__descriptor.name))
		return err_set(e, STATUS_UNKNOWN, "type with url %s: not found", any->type_url);
	c->options = any_unpack(any, &runc__options__descriptor);
	o = c->options;
	if (!o)
		return err_set(e, STATUS_INVALID_ARGUMENT, "options of type %s cannot be decoded",
			any->type_url);
	c->args.options = (struct container_options){
		.binary = o->binary_name,
		.root = o->root,
		.shim_cgroup = o->shim_cgroup,
		.criu_path = o->criu_path,
		.criu_image_path = o->criu_image_path,
		.criu_work_path = o->criu_work_path,
		.no_pivot = o->no_pivot_root,
		.no_new_keyring = o->no_new_keyring,
		.systemd_cgroup = o->systemd_cgroup,
		.io_uid = o->io_uid,
		.io_gid = o->io_gid,
	};
	return 0;
}

static int convert_mounts(struct convert_create *c, const Pb__CreateTaskRequest *req, struct err *e)
{
	if (req->n_rootfs > ROOTFS_MOUNTS_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT, "%zu mounts for one rootfs, at most %d",
			req->n_rootfs, ROOTFS_MOUNTS_MAX);
	c->mounts = calloc(req->n_rootfs + 1, sizeof(*c->mounts));
	if (!c->mounts)
		return err_oom(e);
	for (size_t i = 0; i < req->n_rootfs; i++) {
		const Pb__Mount *m = req->rootfs[i];

		if (m->n_options > ROOTFS_OPTIONS_MAX)
			return err_set(e, STATUS_INVALID_ARGUMENT,
				"%zu options for one mount, at most %d", m->n_options,
				ROOTFS_OPTIONS_MAX);
		c->mounts[i] = (struct rootfs_mount){
			.type = m->type,
			.source = m->source,
			.target = m->target,
			.options = (const char *const *)m->options,
			.n_options = m->n_options,
		};
	}
	c->args.mounts = c->mounts;
	c->args.n_mounts = req->n_rootfs;
	return 0;
}

int convert_options(struct convert_create *ret, const Pb__Any *any, struct err *e)
{
	*ret = (struct convert_create){ 0 };
	if (read_options(ret, any, e) == 0)
		return 0;
	convert_create_fini(ret);
	return -1;
}

int convert_create(struct convert_create *ret, const Pb__CreateTaskRequest *req, struct err *e)
{
	*ret = (struct convert_create){
		.args = {
			.id = req->id,
			.bundle = req->bundle,
			.checkpoint = req->checkpoint,
			.parent_checkpoint = req->parent_checkpoint,
			.io = {
			.in = req->stdin,
			.out = req->stdout,
			.err = req->stderr,
			.terminal = req->terminal,
		},
		},
	};
	if (read_options(ret, req->options, e) < 0 || convert_mounts(ret, req, e) < 0) {
		convert_create_fini(ret);
		return -1;
	}
	return 0;
}

void convert_create_fini(struct convert_create *c)
{
	free(take_ptr(&c->mounts));
	message_free((ProtobufCMessage *)take_ptr(&c->options));
	runtime_options_fini(&c->toml);
}

static int convert_checkpoint_options(
	struct convert_checkpoint *c, const Pb__Any *any, struct err *e)
{
	const Runc__CheckpointOptions *o;

	if (!any_is(any, runc__checkpoint_options__descriptor.name))
		return err_set(e, STATUS_UNKNOWN, "type with url %s: not found", any->type_url);
	c->options = any_unpack(any, &runc__checkpoint_options__descriptor);
	o = c->options;
	if (!o)
		return err_set(e, STATUS_INVALID_ARGUMENT, "options of type %s cannot be decoded",
			any->type_url);
	if (o->n_empty_namespaces > RUNTIME_EMPTY_NS_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT, "%zu empty namespaces, at most %d",
			o->n_empty_namespaces, RUNTIME_EMPTY_NS_MAX);
	c->args.work = o->work_path;
	c->args.how = (struct runtime_checkpoint_args){
		.parent = o->parent_path,
		.cgroups_mode = o->cgroups_mode,
		.empty_ns = (const char *const *)o->empty_namespaces,
		.n_empty_ns = o->n_empty_namespaces,
		.tcp = o->open_tcp,
		.unix_sockets = o->external_unix_sockets,
		.terminal = o->terminal,
		.file_locks = o->file_locks,
		.leave_running = !o->exit,
	};
	return 0;
}

int convert_checkpoint(
	struct convert_checkpoint *ret, const Pb__CheckpointTaskRequest *req, struct err *e)
{
	const Pb__Any *any = req->options;

	*ret = (struct convert_checkpoint){
		.args = { .path = req->path, .work = "", .how = { .leave_running = true } },
	};
	if (!any || !any->type_url[0])
		return 0; /* all defaults */
	if (convert_checkpoint_options(ret, any, e) == 0)
		return 0;
	convert_checkpoint_fini(ret);
	return -1;
}

void convert_checkpoint_fini(struct convert_checkpoint *c)
{
	message_free((ProtobufCMessage *)take_ptr(&c->options));
}

Pb__Timestamp convert_time(struct timespec ts)
{
	Pb__Timestamp t = PB__TIMESTAMP__INIT;

	t.seconds = ts.tv_sec;
	t.nanos = (int32_t)ts.tv_nsec;
	return t;
}

Pb__Timestamp convert_exited_at(const struct exit_record *exit)
{
	Pb__Timestamp never = PB__TIMESTAMP__INIT;

	never.seconds = GO_ZERO_TIME;
	return exit->is_set ? convert_time(exit->at) : never;
}

Pb__ProcessStatus convert_status(const struct process *p)
{
	static const Pb__ProcessStatus on_wire[] = {
		[STATE_CREATED] = PB__PROCESS_STATUS__CREATED,
		[STATE_CREATED_CHECKPOINT] = PB__PROCESS_STATUS__CREATED,
		[STATE_RUNNING] = PB__PROCESS_STATUS__RUNNING,
		[STATE_PAUSED] = PB__PROCESS_STATUS__PAUSED,
		[STATE_STOPPED] = PB__PROCESS_STATUS__STOPPED,
		[STATE_DELETED] = PB__PROCESS_STATUS__STOPPED,
	};
	_Static_assert(ARRAY_LEN(on_wire) == N_STATES, "a state has no number");

	if (p->state == STATE_RUNNING && p->ct->is_pausing)
		return PB__PROCESS_STATUS__PAUSING;
	if (p->state == STATE_RUNNING && p->ct->init.state == STATE_PAUSED)
		return PB__PROCESS_STATUS__PAUSED;
	return on_wire[p->state];
}
