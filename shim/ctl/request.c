/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/request.h"

#include "base/buf.h"
#include "base/err.h"
#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "proto/api/task.pb-c.h"

#include <stdio.h>

int request_name_streams(const char *bundle, struct request_streams *ret, struct err *e)
{
	if (snprintf(ret->in, PATH_MAX, "%s/stdin", bundle) >= PATH_MAX ||
		snprintf(ret->out, PATH_MAX, "%s/stdout", bundle) >= PATH_MAX ||
		snprintf(ret->err, PATH_MAX, "%s/stderr", bundle) >= PATH_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT, "path %s is too long", bundle);
	return 0;
}

int request_create(const struct request_about *about, struct client_call *call,
	const struct create_request *what, struct err *e)
{
	static const char *bind[] = { "rbind", "rw" };
	auto_buf struct buf bytes = BUF_INIT(16 * 1024);
	Pb__CreateTaskRequest req = PB__CREATE_TASK_REQUEST__INIT;
	Pb__Mount mount = PB__MOUNT__INIT;
	Pb__Mount *mounts[] = { &mount };
	Runc__Options options = RUNC__OPTIONS__INIT;
	Pb__Any any;
	struct request_streams stream;

	options.binary_name = what->runtime;
	options.root = what->runtime_root;
	options.io_uid = what->io_uid;
	options.io_gid = what->io_gid;
	if (any_pack(&options.base, &bytes, &any) < 0)
		return err_oom(e);
	if (request_name_streams(what->bundle, &stream, e) < 0)
		return -1;
	mount.type = "bind";
	mount.source = what->rootfs;
	mount.options = bind;
	mount.n_options = ARRAY_LEN(bind);
	req.id = about->id;
	req.bundle = what->bundle;
	req.rootfs = mounts;
	req.n_rootfs = what->rootfs[0] ? ARRAY_LEN(mounts) : 0;
	req.terminal = what->terminal;
	req.stdin = what->input ? stream.in : "";
	req.stdout = stream.out;
	req.stderr = what->terminal ? "" : stream.err; /* a terminal has one output */
	req.options = &any;
	return client_call_start(about->client, call, &req.base, e);
}

static void told(struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	(void)call;
	(void)e;
	(void)payload;
	(void)n;
}

static void tell(const struct request_about *about, struct client_call *call, const char *method,
	const ProtobufCMessage *m)
{
	struct err ignored = ERR_INIT;

	if (!client_is_open(about->client))
		return;
	client_call_cancel(call);
	*call = (struct client_call){
		.service = about->service,
		.method = method,
		.timeout_s = REQUEST_ANSWER_MAX_S,
		.on_done = told,
	};
	/* Failed: then the step that waits will hear of it. */
	if (client_call_start(about->client, call, m, &ignored) < 0)
		return;
}

void request_close_stdin(const struct request_about *about, struct client_call *call)
{
	Pb__CloseIORequest req = PB__CLOSE_IOREQUEST__INIT;

	req.id = about->id;
	req.exec_id = about->exec_id;
	req.stdin = true;
	tell(about, call, "CloseIO", &req.base);
}

void request_resize(const struct request_about *about, struct client_call *call, uint32_t width,
	uint32_t height)
{
	Pb__ResizePtyRequest req = PB__RESIZE_PTY_REQUEST__INIT;

	req.id = about->id;
	req.exec_id = about->exec_id;
	req.width = width;
	req.height = height;
	tell(about, call, "ResizePty", &req.base);
}

void request_kill(const struct request_about *about, struct client_call *call, int signo)
{
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;

	req.id = about->id;
	req.exec_id = about->exec_id;
	req.signal = (uint32_t)signo;
	tell(about, call, "Kill", &req.base);
}
