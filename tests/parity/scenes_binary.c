/* SPDX-License-Identifier: Apache-2.0 */

/*
 * scenes_binary.c - the command line: start, delete, and what is wrong with it.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "proto/any.h"
#include "proto/api/options.pb-c.h"
#include "tests/parity/parity.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

/* What containerd up to 2.2 writes to `start`: the options in an Any. */
static void give_options(struct stage *s, const char *shim_cgroup)
{
	Runc__Options o = RUNC__OPTIONS__INIT;
	auto_buf struct buf bytes = BUF_INIT(4096);
	auto_buf struct buf text = BUF_INIT(4096);
	Pb__Any any;

	o.shim_cgroup = shim_cgroup;
	s->input = memfd_create("options", MFD_CLOEXEC);
	if (any_pack(&o.base, &bytes, &any) < 0 || message_pack(&any.base, &text) < 0 ||
		fd_write_all(s->input, text.data, text.len) < 0 || lseek(s->input, 0, SEEK_SET) < 0)
		give_up("no options");
}

static void take_options(struct stage *s)
{
	close(s->input);
	s->input = -1;
}

static void note_group(struct stage *s, const char *hierarchy, const char *group)
{
	char path[PATH_MAX], line[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s%s/cgroup.procs", hierarchy, group);
	f = fopen(path, "re");
	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	stage_note(s, hierarchy, "%s", !f ? "no group" : line[0] ? "it is there" : "nobody");
}

#define HIERARCHIES 2

/* In version 2 there is but one, of which the root is it. */
static const char *hierarchy(size_t i)
{
	static const char *const names[HIERARCHIES] = { "memory", "pids" };

	return access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0 ? "." : names[i];
}

static void make_groups(const char *group)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < HIERARCHIES; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/belay", hierarchy(i));
		(void)mkdir(path, 0755); /* others may have made it, or version 1 is not there */
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s%s", hierarchy(i), group);
		(void)mkdir(path, 0755);
	}
}

static void remove_groups(const char *group)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < HIERARCHIES; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s%s", hierarchy(i), group);
		(void)rmdir(path);
	}
}

/* Of hierarchies of version 1 those count that have the group. */
static void shim_cgroup(struct stage *s)
{
	char group[64];
	struct ran r;

	stage_prepare(s, FOR_EVER);
	give_options(s, "/belay/nowhere");
	r = stage_run(s, "start");
	stage_note(s, "start in no group", "%d", r.code);
	ran_fini(&r);
	take_options(s);
	snprintf(group, sizeof(group), "/belay/%s", strrchr(s->dir, '/') + 1);
	make_groups(group);
	give_options(s, group);
	stage_start_shim(s);
	take_options(s);
	for (size_t i = 0; i < HIERARCHIES; i++)
		note_group(s, hierarchy(i), group);
	stage_close(s);
	remove_groups(group);
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

/* What is paused is ended too. */
static void shim_killed_paused(struct stage *s)
{
	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	ask(s, "Pause", "Pause", NULL);
	stage_await_news(s, 3);
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

/* Without it `delete` looks in the default place, so we end the container ourselves. */
static void no_options(struct stage *s)
{
	char root[PATH_MAX + 32];
	const char *argv[] = { s->runtime, "--root", root, "delete", "--force", STAGE_ID, NULL };
	struct ran r;

	stage_open(s, FOR_EVER);
	ask_create(s, "Create", NULL);
	(void)unlink("options.json");
	stage_await_news(s, 1);
	stage_kill_shim(s);
	snprintf(root, sizeof(root), "%s/runtime/%s", s->dir, STAGE_NAMESPACE);
	r = stage_run_words(s, argv);
	stage_note_ran(s, "runtime delete", &r);
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
	{ "shim cgroup", shim_cgroup },
	{ "start fails", start_fails },
	{ "shim killed", shim_killed },
	{ "shim killed, container paused", shim_killed_paused },
	{ "shim killed after the exit", shim_killed_after_exit },
	{ "shim killed before all", shim_killed_first },
	{ "no options.json", no_options },
	{ "shim terminated", shim_terminated },
	{ "files", options_of },
	{ NULL, NULL },
};
