/* SPDX-License-Identifier: Apache-2.0 */

/*
 * scenes_binary.c - the command line: start, delete, and what is wrong with it.
 */

#include "base/auto.h"
#include "tests/parity/parity.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FOR_EVER "exec sleep 1000"

static void note_command(struct stage *s, const char *step, const char *const *argv)
{
	struct ran r = stage_run_words(s, argv);

	stage_note_ran(s, step, &r);
}

static void second_start(struct stage *s)
{
	struct ran r;
	const char *text;

	stage_open(s, FOR_EVER);
	r = stage_run(s, "start");
	text = buf_text(&r.output);
	stage_note(s, "start again", "%d %s", r.code,
		text && strstr(text, s->address) ? "the same address" : "another address");
	ran_fini(&r);
	ask(s, "Connect", "Connect", NULL);
	stage_close(s);
}

static void command_lines(struct stage *s)
{
	const char *no_namespace[] = { s->shim, "-id", STAGE_ID, "start", NULL };
	const char *unknown_flag[] = { s->shim, "-levitate", NULL };
	const char *double_dash[] = { s->shim, "--namespace", "x", "-v", NULL };
	struct ran r;

	stage_open(s, FOR_EVER);
	note_command(s, "no namespace", no_namespace);
	r = stage_run_words(s, unknown_flag);
	stage_note(s, "unknown flag", "%d %.*s", r.code, (int)strcspn(buf_text(&r.errors), "\n"),
		buf_text(&r.errors));
	ran_fini(&r);
	r = stage_run_words(s, double_dash);
	stage_note(s, "version", "%d", r.code);
	ran_fini(&r);
	stage_close(s);
}

static void start_fails(struct stage *s)
{
	struct ran r;

	stage_open(s, FOR_EVER);
	(void)unlink("config.json");
	r = stage_run(s, "start");
	stage_note_ran(s, "start without config.json", &r);
	stage_write(s, "config.json", "{\"annotations\":");
	r = stage_run(s, "start");
	stage_note_ran(s, "start with half a config.json", &r);
	stage_close(s);
}

static void shim_killed(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	stage_await_news(s, 2);
	stage_kill_shim(s);
	stage_close_killed(s);
}

static void shim_killed_after_exit(struct stage *s)
{
	stage_open(s, "exit 7");
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	ask(s, "Wait", "Wait", NULL);
	stage_await_news(s, 3);
	stage_kill_shim(s);
	stage_close_killed(s);
}

static void shim_killed_first(struct stage *s)
{
	stage_open(s, FOR_EVER);
	stage_kill_shim(s);
	stage_close_killed(s);
}

static void no_runtime_file(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	(void)unlink("options.json");
	stage_await_news(s, 1);
	stage_kill_shim(s);
	stage_close_killed(s);
}

/* Told to end, it leaves its containers to `delete`. */
static void shim_terminated(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	stage_await_news(s, 2);
	(void)child_signal(&s->daemon, SIGTERM);
	stage_run_until(s, &s->daemon_ended, "end of the shim");
	stage_note(s, "status of the shim", "%d", s->daemon_code);
	stage_close_killed(s);
}

static void options_of(struct stage *s)
{
	struct ran r;
	const char *cat[] = { "cat", "options.json", "runtime", NULL };

	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	r = stage_run_words(s, cat);
	stage_note_ran(s, "options.json and runtime", &r);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

const struct scene scenes_of_binary[] = {
	{ "second start", second_start },
	{ "command lines", command_lines },
	{ "start fails", start_fails },
	{ "shim killed", shim_killed },
	{ "shim killed after the exit", shim_killed_after_exit },
	{ "shim killed before all", shim_killed_first },
	{ "no options.json", no_runtime_file },
	{ "shim terminated", shim_terminated },
	{ "files", options_of },
	{ NULL, NULL },
};
