/* SPDX-License-Identifier: Apache-2.0 */

/*
 * main.c - from argv to an action. (A daemon that `start` launched does not come back here.)
 */

#include "shim/args.h"
#include "shim/daemon.h"
#include "shim/delete.h"
#include "shim/info.h"
#include "shim/socket.h"
#include "shim/start.h"

#include <stdio.h>
#include <string.h>

/* Where whoever runs us without an action has put the listening socket. */
#define LISTEN_FD 3

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int serve(const struct args *a, struct err *e)
{
	const struct daemon_conf conf = {
		.ns = a->ns,
		.id = a->id,
		.ttrpc_address = a->ttrpc_address,
		.debug = a->debug,
	};
	int fd = LISTEN_FD;

	if (a->socket[0] && socket_listen(a->socket, &fd, e) < 0)
		return -1;
	if (fd < 0)
		return err_set(e, STATUS_UNKNOWN, "somebody serves on %s already", a->socket);
	return daemon_run(&conf, fd, -1) == 0
		       ? 0
		       : err_set(e, STATUS_UNKNOWN, "cannot serve; see the log of the bundle");
}

static int act(const struct args *a, char **argv, struct err *e)
{
	if (args_check(a, e) < 0)
		return -1;
	switch (a->action) {
	case ACTION_START:
		return start_run(a, argv, e);
	case ACTION_DELETE:
		return delete_run(a, e);
	case ACTION_SERVE:
		break;
	}
	return serve(a, e);
}

int main(int argc, char **argv)
{
	const char *name = base_name(argc > 0 ? argv[0] : "containerd-shim-belay-v2");
	struct err e = ERR_INIT;
	struct args a;

	if (args_parse(&a, argc, argv, &e) < 0) {
		fprintf(stderr, "%s\n%s", e.msg, args_usage);
		return 2;
	}
	if (a.help) {
		fputs(args_usage, stdout);
		return 0;
	}
	if (a.version) {
		printf("%s:\n  Version:  %s\n  Revision: \n\n", name, SHIM_VERSION);
		return 0;
	}
	if ((a.info ? info_run(name, &e) : act(&a, argv, &e)) < 0) {
		/* No newline: containerd puts it into a sentence of its own. */
		fprintf(stderr, "%s: %s", name, e.msg);
		return 1;
	}
	return 0;
}
