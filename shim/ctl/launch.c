/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/launch.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "proto/api/bootstrap.pb-c.h"
#include "proto/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define SHIM_NAME  "containerd-shim-belay-v2"
#define OUTPUT_MAX (64 * 1024)

/* Beside belayctl if it is there, so that a build tree and an installation both just work. */
static void find_shim(struct launch *l, const char *wanted)
{
	ssize_t n;
	char *slash;

	snprintf(l->binary, sizeof(l->binary), "%s", wanted ? wanted : SHIM_NAME);
	if (wanted)
		return;
	n = readlink("/proc/self/exe", l->binary, sizeof(l->binary) - sizeof(SHIM_NAME) - 1);
	l->binary[n > 0 ? n : 0] = '\0';
	slash = strrchr(l->binary, '/');
	if (slash)
		memcpy(slash + 1, SHIM_NAME, sizeof(SHIM_NAME));
	if (!slash || access(l->binary, X_OK) < 0)
		memcpy(l->binary, SHIM_NAME, sizeof(SHIM_NAME));
}

static int write_params(int fd, const struct launch *l, const struct launch_args *args)
{
	auto_buf struct buf bytes = BUF_INIT(16 * 1024);
	Pb__BootstrapParams params = PB__BOOTSTRAP_PARAMS__INIT;
	char sockets[PATH_MAX];
	int rc;

	if (snprintf(sockets, sizeof(sockets), "%s/s", args->state) >= (int)sizeof(sockets))
		return -ENAMETOOLONG;
	params.instance_id = args->id;
	params.namespace_ = LAUNCH_NAMESPACE;
	params.log_level = args->debug ? PB__LOG_LEVEL__DEBUG : PB__LOG_LEVEL__INFO;
	params.containerd_ttrpc_address = l->events;
	params.containerd_grpc_address = args->state;
	params.socket_dir = sockets;
	rc = message_pack(&params.base, &bytes);
	if (rc == 0)
		rc = fd_write_all(fd, bytes.data, bytes.len);
	return rc == 0 && lseek(fd, 0, SEEK_SET) < 0 ? -errno : rc;
}

static void on_child_exit(struct child *child, const struct exit_status *st)
{
	struct launch *l = container_of(child, struct launch, child);

	l->status = *st;
	l->on_exit(l);
	/* l may be gone */
}

struct order {
	const char *action;
	int input; /* its stdin; borrowed */
};

static int spawn(struct launch *l, struct reaper *r, const struct launch_args *args,
	struct order order, struct err *e)
{
	const char *argv[] = { l->binary, "-namespace", LAUNCH_NAMESPACE, "-address", args->state,
		"-id", args->id, order.action, NULL };
	struct spawn s = { .argv = argv, .stdio = { order.input, -1, -1 } };
	int rc;

	fd_drop(&l->output);
	l->output = memfd_create("shim", MFD_CLOEXEC);
	if (l->output < 0)
		return err_sys(e, "collect the shim's output");
	s.stdio[1] = s.stdio[2] = l->output;
	rc = child_spawn(&l->child, r, &s, on_child_exit);
	return rc < 0 ? err_rc(e, rc, "run %s", l->binary) : 0;
}

int launch_start(struct launch *l, struct reaper *r, const struct launch_args *args,
	void (*on_exit)(struct launch *l), struct err *e)
{
	auto_fd int input = memfd_create("params", MFD_CLOEXEC);
	int rc;

	l->on_exit = on_exit;
	find_shim(l, args->shim);
	if (snprintf(l->events, sizeof(l->events), "%s/%s/events", args->state, args->id) >=
		(int)sizeof(l->events))
		return err_set(e, STATUS_INVALID_ARGUMENT, "--state is too long");
	rc = input < 0 ? -errno : write_params(input, l, args);
	if (rc < 0)
		return err_rc(e, rc, "write the shim's parameters");
	return spawn(l, r, args, (struct order){ "start", input }, e);
}

int launch_delete(struct launch *l, struct reaper *r, const struct launch_args *args,
	void (*on_exit)(struct launch *l), struct err *e)
{
	l->on_exit = on_exit;
	find_shim(l, args->shim);
	return spawn(l, r, args, (struct order){ "delete", -1 }, e);
}

int launch_address(const struct launch *l, char *ret, size_t room, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(OUTPUT_MAX);
	auto_message Pb__BootstrapResult *result = NULL;

	if (lseek(l->output, 0, SEEK_SET) < 0 || fd_read_all(l->output, &text) < 0)
		return err_set(e, STATUS_UNKNOWN, "read the output of %s", l->binary);
	if (l->status.code != 0)
		return err_set(e, STATUS_UNKNOWN, "%s", text.len ? buf_text(&text) : "no shim");
	result = message_unpack(&pb__bootstrap_result__descriptor, text.data, text.len);
	if (!result || strncmp(result->address, "unix://", 7) != 0 ||
		strlen(result->address + 7) >= room)
		return err_set(e, STATUS_UNKNOWN, "%s answered with no address", l->binary);
	snprintf(ret, room, "%s", result->address + 7);
	return 0;
}

void launch_fini(struct launch *l)
{
	child_forget(&l->child);
	fd_drop(&l->output);
}
