/* SPDX-License-Identifier: Apache-2.0 */

/*
 * programs.c - `start` and `delete`, as containerd runs them, with faults: they do
 * it, or say why not, and what could not be done can be done again.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "proto/message.h"
#include "shim/socket.h"
#include "tests/lib/bootstrap.h"
#include "tests/proof/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EXIT_CODE_KILLED 137

/* What the runtime keeps of the container. */
#define RUNTIME_STATE "runtime/" PROOF_NAMESPACE "/c"

static const char *const forever[] = { MAYFLY, "-", "-", "0", "-1", NULL };

/* One of our own that has run. */
struct program {
	struct child child;
	bool has_ended;
	struct exit_status end;
	int out_fd, err_fd;
	struct buf out, err;
};

static void on_program_exit(struct child *c, const struct exit_status *st)
{
	struct program *p = container_of(c, struct program, child);

	p->has_ended = true;
	p->end = *st;
}

static void read_output(int fd, struct buf *ret)
{
	*ret = BUF_INIT(64 * 1024);
	if (lseek(fd, 0, SEEK_SET) < 0 || fd_read_all(fd, ret) < 0)
		give_up("read what was said: %s", strerror(errno));
	close(fd);
}

static void run_program(struct sweep *s, const char *action, struct program *ret)
{
	struct stage *stage = &s->stage;
	char bundle[sizeof(stage->dir) + sizeof(s->vessel.id)];
	const char *argv[BOOTSTRAP_WORDS_MAX];
	const struct bootstrap_args args = { stage->shim, PROOF_NAMESPACE, stage->ear_path,
		s->vessel.id, bundle, action };
	struct spawn spawn = { .argv = argv, .stdio = { -1, -1, -1 } };

	snprintf(bundle, sizeof(bundle), "%s/%s", stage->dir, s->vessel.id);
	bootstrap_words(&args, argv);
	*ret = (struct program){ .child = CHILD_NONE };
	spawn.stdio[1] = ret->out_fd = memfd_create("out", MFD_CLOEXEC);
	spawn.stdio[2] = ret->err_fd = memfd_create("err", MFD_CLOEXEC);
	if (chdir(bundle) < 0 ||
		child_spawn(&ret->child, &stage->reaper, &spawn, on_program_exit) < 0 ||
		chdir(stage->dir) < 0)
		give_up("%s: %s", action, strerror(errno));
	caller_run_until(&stage->caller, &ret->has_ended, action);
	read_output(ret->out_fd, &ret->out);
	read_output(ret->err_fd, &ret->err);
}

static void program_fini(struct program *p)
{
	buf_fini(&p->out);
	buf_fini(&p->err);
}

static void run_with_fault(
	struct sweep *s, const char *action, enum fault_kind kind, struct program *ret)
{
	sweep_arm(s, kind);
	run_program(s, action, ret);
	s->faults->is_armed = false;
	s->n_refused += ret->end.code != 0;
	if (ret->end.code != 0 && (ret->end.code != 1 || ret->err.len == 0))
		sweep_complain(s, "it ended neither with 0 nor with 1 and a reason");
}

static void set_scene(struct sweep *s)
{
	stage_prepare(&s->stage, s->stage.shim);
	s->stage.caller.loop = s->stage.loop;
	s->stage.caller.on_lost = sweep_lost;
	s->stage.caller.user = s;
	s->vessel = (struct vessel){
		.dir = s->stage.dir, .argv = forever, .id = "c", .lower = "lower"
	};
	vessel_prepare(&s->vessel);
}

/* To be reaped as what becomes ours when its parent has ended. */
static bool await_processes(struct sweep *s, long n)
{
	for (int i = 0; i < 15000 && count_processes() != n; i++) {
		ev_run(s->stage.loop, EVRUN_NOWAIT);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return count_processes() == n;
}

static bool has_sockets(void)
{
	DIR *d = opendir(SOCKET_DIR_DEFAULT);
	struct dirent *entry;
	bool any = false;

	while (d && (entry = readdir(d)))
		any |= entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return any;
}

/* --- start --- */

/* What `start` printed leads to a shim that serves. */
static bool visit(struct sweep *s, struct program *start)
{
	auto_free char *path = bootstrap_address(&start->out);

	if (!path || !socket_answers(path))
		return false;
	caller_open(&s->stage.caller, s->stage.loop, path);
	return true;
}

static void end_shim(struct sweep *s)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;
	struct ask a;

	req.id = s->vessel.id;
	ask_begin(&s->stage.caller, &a, "Shutdown", &req.base, NULL);
	if (!ask_await(&s->stage.caller, &a) && strcmp(a.err.msg, "ttrpc: closed") != 0)
		sweep_complain(s, a.err.msg);
	ask_fini(&a);
	caller_close(&s->stage.caller);
}

static void be_started(struct sweep *s, enum fault_kind kind)
{
	struct program start;

	set_scene(s);
	run_with_fault(s, "start", kind, &start);
	if (start.end.code == 0 && visit(s, &start))
		end_shim(s);
	else if (start.end.code == 0)
		sweep_complain(s, "it ended with 0, and nobody serves");
	if (!await_processes(s, 1))
		sweep_complain(s, "a process is left that nobody knows of");
	if (has_sockets())
		sweep_complain(s, "a socket is left");
	program_fini(&start);
	stage_strike(&s->stage);
}

/* --- delete --- */

static pid_t ask_shim_pid(struct sweep *s)
{
	const Pb__ConnectResponse *reply;
	struct ask a;
	pid_t pid = 0;

	ask_begin_of(&s->stage.caller, &a, "Connect", s->vessel.id, "",
		&pb__connect_response__descriptor);
	if (ask_await(&s->stage.caller, &a)) {
		reply = (const Pb__ConnectResponse *)a.reply;
		pid = (pid_t)reply->shim_pid;
	}
	ask_fini(&a);
	return pid;
}

/* A container runs, and its shim was killed. */
static void lose_shim(struct sweep *s)
{
	struct program start;
	struct ask a;
	pid_t shim;

	run_program(s, "start", &start);
	if (start.end.code != 0 || !visit(s, &start))
		stage_broken(&s->stage, "no shim");
	program_fini(&start);
	ask_begin_create(&s->stage.caller, &a, &s->vessel);
	if (!ask_await(&s->stage.caller, &a))
		stage_broken(&s->stage, "Create: %s", a.err.msg);
	ask_fini(&a);
	if (!ask_of(&s->stage.caller, "Start", s->vessel.id, "", NULL))
		stage_broken(&s->stage, "no Start");
	shim = ask_shim_pid(s);
	if (shim <= 1 || kill(shim, SIGKILL) < 0) /* it is our child: the number is its own */
		stage_broken(&s->stage, "the shim cannot be killed");
	caller_close(&s->stage.caller);
	if (!await_processes(s, 2))
		stage_broken(&s->stage, "the shim does not die");
	if (access(RUNTIME_STATE, F_OK) < 0 || !has_sockets())
		stage_broken(&s->stage, "there is nothing to be cleaned up");
}

/* NULL: nothing. */
static const char *find_rest(struct sweep *s, long mounts)
{
	if (!await_processes(s, 1))
		return "a process is left";
	if (holdings_of(getpid()).mounts != mounts)
		return "a mount is left";
	if (access(RUNTIME_STATE, F_OK) == 0)
		return "state of the runtime is left";
	return has_sockets() ? "a socket is left" : NULL;
}

static bool tells_of_kill(const struct program *p)
{
	auto_message Pb__DeleteResponse *reply =
		message_unpack(&pb__delete_response__descriptor, p->out.data, p->out.len);

	return reply && reply->exit_status == EXIT_CODE_KILLED;
}

static void be_deleted(struct sweep *s, enum fault_kind kind)
{
	struct program del;
	const char *rest;
	long mounts;

	set_scene(s);
	mounts = holdings_of(getpid()).mounts;
	lose_shim(s);
	run_with_fault(s, "delete", kind, &del);
	if (del.end.code == 0 && !tells_of_kill(&del))
		sweep_complain(s, "it told another end than that it was killed");
	/* containerd does not come again after a 0: then people must find it in the log. */
	rest = del.end.code == 0 && del.err.len == 0 ? find_rest(s, mounts) : NULL;
	if (rest)
		sweep_complain(s, rest);
	program_fini(&del);
	run_program(s, "delete", &del);
	rest = find_rest(s, mounts);
	if (del.end.code != 0 || del.err.len > 0 || rest)
		sweep_complain(s, rest ? rest : "it cannot be repeated, or not in silence");
	program_fini(&del);
	stage_strike(&s->stage);
}

static void sweep_program(struct sweep *s, const char *name, enum fault_kind kind,
	void (*play)(struct sweep *s, enum fault_kind kind))
{
	*s = (struct sweep){
		.faults = s->faults, .stage.shim = s->stage.shim, .scene = name, .n = 1
	};
	do {
		play(s, kind);
		s->n++;
	} while (s->faults->hit[0]);
	printf("%-18s each of %ld %s failed: %ld times it was not done, and it said so\n", name,
		(long)s->faults->count, sweep_kind_names[kind], s->n_refused);
	fflush(stdout);
}

void sweep_programs(struct sweep *s, enum fault_kind kind)
{
	sweep_program(s, "start, a program", kind, be_started);
	sweep_program(s, "delete, a program", kind, be_deleted);
}
