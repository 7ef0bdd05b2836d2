/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/request.h"

#include "base/buf.h"
#include "base/err.h"
#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "proto/api/task.pb-c.h"

#include <limits.h>
#include <stdio.h>

enum {
	IN,
	OUT,
	ERR,
	N_STREAMS
};

static int name_streams(char paths[N_STREAMS][PATH_MAX], const char *bundle)
{
	static const char *const names[] = { [IN] = "stdin", [OUT] = "stdout", [ERR] = "stderr" };

	for (int i = 0; i < N_STREAMS; i++)
		if (snprintf(paths[i], PATH_MAX, "%s/%s", bundle, names[i]) >= PATH_MAX)
			return -1;
	return 0;
}

int request_create(struct client *client, struct client_call *call,
	const struct create_request *what, struct err *e)
{
	static const char *bind[] = { "rbind", "rw" };
	auto_buf struct buf bytes = BUF_INIT(16 * 1024);
	Pb__CreateTaskRequest req = PB__CREATE_TASK_REQUEST__INIT;
	Pb__Mount mount = PB__MOUNT__INIT;
	Pb__Mount *mounts[] = { &mount };
	Runc__Options options = RUNC__OPTIONS__INIT;
	Pb__Any any;
	char stream[N_STREAMS][PATH_MAX];

	options.binary_name = what->runtime;
	options.root = what->runtime_root;
	options.io_uid = what->io_uid;
	options.io_gid = what->io_gid;
	if (any_pack(&options.base, &bytes, &any) < 0)
		return err_oom(e);
	if (name_streams(stream, what->bundle) < 0)
		return err_set(e, STATUS_INVALID_ARGUMENT, "path %s is too long", what->bundle);
	mount.type = "bind";
	mount.source = what->rootfs;
	mount.options = bind;
	mount.n_options = ARRAY_LEN(bind);
	req.id = what->id;
	req.bundle = what->bundle;
	req.rootfs = mounts;
	req.n_rootfs = what->rootfs[0] ? ARRAY_LEN(mounts) : 0;
	req.terminal = what->terminal;
	req.stdin = stream[IN];
	req.stdout = stream[OUT];
	req.stderr = what->terminal ? "" : stream[ERR]; /* a terminal has one output */
	req.options = &any;
	return client_call_start(client, call, &req.base, e);
}

static void told(struct client_call *call, const struct err *e, const uint8_t *payload, size_t n)
{
	(void)call;
	(void)e;
	(void)payload;
	(void)n;
}

static void tell(struct client *client, struct client_call *call, const char *method,
	const ProtobufCMessage *m)
{
	struct err ignored = ERR_INIT;

	if (!client_is_open(client))
		return;
	client_call_cancel(call);
	*call = (struct client_call){
		.service = REQUEST_SERVICE,
		.method = method,
		.timeout_s = REQUEST_ANSWER_MAX_S,
		.on_done = told,
	};
	/* Failed: then the step that waits will hear of it. */
	if (client_call_start(client, call, m, &ignored) < 0)
		return;
}

void request_close_stdin(struct client *client, struct client_call *call, const char *id)
{
	Pb__CloseIORequest req = PB__CLOSE_IOREQUEST__INIT;

	req.id = id;
	req.stdin = true;
	tell(client, call, "CloseIO", &req.base);
}

void request_resize(struct client *client, struct client_call *call, const char *id, uint32_t width,
	uint32_t height)
{
	Pb__ResizePtyRequest req = PB__RESIZE_PTY_REQUEST__INIT;

	req.id = id;
	req.width = width;
	req.height = height;
	tell(client, call, "ResizePty", &req.base);
}

void request_kill(struct client *client, struct client_call *call, const char *id, int signo)
{
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;

	req.id = id;
	req.signal = (uint32_t)signo;
	tell(client, call, "Kill", &req.base);
}
