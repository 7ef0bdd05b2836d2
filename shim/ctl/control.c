/* SPDX-License-Identifier: Apache-2.0 */

/*
 * control.c - the commands that are one request: kill, pause, resume, wait.
 */

#include "proto/api/task.pb-c.h"
#include "shim/ctl/commands.h"
#include "shim/ctl/signal_name.h"
#include "shim/ctl/target.h"

#include <signal.h>
#include <stdio.h>

struct control_args {
	struct where where;
	const char *exec_id;
	bool all;
};

/* Our signal numbers are the container's: one kernel. */
static int kill_it(struct target *t, const void *args, char **words, struct err *e)
{
	const struct control_args *a = args;
	Pb__KillRequest req = PB__KILL_REQUEST__INIT;
	int signo = words[0] ? signal_of(words[0]) : SIGTERM;

	if (signo < 0)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"'%s' is no signal; a name such as KILL or SIGKILL, or a number is",
			words[0]);
	if (a->all && a->exec_id)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"--all and --exec-id exclude each other: --all reaches all its processes");
	req.id = t->found->id;
	req.exec_id = a->exec_id ? a->exec_id : "";
	req.signal = (uint32_t)signo;
	req.all = a->all;
	return ask_do(&t->ask, "Kill", &req.base, e);
}

static int pause_it(struct target *t, const void *args, char **words, struct err *e)
{
	Pb__PauseRequest req = PB__PAUSE_REQUEST__INIT;

	(void)args;
	(void)words;
	req.id = t->found->id;
	return ask_do(&t->ask, "Pause", &req.base, e);
}

static int resume_it(struct target *t, const void *args, char **words, struct err *e)
{
	Pb__ResumeRequest req = PB__RESUME_REQUEST__INIT;

	(void)args;
	(void)words;
	req.id = t->found->id;
	return ask_do(&t->ask, "Resume", &req.base, e);
}

static int await_it(struct target *t, const void *args, char **words, struct err *e)
{
	const struct control_args *a = args;
	Pb__WaitRequest req = PB__WAIT_REQUEST__INIT;
	auto_message Pb__WaitResponse *reply = NULL;

	(void)words;
	req.id = t->found->id;
	req.exec_id = a->exec_id ? a->exec_id : "";
	ask_begin(&t->ask, "Wait", &req.base, 0);
	ask_await(&t->ask);
	reply = ask_take(&t->ask, &pb__wait_response__descriptor, e);
	return reply ? (int)reply->exit_status : -1;
}

#define EXEC_ID_ROW                                                                                \
	{                                                                                          \
		"exec-id", 0, OPTION_TEXT, offsetof(struct control_args, exec_id), "ID",           \
			"not its init, but that exec"                                              \
	}

static const struct option_row kill_rows[] = {
	OPTIONS_WHERE(struct control_args, where),
	{ "all", 'a', OPTION_FLAG, offsetof(struct control_args, all), NULL,
		"all processes of the container" },
	EXEC_ID_ROW,
	OPTIONS_END,
};

static const struct option_row pause_rows[] = {
	OPTIONS_WHERE(struct control_args, where),
	OPTIONS_END,
};

static const struct option_row wait_rows[] = {
	OPTIONS_WHERE(struct control_args, where),
	EXEC_ID_ROW,
	OPTIONS_END,
};

static int run_errand(const struct command *c, int argc, char **argv,
	int (*act)(struct target *t, const void *args, char **words, struct err *e))
{
	struct control_args args = { 0 };
	const struct errand what = { c, &args, &args.where, act };

	return target_run(&what, argc, argv);
}

static int kill_run(const struct command *c, int argc, char **argv)
{
	return run_errand(c, argc, argv, kill_it);
}

static int pause_run(const struct command *c, int argc, char **argv)
{
	return run_errand(c, argc, argv, pause_it);
}

static int resume_run(const struct command *c, int argc, char **argv)
{
	return run_errand(c, argc, argv, resume_it);
}

static int wait_run(const struct command *c, int argc, char **argv)
{
	return run_errand(c, argc, argv, await_it);
}

#define ABOUT_ID                                                                                   \
	"CONTAINER is an id, the beginning of only one, or NAMESPACE/ID.\n"                        \
	"\n"                                                                                       \
	"Exit status: 0; 125 if it failed, with the reason.\n"

const struct command command_kill = {
	.name = "kill",
	.summary = "send a signal to a container or an exec",
	.synopsis = { "[OPTIONS] CONTAINER [SIGNAL]" },
	.about = "Has the shim send SIGNAL, by name or number (default TERM), to the init of\n"
		 "CONTAINER.\n" ABOUT_ID,
	.rows = kill_rows,
	.least = 1,
	.most = 2,
	.run = kill_run,
};

const struct command command_pause = {
	.name = "pause",
	.summary = "freeze all processes of a container",
	.synopsis = { "[OPTIONS] CONTAINER" },
	.about = "Freezes all processes of CONTAINER until `belayctl resume`.\n" ABOUT_ID,
	.rows = pause_rows,
	.least = 1,
	.most = 1,
	.run = pause_run,
};

const struct command command_resume = {
	.name = "resume",
	.summary = "let a paused container go on",
	.synopsis = { "[OPTIONS] CONTAINER" },
	.about = "Lets CONTAINER go on after `belayctl pause`.\n" ABOUT_ID,
	.rows = pause_rows,
	.least = 1,
	.most = 1,
	.run = resume_run,
};

const struct command command_wait = {
	.name = "wait",
	.summary = "wait until a container or an exec exits",
	.synopsis = { "[OPTIONS] CONTAINER" },
	.about = "Waits until the init of CONTAINER has exited, and exits with its status.\n"
		 "CONTAINER is an id, the beginning of only one, or NAMESPACE/ID.\n"
		 "\n"
		 "Exit status: that of the process, 128 + N if signal N ended it; 125 if belayctl\n"
		 "itself failed.\n",
	.rows = wait_rows,
	.least = 1,
	.most = 1,
	.run = wait_run,
};
