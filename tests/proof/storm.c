/* SPDX-License-Identifier: Apache-2.0 */

/*
 * storm - lives so short, and numbers so few, that a pid is somebody else's a few of them later.
 *
 *	storm SHIM ROUNDS PATIENCE NUMBERS
 *
 * In a pid namespace with so many pids (pid_max of its own: Linux 6.14; with many, nothing comes
 * back, and what a shim does wrong is for another reason),
 * actors have the shim create, exec, kill and delete; each process has a status
 * that its name tells, so that one given to another is seen, in the reply to
 * Wait, in that to Delete and in the event. Beside them live strangers, no
 * children of the shim, who would die of a signal that went astray. Mount
 * helpers, loggers and runtimes use up numbers between.
 */

#include "base/auto.h"
#include "base/clock.h"
#include "base/fd.h"
#include "proto/any.h"
#include "proto/api/events.pb-c.h"
#include "proto/message.h"
#include "tests/lib/kernel.h"
#include "tests/proof/stage.h"
#include "tests/proof/strangers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel gives out no number below 300 again once all have been used. */
#define RESERVED    300
#define PID_MAX_MAX 65536

#define ACTORS   4
#define EXECS    4 /* of a container at a time */
#define GAPS_MAX (1 << 20)

/* Lives begun whose exit has not been heard of. */
#define BACKLOG_MAX 1000

/* Shared by the actors. */
struct books {
	_Atomic int64_t ended_ns[PID_MAX_MAX]; /* when the number's last bearer was reaped */
	_Atomic long n_gaps, n_lives, n_early, n_late_kills, n_refused, n_fooled, n_events,
		n_strangers;
	int64_t gap_ns[GAPS_MAX]; /* from there to the next one */
};

static struct books *books;

struct actor {
	struct child child;
	struct stage *stage; /* borrowed */
	int number, rounds;
	struct caller caller;
	struct vessel vessel;
	bool is_over;
};

/* --- one process --- */

enum end {
	END_EARLY, /* before the runtime has written its pid */
	END_SOON,  /* by itself, while others come and go */
	END_RACED, /* by itself or by a signal, whichever comes first */
	END_KILLED,
	N_ENDS
};

struct life {
	char name[48]; /* its exec id; ends in its end and status: -S17 */
	enum end end;
	int code;
	uint32_t pid;
	struct ask ask;
	bool runs;
};

static const char end_letters[] = "ESRK";

/* What the name says its status may be. */
static bool name_allows(const char *name, uint32_t status)
{
	const char *at = strrchr(name, '-');
	bool may_be_killed = at && (at[1] == 'R' || at[1] == 'K');

	if (!at)
		return false;
	if (status == 128 + SIGKILL && may_be_killed)
		return true;
	return at[1] != 'K' && status == (uint32_t)strtol(at + 2, NULL, 10);
}

static void name_life(struct life *l, const struct actor *a, int round, int i)
{
	*l = (struct life){ .end = (enum end)((round + i) % N_ENDS) };
	l->code = 1 + (a->number * 61 + round * 7 + i * 13) % 120;
	snprintf(l->name, sizeof(l->name), "a%d-%d-%d-%c%d", a->number, round, i,
		end_letters[l->end], l->code);
}

/* @folder and @code are borrowed by the words. */
static void words_of(const struct life *l, const char *folder, char code[16], const char *ret[6])
{
	static const char *const ms[N_ENDS] = { "0", "3", "2", "-1" };

	snprintf(code, 16, "%d", l->code);
	ret[0] = MAYFLY;
	ret[1] = folder;
	ret[2] = l->name;
	ret[3] = code;
	ret[4] = ms[l->end];
	ret[5] = NULL;
}

static void note_birth(uint32_t pid)
{
	int64_t ended = pid < PID_MAX_MAX ? books->ended_ns[pid] : 0;
	long n;

	books->n_lives++;
	if (!ended)
		return;
	n = books->n_gaps++;
	if (n < GAPS_MAX)
		books->gap_ns[n] = clock_mono_ns() - ended;
}

static void note_end(uint32_t pid)
{
	if (pid < PID_MAX_MAX)
		books->ended_ns[pid] = clock_mono_ns();
}

/*
 * That all numbers are taken is no fault of anybody's, and it is counted. So is
 * a runtime that takes another process for its container's: as the real ones,
 * the fake one goes by number and start time, which has but a hundred ticks in
 * a second.
 */
static bool was_refused(const struct ask *a)
{
	if (strstr(a->err.msg, "that is not stopped: running"))
		books->n_fooled++;
	else if (strstr(a->err.msg, "Resource temporarily unavailable"))
		books->n_refused++;
	else
		broken("wrong: %s: %s", a->about, a->err.msg);
	return true;
}

/* What it signed with; 0: it was killed before. */
static uint32_t signed_pid(const struct actor *a, const char *name)
{
	auto_buf struct buf text = BUF_INIT(64);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/book/%s", a->vessel.dir, name);
	if (fd_read_file(AT_FDCWD, path, &text) < 0 || !buf_text(&text))
		return 0;
	(void)unlink(path);
	return (uint32_t)strtol(buf_text(&text), NULL, 10);
}

static void check_pid(const struct actor *a, const char *name, uint32_t pid, uint32_t status)
{
	uint32_t is = signed_pid(a, name);

	if (is == 0 && status != 128 + SIGKILL)
		broken("wrong: %s, status %u, never ran", name, status);
	if (is != 0 && is != pid)
		broken("wrong: %s has pid %u, its Start said %u", name, is, pid);
}

static void check_status(const char *method, const char *name, uint32_t status)
{
	if (!name_allows(name, status))
		broken("wrong: %s says that %s ended with status %u", method, name, status);
}

/* --- an exec, in the same steps for all of a round, so that they overlap --- */

static void life_add(struct actor *a, struct life *l)
{
	char folder[PATH_MAX], code[16];
	const char *words[6];

	snprintf(folder, sizeof(folder), "%s/book", a->vessel.dir);
	words_of(l, folder, code, words);
	ask_begin_exec(&a->caller, &l->ask, a->vessel.id, l->name, words, NULL);
	if (!ask_await(&a->caller, &l->ask))
		broken("%s: %s", l->ask.about, l->ask.err.msg);
	ask_fini(&l->ask);
	ask_begin_of(&a->caller, &l->ask, "Start", a->vessel.id, l->name,
		&pb__start_response__descriptor);
}

static void life_started(struct actor *a, struct life *l)
{
	l->runs = ask_await(&a->caller, &l->ask) || !was_refused(&l->ask);
	if (l->runs) {
		l->pid = ask_pid(&l->ask);
		note_birth(l->pid);
		books->n_early += l->end == END_EARLY;
	}
	ask_fini(&l->ask);
	if (l->runs && (l->end == END_RACED || l->end == END_KILLED))
		(void)ask_kill(&a->caller, a->vessel.id, l->name, SIGKILL, NULL);
}

static void life_wait(struct actor *a, struct life *l)
{
	struct ask wait;

	ask_begin_of(
		&a->caller, &wait, "Wait", a->vessel.id, l->name, &pb__wait_response__descriptor);
	if (!ask_await(&a->caller, &wait))
		broken("%s: %s", wait.about, wait.err.msg);
	check_status(
		"Wait", l->name, ((const Pb__WaitResponse *)(const void *)wait.reply)->exit_status);
	note_end(l->pid);
	ask_fini(&wait);
	/* Its number is somebody's by now, or soon. */
	if (ask_kill(&a->caller, a->vessel.id, l->name, SIGKILL, NULL))
		broken("wrong: a signal for %s, which has ended, reached somebody", l->name);
	books->n_late_kills++;
}

static void life_delete(
	struct actor *a, const char *id, const char *exec, const char *name, uint32_t pid)
{
	struct ask del;
	const Pb__DeleteResponse *r;

	ask_begin_of(&a->caller, &del, "Delete", id, exec, &pb__delete_response__descriptor);
	while (!ask_await(&a->caller, &del) && was_refused(&del)) {
		ask_fini(&del);
		ask_begin_of(
			&a->caller, &del, "Delete", id, exec, &pb__delete_response__descriptor);
	}
	r = (const Pb__DeleteResponse *)(const void *)del.reply;
	if (pid && r->pid != pid)
		broken("wrong: Delete of %s says pid %u, its Start said %u", name, r->pid, pid);
	if (pid) {
		check_status("Delete", name, r->exit_status);
		check_pid(a, name, pid, r->exit_status);
	}
	ask_fini(&del);
}

static void play_execs(struct actor *a, int round)
{
	struct life life[EXECS];

	for (int i = 0; i < EXECS; i++) {
		name_life(&life[i], a, round, i);
		life_add(a, &life[i]);
	}
	for (int i = 0; i < EXECS; i++)
		life_started(a, &life[i]);
	for (int i = 0; i < EXECS; i++)
		if (life[i].runs)
			life_wait(a, &life[i]);
	for (int i = 0; i < EXECS; i++)
		life_delete(a, a->vessel.id, life[i].name, life[i].name, life[i].pid);
}

/* --- a container: its init is a life like the others, its name the container's --- */

static bool init_created(struct actor *a, struct life *init)
{
	struct ask create;
	bool ok;

	ask_begin_create(&a->caller, &create, &a->vessel);
	ok = ask_await(&a->caller, &create) || !was_refused(&create);
	if (ok) {
		init->pid = ask_pid(&create);
		note_birth(init->pid);
	}
	ask_fini(&create);
	return ok;
}

static void init_end(struct actor *a, struct life *init)
{
	struct ask wait;

	ask_begin_of(&a->caller, &wait, "Wait", a->vessel.id, "", &pb__wait_response__descriptor);
	(void)ask_kill(&a->caller, a->vessel.id, "", SIGKILL, NULL);
	if (!ask_await(&a->caller, &wait))
		broken("%s: %s", wait.about, wait.err.msg);
	check_status("Wait", init->name,
		((const Pb__WaitResponse *)(const void *)wait.reply)->exit_status);
	note_end(init->pid);
	ask_fini(&wait);
}

/*
 * Events go one at a time, and the ear is one process among many that want a
 * processor: who outran it by EVENTS_MAX would see the shim drop the oldest.
 */
static void await_ear(void)
{
	while (books->n_lives - books->n_events > BACKLOG_MAX)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void play_round(struct actor *a, int round)
{
	char book[PATH_MAX], code[16], logger[PATH_MAX];
	const char *words[6];
	struct life init = { .end = END_KILLED, .code = 1 };
	struct ask start;
	bool started;

	await_ear();
	snprintf(book, sizeof(book), "%s/book", a->stage->dir);
	snprintf(init.name, sizeof(init.name), "c%d-%d-K1", a->number, round);
	words_of(&init, book, code, words);
	snprintf(logger, sizeof(logger), "binary://%s?file=/dev/null&ready=close", FAKE_LOGGER);
	a->vessel = (struct vessel){ .dir = a->stage->dir,
		.argv = words,
		.lower = "lower",
		.out = round % 2 ? logger : NULL };
	memcpy(a->vessel.id, init.name, sizeof(init.name));
	vessel_prepare(&a->vessel);
	/* Dead, and ours, long before its pid is told. */
	vessel_misdeed(&a->vessel, round % 2 ? "" : "exec orphan 3\n");
	if (!init_created(a, &init))
		return;
	ask_begin_of(
		&a->caller, &start, "Start", a->vessel.id, "", &pb__start_response__descriptor);
	started = ask_await(&a->caller, &start) || !was_refused(&start);
	ask_fini(&start);
	if (started)
		play_execs(a, round);
	init_end(a, &init);
	life_delete(a, a->vessel.id, "", init.name, init.pid);
}

static int play(void *arg)
{
	struct actor *a = arg;
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);

	a->caller.patience_s = a->stage->caller.patience_s;
	caller_open(&a->caller, loop, a->stage->socket);
	for (int round = 0; round < a->rounds; round++)
		play_round(a, round);
	return 0;
}

static void on_actor_exit(struct child *c, const struct exit_status *st)
{
	struct actor *a = container_of(c, struct actor, child);

	a->is_over = true;
	if (st->code == PROOF_BROKEN)
		stage_broken(a->stage, "actor %d has seen it", a->number);
	if (st->code != 0)
		broken("wrong: actor %d ended with status %d", a->number, st->code);
}

/* --- the storm --- */

static void on_event(struct stage *s, const char *topic, const Pb__Any *any)
{
	auto_message Pb__TaskExit *m = NULL;

	if (strcmp(topic, "/tasks/exit") != 0)
		return;
	m = any_unpack(any, &pb__task_exit__descriptor);
	if (!m)
		stage_broken(s, "no TaskExit");
	check_status("the event", m->id, m->exit_status);
	books->n_events++;
}

/* Where it is not of the namespace it would be the machine's: then it is left alone. */
static void limit_numbers(long numbers)
{
	long before = read_number("/proc/sys/kernel/pid_max", "");
	const char *machine = getenv("PROOF_PID_MAX");
	FILE *f;

	if (getpid() != 1)
		give_up("not the first process of a pid namespace");
	if (!kernel_is_at_least(6, 14) || !machine || strtol(machine, NULL, 10) == before) {
		printf("SKIPPED storm: a pid namespace has no pid_max of its own before Linux "
		       "6.14\n");
		exit(77);
	}
	f = fopen("/proc/sys/kernel/pid_max", "we");
	if (!f || fprintf(f, "%ld", RESERVED + numbers) < 0 || fclose(f) != 0)
		give_up("kernel.pid_max: %s", strerror(errno));
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void report(int64_t took_ns, long numbers)
{
	size_t n = (size_t)(books->n_gaps < GAPS_MAX ? books->n_gaps : GAPS_MAX);

	qsort(books->gap_ns, n, sizeof(books->gap_ns[0]), by_value);
	printf("%ld lives in %.1f s with %ld numbers, %ld that end at once, 3 ms before their pid "
	       "is told\n",
		(long)books->n_lives, (double)took_ns / 1e9, numbers, (long)books->n_early);
	printf("a number came back %zu times: fastest %.3f ms, median %.1f ms\n", n,
		n ? (double)books->gap_ns[0] / 1e6 : 0.,
		n ? (double)books->gap_ns[n / 2] / 1e6 : 0.);
	printf("%ld exit events, %ld late signals, %ld strangers, %ld refused for want of a "
	       "number, %ld by a runtime that took another process for its own\n",
		(long)books->n_events, (long)books->n_late_kills, (long)books->n_strangers,
		(long)books->n_refused, (long)books->n_fooled);
	printf("no status, pid or signal went to another\n");
}

static struct books *books_open(void)
{
	void *at = mmap(
		NULL, sizeof(*books), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		give_up("out of memory");
	return at;
}

static void run_actors(struct stage *s, int rounds)
{
	struct actor actor[ACTORS];

	for (int i = 0; i < ACTORS; i++) {
		actor[i] = (struct actor){
			.child = CHILD_NONE, .stage = s, .number = i, .rounds = rounds
		};
		if (child_fork(&actor[i].child, &s->reaper, play, &actor[i], on_actor_exit) < 0)
			give_up("no actor");
	}
	for (int i = 0; i < ACTORS; i++)
		while (!actor[i].is_over)
			ev_run(s->loop, EVRUN_ONCE);
}

int main(int argc, char **argv)
{
	struct strangers strangers;
	struct stage s;
	int64_t began;
	long numbers;

	if (argc != 5)
		give_up("usage: storm SHIM ROUNDS PATIENCE NUMBERS, by way of tests/proof/run");
	numbers = strtol(argv[4], NULL, 10);
	if (numbers < 1 || numbers > PID_MAX_MAX - RESERVED)
		give_up("%s numbers", argv[4]);
	limit_numbers(numbers);
	books = books_open();
	stage_prepare(&s, argv[1]);
	if (mkdir("book", 0700) < 0)
		give_up("book: %s", strerror(errno));
	s.on_event = on_event;
	s.caller.patience_s = strtod(argv[3], NULL);
	stage_start(&s);
	strangers_begin(&strangers, &s, &books->n_strangers);
	began = clock_mono_ns();
	run_actors(&s, (int)strtol(argv[2], NULL, 10));
	strangers_end(&strangers);
	began = clock_mono_ns() - began;
	stage_close(&s);
	if (books->n_events != books->n_lives)
		broken("lost: %ld lives, %ld exit events", (long)books->n_lives,
			(long)books->n_events);
	report(began, numbers);
	return 0;
}
