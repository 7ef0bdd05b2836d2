/* SPDX-License-Identifier: Apache-2.0 */

/*
 * stall - one thing hangs for ever, and everything else is served.
 *
 *	stall SHIM CALLS RUNTIME [SCENE]
 *
 * For each scene a shim with a container that hangs, in a verb of the runtime
 * or by what surrounds it, and another that is asked CALLS times meanwhile, and
 * has an answer to everything if RUNTIME, which is one in $PATH, and not "fake",
 * has made it; a third is killed and must be seen to end. The verdict is not a time: the shim
 * must not have slept anywhere but in epoll_wait() (turns.h), and its memory is
 * bounded. Times are told.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "tests/lib/slow_fs.h"
#include "tests/proof/crowd.h"
#include "tests/proof/stage.h"
#include "tests/proof/times.h"
#include "tests/proof/turns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* What a shim may grow by while a client does not read: its queue, and what it is made of. */
#define GROWTH_MAX_KIB 1024

/* How often a scene is played in which the shim slept. */
#define TIMES_ASLEEP 3

struct scene {
	const char *name;
	const char *misdeed; /* of the container that hangs */
	/* Begins what never ends; its call is s->hanging, if it has one. */
	void (*begin)(struct scene *s);
	void (*step)(struct scene *s);   /* between calls; may be NULL */
	void (*finish)(struct scene *s); /* may be NULL; what hung may go on */
	void (*strike)(struct scene *s); /* may be NULL; its container is gone */

	/* While it is played. */
	struct stage stage;
	struct vessel stuck, alive, victim;
	bool has_hanging;
	struct ask hanging;
	struct crowd crowd;
	struct slow_fs fs;
};

static const char *const forever[] = { MAYFLY, "-", "-", "0", "-1", NULL };
static const char *const really_forever[] = { "/mayfly", "-", "-", "0", "-1", NULL };

static const char *real_runtime; /* NULL: there is none */

static struct times times;

/* --- calls that must be answered --- */

static void must(struct scene *s, const char *method, const char *id)
{
	struct err e;

	if (!ask_of(&s->stage.caller, method, id, "", &e))
		stage_broken(&s->stage, "%s: %s %s: %s", s->name, method, id, e.msg);
}

static void launch(struct scene *s, const struct vessel *v, bool starts)
{
	struct ask a;

	vessel_prepare(v);
	ask_begin_create(&s->stage.caller, &a, v);
	if (!ask_await(&s->stage.caller, &a))
		stage_broken(&s->stage, "%s: %s: %s", s->name, a.about, a.err.msg);
	ask_fini(&a);
	if (starts)
		must(s, "Start", v->id);
}

static void create(
	struct scene *s, struct vessel *v, const char *id, const char *lower, bool starts)
{
	*v = (struct vessel){ .dir = s->stage.dir, .argv = forever, .lower = lower };
	snprintf(v->id, sizeof(v->id), "%s", id);
	launch(s, v, starts);
}

static void create_alive(struct scene *s)
{
	s->alive = (struct vessel){ .dir = s->stage.dir,
		.argv = real_runtime ? really_forever : forever,
		.real = real_runtime,
		.lower = "lower",
		.id = "alive" };
	launch(s, &s->alive, true);
}

/* The fake runtime makes no control groups: then there is nothing to tell. */
static void ask_timed(struct scene *s, const char *method)
{
	struct ask a;

	ask_begin_of(&s->stage.caller, &a, method, s->alive.id, "", NULL);
	if (!ask_await(&s->stage.caller, &a) && (real_runtime || strcmp(method, "Stats") != 0))
		stage_broken(&s->stage, "%s: %s: %s", s->name, a.about, a.err.msg);
	times_note(&times, &a);
	ask_fini(&a);
}

static void kill_timed(struct scene *s, const struct vessel *v, uint32_t signo)
{
	struct ask a;

	ask_begin_kill(&s->stage.caller, &a, v->id, "", signo);
	if (!ask_await(&s->stage.caller, &a))
		stage_broken(&s->stage, "%s: %s: %s", s->name, a.about, a.err.msg);
	times_note(&times, &a);
	ask_fini(&a);
}

static void end_victim(struct scene *s)
{
	create(s, &s->victim, "victim", "lower", true);
	kill_timed(s, &s->victim, SIGKILL);
	must(s, "Wait", "victim");
	must(s, "Delete", "victim");
}

static void ask_around(struct scene *s, long calls)
{
	static const char *const methods[] = { "State", "Pids", "Connect", "Stats" };
	struct ask wait;

	ask_begin_of(&s->stage.caller, &wait, "Wait", s->alive.id, "", NULL);
	for (long i = 0; i < calls; i++) {
		for (size_t m = 0; m < ARRAY_LEN(methods); m++)
			ask_timed(s, methods[m]);
		kill_timed(s, &s->alive, SIGCONT);
		if (wait.is_over)
			stage_broken(&s->stage, "%s: Wait was answered", s->name);
		if (s->step)
			s->step(s);
		if (s->has_hanging && s->hanging.is_over)
			stage_broken(&s->stage, "%s: what should hang has ended: %s", s->name,
				s->hanging.err.msg);
	}
	ask_fini(&wait);
	end_victim(s);
}

/* --- verbs of the runtime that hang --- */

static void prepare_stuck(struct scene *s, bool exists)
{
	create(s, &s->stuck, "stuck", "lower", exists);
	vessel_misdeed(&s->stuck, s->misdeed);
}

static void hang_in(struct scene *s, const char *method)
{
	ask_begin_of(&s->stage.caller, &s->hanging, method, "stuck", "", NULL);
	s->has_hanging = true;
}

static void hang_in_create(struct scene *s, struct vessel v)
{
	s->stuck = v;
	s->stuck.dir = s->stage.dir;
	s->stuck.argv = forever;
	snprintf(s->stuck.id, sizeof(s->stuck.id), "stuck");
	vessel_prepare(&s->stuck);
	if (s->misdeed)
		vessel_misdeed(&s->stuck, s->misdeed);
	ask_begin_create(&s->stage.caller, &s->hanging, &s->stuck);
	s->has_hanging = true;
}

static void begin_create(struct scene *s)
{
	hang_in_create(s, (struct vessel){ 0 });
}

static void begin_start(struct scene *s)
{
	prepare_stuck(s, false);
	hang_in(s, "Start");
}

static void begin_pause(struct scene *s)
{
	prepare_stuck(s, true);
	hang_in(s, "Pause");
}

static void begin_resume(struct scene *s)
{
	prepare_stuck(s, true);
	must(s, "Pause", "stuck");
	hang_in(s, "Resume");
}

static void begin_delete(struct scene *s)
{
	prepare_stuck(s, true);
	kill_timed(s, &s->stuck, SIGKILL);
	must(s, "Wait", "stuck");
	hang_in(s, "Delete");
}

static void begin_exec(struct scene *s)
{
	struct ask a;

	prepare_stuck(s, true);
	ask_begin_exec(&s->stage.caller, &a, "stuck", "e", forever, NULL);
	if (!ask_await(&s->stage.caller, &a))
		stage_broken(&s->stage, "%s: %s", a.about, a.err.msg);
	ask_fini(&a);
	ask_begin_of(&s->stage.caller, &s->hanging, "Start", "stuck", "e", NULL);
	s->has_hanging = true;
}

static void begin_update(struct scene *s)
{
	prepare_stuck(s, true);
	ask_begin_update(&s->stage.caller, &s->hanging, "stuck");
	s->has_hanging = true;
}

static void begin_checkpoint(struct scene *s)
{
	prepare_stuck(s, true);
	ask_begin_checkpoint(&s->stage.caller, &s->hanging, "stuck", s->stage.dir);
	s->has_hanging = true;
}

/* The question that is asked before anything is created. */
static void begin_features(struct scene *s)
{
	static const char script[] = "#!/bin/sh\nexec sleep 1000000\n";
	int rc = fd_replace_file(AT_FDCWD, "mute-runtime", script, strlen(script), 0700);

	if (rc < 0)
		give_up("mute-runtime: %s", strerror(-rc));
	hang_in_create(s, (struct vessel){ .runtime = "mute-runtime" });
}

static void begin_logger(struct scene *s)
{
	static char uri[PATH_MAX];

	snprintf(uri, sizeof(uri), "binary-v2://%s?file=%s/logged&ready=never", FAKE_LOGGER,
		s->stage.dir);
	hang_in_create(s, (struct vessel){ .out = uri });
}

/* --- a filesystem whose server does not answer --- */

static void must_do(const char *what, int rc)
{
	if (rc < 0)
		give_up("%s: %s", what, strerror(-rc));
}

static void begin_mount(struct scene *s)
{
	must_do("mount a filesystem of ours", slow_fs_mount(&s->fs, s->stage.dir));
	must_do("pause its server", slow_fs_pause(&s->fs));
	hang_in_create(s, (struct vessel){ .lower = "slow/sub" });
}

/* Another one is mounted in it, and is found through it only. */
static void begin_umount(struct scene *s)
{
	must_do("mount a filesystem of ours", slow_fs_mount(&s->fs, s->stage.dir));
	must_do("mount another in it",
		mount("tmpfs", "slow/sub", "tmpfs", 0, NULL) < 0 ? -errno : 0);
	create(s, &s->stuck, "stuck", "slow", true);
	kill_timed(s, &s->stuck, SIGKILL);
	must(s, "Wait", "stuck");
	must_do("pause its server", slow_fs_pause(&s->fs));
	hang_in(s, "Delete");
}

static void finish_slow(struct scene *s)
{
	if (s->hanging.is_over)
		stage_broken(&s->stage, "%s: it did not hang: %s", s->name, s->hanging.err.msg);
	must_do("let its server go on", slow_fs_continue(&s->fs));
}

static void strike_slow(struct scene *s)
{
	must_do("end the filesystem of ours", slow_fs_end(&s->fs));
}

/* --- what surrounds a shim --- */

static void begin_full_log(struct scene *s)
{
	char junk[4096];

	memset(junk, '.', sizeof(junk));
	ev_io_stop(s->stage.loop, &s->stage.log_watcher);
	while (write(s->stage.log_fd, junk, sizeof(junk)) > 0)
		;
}

static void finish_full_log(struct scene *s)
{
	ev_io_start(s->stage.loop, &s->stage.log_watcher);
}

static void begin_paused(struct scene *s)
{
	must(s, "Pause", s->alive.id);
}

static void finish_paused(struct scene *s)
{
	must(s, "Resume", s->alive.id);
}

static void begin_deaf(struct scene *s)
{
	s->stage.is_deaf = true;
}

static void begin_crowd(struct scene *s)
{
	crowd_join(&s->crowd, s->stage.socket, s->alive.id);
}

static void step_never_reads(struct scene *s)
{
	crowd_flood(&s->crowd);
}

static void step_byte(struct scene *s)
{
	crowd_dribble(&s->crowd);
}

static void finish_crowd(struct scene *s)
{
	crowd_leave(&s->crowd);
}

static struct scene scenes[] = {
	{ .name = "create", .misdeed = "create hang", .begin = begin_create },
	{ .name = "start", .misdeed = "start hang", .begin = begin_start },
	{ .name = "exec", .misdeed = "exec hang", .begin = begin_exec },
	{ .name = "pause", .misdeed = "pause hang", .begin = begin_pause },
	{ .name = "resume", .misdeed = "resume hang", .begin = begin_resume },
	{ .name = "update", .misdeed = "update hang", .begin = begin_update },
	{ .name = "checkpoint", .misdeed = "checkpoint hang", .begin = begin_checkpoint },
	{ .name = "delete", .misdeed = "delete hang", .begin = begin_delete },
	{ .name = "features", .begin = begin_features },
	{ .name = "logger", .begin = begin_logger },
	{ .name = "mount", .begin = begin_mount, .finish = finish_slow, .strike = strike_slow },
	{ .name = "umount", .begin = begin_umount, .finish = finish_slow, .strike = strike_slow },
	{ .name = "log", .begin = begin_full_log, .finish = finish_full_log },
	{ .name = "paused", .begin = begin_paused, .finish = finish_paused },
	{ .name = "containerd", .begin = begin_deaf },
	{ .name = "client that never reads",
		.begin = begin_crowd,
		.step = step_never_reads,
		.finish = finish_crowd },
	{ .name = "client of a byte at a time",
		.begin = begin_crowd,
		.step = step_byte,
		.finish = finish_crowd },
};

/* --- one scene --- */

static void end_container(struct scene *s, const char *id)
{
	struct caller *c = &s->stage.caller;
	struct err e;

	if (!ask_of(c, "State", id, "", NULL))
		return;
	(void)ask_kill(c, id, "", SIGCONT, NULL); /* the fake runtime pauses with SIGSTOP */
	(void)ask_kill(c, id, "", SIGKILL, NULL);
	(void)ask_of(c, "Wait", id, "", NULL);
	if (!ask_of(c, "Delete", id, "", &e))
		stage_broken(&s->stage, "%s: Delete of %s: %s", s->name, id, e.msg);
}

static void judge(struct scene *s, const struct turns *t, long growth_kib)
{
	printf("%-26s %6zu answers: median %3.0f us, p99 %4.0f, longest %5.0f; %+ld KiB; %ld "
	       "turns, slept in %ld; %ld times at a lock\n",
		s->name, times.n, times_at(&times, 0.5), times_at(&times, 0.99),
		times_at(&times, 1), growth_kib, t->turns, t->bad_turns, t->at_locks);
	fflush(stdout);
	if (t->turns == 0) {
		printf("SKIPPED stall: libev is a shared library in this build, and sleeps "
		       "uncounted\n");
		exit(77);
	}
	if (growth_kib > GROWTH_MAX_KIB)
		stage_broken(&s->stage, "%s: the shim has grown by %ld KiB", s->name, growth_kib);
}

/* What hangs is killed, so that it can be deleted; what a scene's finish has let go on, goes on. */
static void end_stuck(struct scene *s)
{
	if (!s->has_hanging)
		return;
	vessel_misdeed(&s->stuck, "");
	/* Again and again: the question that hung may be followed by another one. */
	for (int i = 0; i < 5000 && !s->finish && !s->hanging.is_over; i++) {
		stage_kill_helpers(&s->stage);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		ev_run(s->stage.loop, EVRUN_NOWAIT);
	}
	(void)ask_await(&s->stage.caller, &s->hanging);
	ask_fini(&s->hanging);
	end_container(s, "stuck");
}

/* False: the shim slept. */
static bool play(struct scene *s, struct turns *t, const char *shim, long calls)
{
	long before;

	stage_open(&s->stage, shim);
	if (real_runtime)
		stage_furnish(&s->stage);
	create_alive(s);
	end_victim(s);
	before = holdings_of(s->stage.daemon.pid).anon_kib;
	memset(t, 0, sizeof(*t));
	times.n = 0;
	s->begin(s);
	ask_around(s, calls);
	judge(s, t, holdings_of(s->stage.daemon.pid).anon_kib - before);
	if (s->finish)
		s->finish(s);
	s->stage.is_deaf = false;
	end_stuck(s);
	if (s->strike)
		s->strike(s);
	end_container(s, "alive");
	stage_close(&s->stage);
	return t->in_turns == 0;
}

/* Who waits for another process sleeps each time; who has to read a page again, now and then. */
static void play_until_awake(struct scene *s, struct turns *t, const char *shim, long calls)
{
	for (int i = 0; i < TIMES_ASLEEP; i++)
		if (play(s, t, shim, calls))
			return;
	broken("%s: the loop slept outside epoll_wait(), each of %d times", s->name, TIMES_ASLEEP);
}

int main(int argc, char **argv)
{
	struct turns *t = stage_share(TURNS_ENV, sizeof(*t));

	if (argc < 4)
		give_up("usage: stall SHIM CALLS RUNTIME [SCENE], by way of tests/proof/run");
	real_runtime = strcmp(argv[3], "fake") ? argv[3] : NULL;
	before_broken = stage_thaw;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		if (scenes[i].strike && access("/dev/fuse", R_OK | W_OK) < 0)
			printf("SKIPPED stall %s: there is no /dev/fuse\n", scenes[i].name);
		else if (argc == 4 || strcmp(argv[4], scenes[i].name) == 0)
			play_until_awake(&scenes[i], t, argv[1], strtol(argv[2], NULL, 10));
	return 0;
}
