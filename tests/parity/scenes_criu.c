/* SPDX-License-Identifier: Apache-2.0 */

/*
 * scenes_criu.c - a real checkpoint, and what comes back from it. Played only where there is a
 * criu that works (run.sh).
 */

#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "tests/parity/parity.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOR_EVER "exec sleep 1000"

/* containerd makes the folder, or a link to one. */
static void open_with_work(struct stage *s)
{
	stage_open(s, FOR_EVER);
	if (mkdir("work", 0700) < 0)
		give_up("cannot create work");
}

static bool is_sleep(void *user)
{
	const struct named_pid *init = user;
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/comm", init->pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	(void)!fgets(name, sizeof(name), f);
	fclose(f);
	return strcmp(name, "sleep\n") == 0;
}

/* Its init is the runtime's program for a moment yet, whose file criu cannot find. */
static void start(struct stage *s)
{
	ask(s, "Start", "Start", NULL);
	stage_poll(s, is_sleep, &s->pids[s->n_pids - 1], "sleep as its init");
}

/* What criu says itself: the answer names its log only. */
static void show_criu(struct stage *s)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen(stage_path(s, "criu-dump.log"), "re");

	while (f && getline(&line, &size, f) > 0)
		if (strstr(line, "Error"))
			fprintf(stderr, "criu: %s", line);
	free(line);
	if (f)
		fclose(f);
}

static void checkpoint(struct stage *s, const char *step, bool is_end)
{
	Pb__CheckpointTaskRequest req = PB__CHECKPOINT_TASK_REQUEST__INIT;
	Runc__CheckpointOptions o = RUNC__CHECKPOINT_OPTIONS__INIT;
	struct buf bytes = BUF_INIT(4096);
	Pb__Any any;
	char path[PATH_MAX + 16];
	struct answer a;

	snprintf(path, sizeof(path), "%s/image", s->dir);
	o.exit = is_end;
	if (any_pack(&o.base, &bytes, &any) < 0)
		give_up("out of memory");
	req.id = STAGE_ID;
	req.path = path;
	req.options = &any;
	ask_begin(s, &a, "Checkpoint", &req.base);
	stage_run_until(s, &a.is_over, step);
	if (!a.reply)
		show_criu(s);
	ask_end(s, &a, step, NULL);
	buf_fini(&bytes);
}

static void restore(struct stage *s, const struct ask_io *io)
{
	Pb__CreateTaskRequest *req = ask_create_request(s, io);
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/image", s->dir);
	req->checkpoint = path;
	ask_create_with(s, "Create from the image", req);
	ask(s, "State of the image", "State", NULL);
	ask(s, "Start of the image", "Start", NULL);
	ask(s, "State of the restored", "State", NULL);
}

static void end(struct stage *s)
{
	ask_kill(s, "Kill", NULL, SIGKILL);
	ask(s, "Wait", "Wait", NULL);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

static void left_running(struct stage *s)
{
	open_with_work(s);
	ask_create(s, "Create", NULL);
	start(s);
	checkpoint(s, "Checkpoint", false);
	ask(s, "State", "State", NULL);
	stage_note(s, "work folder", "%d", access("work/criu-work", F_OK));
	end(s);
}

/* As a client does it: paused, and for good. */
static void ended(struct stage *s)
{
	open_with_work(s);
	ask_create(s, "Create", NULL);
	start(s);
	ask(s, "Pause", "Pause", NULL);
	checkpoint(s, "Checkpoint", true);
	ask(s, "Wait for the checkpointed", "Wait", NULL);
	ask(s, "Delete of the checkpointed", "Delete", NULL);
	restore(s, NULL);
	ask(s, "Pids", "Pids", NULL);
	ask(s, "Stats", "Stats", NULL);
	ask_exec(s, "Exec", "e1", "exit 3");
	ask(s, "Start of the exec", "Start", "e1");
	ask(s, "Wait for the exec", "Wait", "e1");
	ask(s, "Pause of the restored", "Pause", NULL);
	ask(s, "Resume of the restored", "Resume", NULL);
	end(s);
}

static void broken(struct stage *s)
{
	open_with_work(s);
	ask_create(s, "Create", NULL);
	start(s);
	checkpoint(s, "Checkpoint", true);
	ask(s, "Wait for the checkpointed", "Wait", NULL);
	ask(s, "Delete of the checkpointed", "Delete", NULL);
	if (unlink("../image/inventory.img") < 0)
		give_up("there is no inventory.img");
	restore(s, NULL);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

const struct scene scenes_of_criu[] = {
	{ "criu, left running", left_running },
	{ "criu, ended and restored", ended },
	{ "criu, broken image", broken },
	{ NULL, NULL },
};
