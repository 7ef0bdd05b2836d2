/* SPDX-License-Identifier: Apache-2.0 */

/*
 * scenes_execs.c - every method that takes an exec, in every state of one.
 */

#include "tests/parity/parity.h"

#include <signal.h>

#define FOR_EVER "exec sleep 1000"

static void open_running(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
}

static void close_running(struct stage *s)
{
	quietly_kill(s);
	ask(s, "Delete at the end", "Delete", NULL);
	stage_close(s);
}

static void added(struct stage *s)
{
	open_running(s);
	ask_exec(s, "Exec", "e1", FOR_EVER);
	ask_exec(s, "Exec again", "e1", FOR_EVER);
	ask(s, "State", "State", "e1");
	ask_kill(s, "Kill", "e1", SIGKILL);
	ask_resize(s, "ResizePty", "e1");
	ask_close_io(s, "CloseIO", "e1");
	ask(s, "Delete", "Delete", "e1");
	ask(s, "State of the deleted", "State", "e1");
	ask(s, "Pids", "Pids", NULL);
	close_running(s);
}

static void exec_running(struct stage *s)
{
	open_running(s);
	ask_exec(s, "Exec", "e1", FOR_EVER);
	ask(s, "Start", "Start", "e1");
	ask(s, "State", "State", "e1");
	ask_start_again(s, "Start again", "e1", "UNKNOWN cannot start a running process");
	ask(s, "Delete", "Delete", "e1");
	ask_kill(s, "Kill with 0", "e1", 0);
	ask_resize(s, "ResizePty", "e1");
	ask_close_io(s, "CloseIO", "e1");
	ask(s, "Pids", "Pids", NULL);
	ask_kill(s, "Kill", "e1", SIGTERM);
	ask(s, "Wait", "Wait", "e1");
	ask(s, "State at the end", "State", "e1");
	ask(s, "Delete at the end of it", "Delete", "e1");
	ask_exec(s, "Exec of the same name", "e1", "exit 3");
	ask(s, "Start of the same name", "Start", "e1");
	ask(s, "Wait for the same name", "Wait", "e1");
	close_running(s);
}

static void exec_stopped(struct stage *s)
{
	open_running(s);
	ask_exec(s, "Exec", "e1", "exit 5");
	ask(s, "Start", "Start", "e1");
	ask(s, "Wait", "Wait", "e1");
	ask(s, "State", "State", "e1");
	ask(s, "Wait again", "Wait", "e1");
	ask_start_again(s, "Start again", "e1", "UNKNOWN cannot start a stopped process");
	ask_kill(s, "Kill", "e1", SIGKILL);
	ask_resize(s, "ResizePty", "e1");
	ask_close_io(s, "CloseIO", "e1");
	ask(s, "Delete", "Delete", "e1");
	ask(s, "Delete again", "Delete", "e1");
	close_running(s);
}

static void exec_unknown(struct stage *s)
{
	open_running(s);
	ask(s, "State", "State", "nobody");
	ask(s, "Start", "Start", "nobody");
	ask(s, "Delete", "Delete", "nobody");
	ask_kill(s, "Kill", "nobody", SIGKILL);
	ask(s, "Wait", "Wait", "nobody");
	ask_resize(s, "ResizePty", "nobody");
	ask_close_io(s, "CloseIO", "nobody");
	close_running(s);
}

static void exec_missing(struct stage *s)
{
	open_running(s);
	ask_exec_spec(s, "Exec", "e1",
		"{\"args\":[\"/nope\"],\"cwd\":\"/\",\"env\":[\"PATH=/bin\"],"
		"\"user\":{\"uid\":0,\"gid\":0}}",
		NULL);
	ask(s, "Start", "Start", "e1");
	ask(s, "State", "State", "e1");
	ask(s, "Wait", "Wait", "e1");
	ask_kill(s, "Kill", "e1", SIGKILL);
	ask(s, "Delete", "Delete", "e1");
	close_running(s);
}

static void exec_bad_spec(struct stage *s)
{
	Pb__ExecProcessRequest req = PB__EXEC_PROCESS_REQUEST__INIT;

	open_running(s);
	ask_exec_spec(s, "nonsense", "e1", "nonsense", NULL);
	ask_exec_spec(s, "nothing", "e2", "", NULL);
	ask_exec_spec(s, "a list", "e3", "[]", NULL);
	ask_exec_spec(s, "a wrong type", "e4", "{\"args\":7}", NULL);
	ask_exec_spec(s, "no arguments", "e5", "{\"cwd\":\"/\"}", NULL);
	ask(s, "Start without arguments", "Start", "e5");
	req.id = STAGE_ID;
	req.exec_id = "e6";
	alone_call(s, "no spec at all", "Exec", &req.base,
		"INVALID_ARGUMENT exec 'e6': there is no process spec");
	close_running(s);
}

/* The id becomes the name of a file. */
static void exec_path(struct stage *s)
{
	open_running(s);
	ask_exec(s, "Exec", "../e1", "true");
	close_running(s);
}

static void exec_with_init_created(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask_exec(s, "Exec", "e1", "exit 4");
	ask(s, "Start", "Start", NULL);
	ask(s, "Start of the exec", "Start", "e1");
	ask(s, "Wait for the exec", "Wait", "e1");
	ask(s, "Delete of the exec", "Delete", "e1");
	close_running(s);
}

static void exec_after_init(struct stage *s)
{
	open_running(s);
	ask_exec(s, "Exec", "e1", "true");
	quietly_kill(s);
	ask(s, "Start of the exec", "Start", "e1");
	ask(s, "Delete of the exec", "Delete", "e1");
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

/* Deleted with its container, nobody having waited for it. */
static void exec_left(struct stage *s)
{
	open_running(s);
	ask_exec(s, "Exec", "e1", "exit 6");
	ask(s, "Start of the exec", "Start", "e1");
	ask(s, "Wait for the exec", "Wait", "e1");
	close_running(s);
}

const struct scene scenes_of_execs[] = {
	{ "exec added", added },
	{ "exec running", exec_running },
	{ "exec stopped", exec_stopped },
	{ "exec unknown", exec_unknown },
	{ "exec of a missing program", exec_missing },
	{ "exec with a bad spec", exec_bad_spec },
	{ "exec with a path for an id", exec_path },
	{ "exec added before start", exec_with_init_created },
	{ "exec started after the end", exec_after_init },
	{ "exec left behind", exec_left },
	{ NULL, NULL },
};
