/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/info.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/op.h"
#include "process/bundle.h"
#include "process/runtime/runtime.h"
#include "proto/any.h"
#include "proto/api/info.pb-c.h"
#include "proto/api/options.pb-c.h"
#include "proto/message.h"
#include "reaper/reaper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES_TYPE "types.containerd.io/opencontainers/runtime-spec/1/features/Features"
#define STDIN_MAX     (10u << 20)

struct inquiry {
	struct op op;
	struct ev_loop *loop;
	struct reaper reaper;
	struct runtime runtime;
	struct runtime_call call;
	struct buf features;
	bool is_done;
};

static void runtime_exited(struct runtime_call *call)
{
	op_resume(&container_of(call, struct inquiry, call)->op, OP_DONE);
}

static enum op_next ask_runtime(struct op *op)
{
	struct inquiry *q = container_of(op, struct inquiry, op);

	return runtime_features(&q->call, &q->runtime, runtime_exited, &op->err) < 0 ? OP_FAIL
										     : OP_WAIT;
}

static enum op_next kill_runtime(struct op *op)
{
	return runtime_kill(&container_of(op, struct inquiry, op)->call) ? OP_WAIT : OP_DONE;
}

/* What is no JSON object is no answer: older runtimes print a usage. */
static enum op_next read_features(struct op *op)
{
	struct inquiry *q = container_of(op, struct inquiry, op);
	auto_json json_t *parsed = NULL;
	struct err e = ERR_INIT;

	if (q->call.status.code != 0 || runtime_output(&q->call, &q->features) < 0 ||
		json_parse((const char *)q->features.data, q->features.len, "features", &parsed,
			&e) < 0)
		buf_fini(&q->features);
	return OP_DONE;
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "ask the runtime", ask_runtime,   kill_runtime }, /* waits for its exit */
	{ "read features",   read_features, NULL         },
	/* clang-format on */
};

static void finish(struct op *op)
{
	container_of(op, struct inquiry, op)->is_done = true;
	ev_break(op->loop, EVBREAK_ALL);
}

static const struct op_plan plan = { "info", steps, ARRAY_LEN(steps), finish };

/* "io.containerd.NAME.VERSION" for containerd-shim-NAME-VERSION, however it is installed. */
static void runtime_name(const char *name, char *ret, size_t room)
{
	const char *prefix = "containerd-shim-";
	char *dash;

	snprintf(ret, room, "io.containerd.%s",
		strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : "belay-v2");
	dash = strrchr(ret, '-');
	if (dash)
		*dash = '.';
}

static int answer(const struct inquiry *q, const char *name, Pb__Any *options, struct err *e)
{
	auto_buf struct buf out = BUF_INIT(STDIN_MAX + RUNTIME_OUTPUT_MAX + 4096);
	Pb__RuntimeInfo info = PB__RUNTIME_INFO__INIT;
	Pb__RuntimeVersion version = PB__RUNTIME_VERSION__INIT;
	Pb__Any features = PB__ANY__INIT;
	char runtime[128];
	int rc;

	runtime_name(name, runtime, sizeof(runtime));
	version.version = SHIM_VERSION;
	features.type_url = FEATURES_TYPE;
	features.value = (ProtobufCBinaryData){ q->features.len, q->features.data };
	info.name = runtime;
	info.version = &version;
	info.options = options;
	info.features = q->features.len > 0 ? &features : NULL;
	rc = message_pack(&info.base, &out);
	if (rc == 0)
		rc = fd_write_all(STDOUT_FILENO, out.data, out.len);
	return rc < 0 ? err_rc(e, rc, "print the runtime's info") : 0;
}

static int ask(struct inquiry *q, const char *binary, struct err *e)
{
	int rc;

	q->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!q->loop)
		return err_set(e, STATUS_UNKNOWN, "create event loop");
	rc = reaper_init(&q->reaper, q->loop);
	if (rc < 0)
		return err_rc(e, rc, "watch children");
	q->call = RUNTIME_CALL_NONE;
	q->runtime = (struct runtime){ .reaper = &q->reaper, .binary = binary, .bundle_fd = -1 };
	op_start(&q->op, q->loop, &plan, INFO_DEADLINE_S);
	if (!q->is_done)
		ev_run(q->loop, 0);
	runtime_call_fini(&q->call);
	reaper_fini(&q->reaper);
	ev_loop_destroy(q->loop);
	*e = q->op.err;
	return err_is_set(e) ? -1 : 0;
}

int info_run(const char *name, struct err *e)
{
	struct inquiry q = { .features = BUF_INIT(RUNTIME_OUTPUT_MAX) };
	auto_buf struct buf text = BUF_INIT(STDIN_MAX);
	auto_message Pb__Any *any = NULL;
	auto_message Runc__Options *options = NULL;
	int rc = isatty(STDIN_FILENO) ? 0 : fd_read_all(STDIN_FILENO, &text);

	if (rc < 0)
		return err_rc(e, rc, "read stdin");
	if (text.len > 0)
		any = message_unpack(&pb__any__descriptor, text.data, text.len);
	/* Options of another type name no binary that we could read yet. */
	if (any_is(any, runc__options__descriptor.name))
		options = any_unpack(any, &runc__options__descriptor);
	rc = ask(&q,
		options && options->binary_name[0] ? options->binary_name : RUNTIME_BINARY_DEFAULT,
		e);
	if (rc == 0)
		rc = answer(&q, name, any, e);
	buf_fini(&q.features);
	return rc;
}
