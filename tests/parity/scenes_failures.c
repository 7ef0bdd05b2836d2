/* SPDX-License-Identifier: Apache-2.0 */

/*
 * scenes_failures.c - Creates that cannot succeed, and what is left of them.
 */

#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "tests/parity/parity.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOR_EVER "exec sleep 1000"

/* The same id can be created after all. */
static void then_succeed(struct stage *s)
{
	stage_config(s, "exit 9");
	ask(s, "State after the failure", "State", NULL);
	ask_create(s, "Create after the failure", NULL);
	ask(s, "Start", "Start", NULL);
	ask(s, "Wait", "Wait", NULL);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

static void no_runtime(struct stage *s)
{
	const char *runtime = s->runtime;

	stage_open(s, FOR_EVER);
	s->runtime = "no-runc";
	ask_create(s, "Create", NULL);
	s->runtime = runtime;
	then_succeed(s);
}

static void unknown_options(struct stage *s)
{
	Pb__CreateTaskRequest *req;

	stage_open(s, FOR_EVER);
	req = ask_create_request(s, NULL);
	req->options->type_url = "no.such.Options";
	ask_create_with(s, "Create", req);
	then_succeed(s);
}

/* The stock shim does not survive this one. */
static void wrong_options(struct stage *s)
{
	Pb__CreateTaskRequest *req;

	stage_open(s, FOR_EVER);
	req = ask_create_request(s, NULL);
	req->options->type_url = "containerd.runc.v1.CheckpointOptions";
	alone_call(s, "Create", "Create", &req->base,
		"UNKNOWN type with url containerd.runc.v1.CheckpointOptions: not found");
	then_succeed(s);
}

static void broken_options(struct stage *s)
{
	static uint8_t nonsense[] = { 0xff, 0xff, 0xff };
	Pb__CreateTaskRequest *req;

	stage_open(s, FOR_EVER);
	req = ask_create_request(s, NULL);
	req->options->value = (ProtobufCBinaryData){ sizeof(nonsense), nonsense };
	ask_create_with(s, "Create", req);
	then_succeed(s);
}

static void no_rootfs(struct stage *s)
{
	const char *rootfs = s->rootfs;

	s->rootfs = "/nowhere";
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	s->rootfs = rootfs;
	then_succeed(s);
}

static void bad_config(struct stage *s)
{
	stage_open(s, FOR_EVER);
	stage_write(s, "config.json", "{\"ociVersion\":");
	ask_create(s, "Create", NULL);
	then_succeed(s);
}

static void no_config(struct stage *s)
{
	stage_open(s, FOR_EVER);
	(void)unlink("config.json");
	ask_create(s, "Create", NULL);
	then_succeed(s);
}

static void no_bundle(struct stage *s)
{
	Pb__CreateTaskRequest *req;

	stage_open(s, FOR_EVER);
	req = ask_create_request(s, NULL);
	req->bundle = "/nowhere";
	ask_create_with(s, "Create", req);
	then_succeed(s);
}

static void bad_mount(struct stage *s)
{
	Pb__Mount mount = PB__MOUNT__INIT, *mounts[] = { &mount };
	Pb__CreateTaskRequest *req;

	stage_open(s, FOR_EVER);
	req = ask_create_request(s, NULL);
	mount.type = "nosuchfs";
	mount.source = "none";
	req->rootfs = mounts;
	req->n_rootfs = 1;
	ask_create_with(s, "Create", req);
	then_succeed(s);
}

/* Bind-mounted to BUNDLE/rootfs, where config.json looks for it. */
static void mounted(struct stage *s)
{
	const char *options[] = { "rbind" };
	Pb__Mount mount = PB__MOUNT__INIT, *mounts[] = { &mount };
	Pb__CreateTaskRequest *req;
	const char *rootfs = s->rootfs;

	s->rootfs = "rootfs";
	stage_open(s, "exit 3");
	s->rootfs = rootfs;
	req = ask_create_request(s, NULL);
	mount.type = "bind";
	mount.source = rootfs;
	mount.options = options;
	mount.n_options = 1;
	req->rootfs = mounts;
	req->n_rootfs = 1;
	ask_create_with(s, "Create", req);
	stage_note(s, "mounted", "%d", access("rootfs/bin/busybox", F_OK));
	ask(s, "Start", "Start", NULL);
	ask(s, "Wait", "Wait", NULL);
	ask(s, "Delete", "Delete", NULL);
	stage_note(s, "unmounted", "%d", access("rootfs/bin/busybox", F_OK));
	stage_close(s);
}

/* `runc delete -f` behind our back. */
static void deleted_by_others(struct stage *s)
{
	char root[PATH_MAX + 32];
	const char *argv[] = { s->runtime, "--root", root, "delete", "--force", STAGE_ID, NULL };
	struct ran r;

	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	snprintf(root, sizeof(root), "%s/runtime/%s", s->dir, STAGE_NAMESPACE);
	r = stage_run_words(s, argv);
	stage_note_ran(s, "runtime delete", &r);
	ask(s, "Wait", "Wait", NULL);
	ask_kill(s, "Kill", NULL, 9);
	ask(s, "Pids", "Pids", NULL);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

static void path_for_id(struct stage *s)
{
	Pb__CreateTaskRequest *req;

	stage_open(s, FOR_EVER);
	req = ask_create_request(s, NULL);
	req->id = "../c2";
	ask_create_with(s, "Create", req);
	then_succeed(s);
}

const struct scene scenes_of_failures[] = {
	{ "no runtime", no_runtime },
	{ "unknown options", unknown_options },
	{ "wrong options", wrong_options },
	{ "broken options", broken_options },
	{ "no rootfs", no_rootfs },
	{ "bad config", bad_config },
	{ "no config", no_config },
	{ "no bundle", no_bundle },
	{ "bad mount", bad_mount },
	{ "mounted rootfs", mounted },
	{ "deleted by others", deleted_by_others },
	{ "path for an id", path_for_id },
	{ NULL, NULL },
};
