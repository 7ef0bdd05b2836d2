/* SPDX-License-Identifier: Apache-2.0 */

/*
 * scenes_states.c - every method in every state of a container.
 */

#include "tests/parity/parity.h"

#include <signal.h>
#include <string.h>

#define FOR_EVER "exec sleep 1000"

/* What changes nothing, and is answered in every state. */
static void ask_about(struct stage *s)
{
	ask(s, "State", "State", NULL);
	ask(s, "Pids", "Pids", NULL);
	ask(s, "Stats", "Stats", NULL);
	ask(s, "Connect", "Connect", NULL);
	ask_resize(s, "ResizePty", NULL);
	ask_close_io(s, "CloseIO", NULL);
	ask(s, "Shutdown with a container", "Shutdown", NULL);
}

static void end_it(struct stage *s)
{
	quietly_kill(s);
	ask(s, "State at the end", "State", NULL);
	ask(s, "Delete at the end", "Delete", NULL);
	stage_close(s);
}

static void never_created(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask(s, "State", "State", NULL);
	ask(s, "Start", "Start", NULL);
	ask(s, "Delete", "Delete", NULL);
	ask(s, "Pids", "Pids", NULL);
	ask(s, "Pause", "Pause", NULL);
	ask(s, "Resume", "Resume", NULL);
	ask_checkpoint(s, "Checkpoint", "/nowhere");
	ask_kill(s, "Kill", NULL, SIGKILL);
	ask_exec(s, "Exec", "e1", "true");
	ask_resize(s, "ResizePty", NULL);
	ask_close_io(s, "CloseIO", NULL);
	ask_update(s, "Update", "{}");
	ask(s, "Wait", "Wait", NULL);
	ask(s, "Stats", "Stats", NULL);
	ask(s, "Connect", "Connect", NULL);
	ask(s, "an unknown method", "Levitate", NULL);
	stage_close(s);
}

static void created(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask_about(s);
	ask(s, "Pause", "Pause", NULL);
	ask(s, "Resume", "Resume", NULL);
	ask_checkpoint(s, "Checkpoint", "/nowhere");
	ask_update(s, "Update", "{\"pids\":{\"limit\":50}}");
	ask(s, "Stats after Update", "Stats", NULL);
	ask_exec(s, "Exec", "e1", "true");
	ask(s, "Delete of the exec", "Delete", "e1");
	ask(s, "Delete", "Delete", NULL);
	ask(s, "State of the deleted", "State", NULL);
	ask(s, "Delete again", "Delete", NULL);
	stage_close(s);
}

static void created_twice(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask_create(s, "Create again", NULL);
	ask(s, "State", "State", NULL);
	ask(s, "Start", "Start", NULL);
	end_it(s);
}

static void killed_before_start(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask_kill(s, "Kill", NULL, SIGKILL);
	ask(s, "Wait", "Wait", NULL);
	ask(s, "State", "State", NULL);
	ask(s, "Start", "Start", NULL);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

static void running(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	ask_about(s);
	ask(s, "Start again", "Start", NULL);
	ask(s, "Delete", "Delete", NULL);
	ask(s, "Resume", "Resume", NULL);
	ask_update(s, "Update", "{\"pids\":{\"limit\":60}}");
	ask(s, "Stats after Update", "Stats", NULL);
	ask_update(s, "Update with a wrong type", "{\"pids\":{\"limit\":\"many\"}}");
	ask_update(s, "Update with nonsense", "many");
	ask_update(s, "Update beyond reason", "{\"cpu\":{\"quota\":1}}");
	ask_kill(s, "Kill with 0", NULL, 0);
	ask_kill(s, "Kill with no signal", NULL, 99);
	ask(s, "Pids", "Pids", NULL);
	end_it(s);
}

static void paused(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	ask_exec(s, "Exec while it runs", "e1", FOR_EVER);
	ask(s, "Start of the exec", "Start", "e1");
	ask(s, "Pause", "Pause", NULL);
	ask_about(s);
	ask(s, "State of the exec", "State", "e1");
	ask(s, "Start again", "Start", NULL);
	ask(s, "Delete", "Delete", NULL);
	ask(s, "Pause again", "Pause", NULL);
	ask_exec(s, "Exec", "e2", "true");
	ask_update(s, "Update", "{\"pids\":{\"limit\":60}}");
	ask(s, "Resume", "Resume", NULL);
	ask(s, "Resume again", "Resume", NULL);
	ask_kill(s, "Kill of the exec", "e1", SIGKILL);
	ask(s, "Wait for the exec", "Wait", "e1");
	ask(s, "Delete of the exec", "Delete", "e1");
	end_it(s);
}

static void killed_while_paused(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	ask(s, "Pause", "Pause", NULL);
	ask_kill(s, "Kill", NULL, SIGKILL);
	if (s->is_stock && strcmp(s->runtime, "crun") == 0)
		(void)quietly(s, "Resume", NULL); /* it would wait for ever: crun does not thaw */
	ask(s, "Wait", "Wait", NULL);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

static void stopped(struct stage *s)
{
	stage_open(s, "exit 7");
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	ask(s, "Wait", "Wait", NULL);
	ask_about(s);
	ask(s, "Start again", "Start", NULL);
	ask(s, "Pause", "Pause", NULL);
	ask(s, "Resume", "Resume", NULL);
	ask_checkpoint(s, "Checkpoint", "/nowhere");
	ask_update(s, "Update", "{}");
	ask_exec(s, "Exec", "e1", "true");
	ask_kill(s, "Kill", NULL, SIGKILL);
	ask(s, "Wait again", "Wait", NULL);
	ask(s, "Delete", "Delete", NULL);
	ask(s, "Delete again", "Delete", NULL);
	ask(s, "Wait for the deleted", "Wait", NULL);
	stage_close(s);
}

static void waited_for(struct stage *s)
{
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;
	struct answer first, second;

	req.id = STAGE_ID;
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask_begin(s, &first, "Wait", &req.base);
	ask(s, "Start", "Start", NULL);
	ask_begin(s, &second, "Wait", &req.base);
	ask_kill(s, "Kill", NULL, SIGKILL);
	ask_end(s, &first, "Wait since before Start", NULL);
	ask_end(s, &second, "Wait since after Start", NULL);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

static void from_checkpoint(struct stage *s)
{
	Pb__CreateTaskRequest *req;

	stage_open(s, FOR_EVER);
	req = ask_create_request(s, NULL);
	req->checkpoint = s->dir;
	ask_create_with(s, "Create", req);
	ask_about(s);
	ask(s, "Pause", "Pause", NULL);
	ask(s, "Resume", "Resume", NULL);
	ask_checkpoint(s, "Checkpoint", "/nowhere");
	ask_update(s, "Update", "{}");
	ask_exec(s, "Exec", "e1", "true");
	ask_kill(s, "Kill", NULL, SIGKILL);
	ask(s, "Delete", "Delete", NULL);
	ask(s, "State of the deleted", "State", NULL);
	stage_close(s);
}

const struct scene scenes_of_states[] = {
	{ "never created", never_created },
	{ "created", created },
	{ "created twice", created_twice },
	{ "killed before start", killed_before_start },
	{ "running", running },
	{ "paused", paused },
	{ "killed while paused", killed_while_paused },
	{ "stopped", stopped },
	{ "waited for", waited_for },
	{ "from a checkpoint", from_checkpoint },
	{ NULL, NULL },
};
