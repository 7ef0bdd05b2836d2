/* SPDX-License-Identifier: Apache-2.0 */

/*
 * call.c - one run of the runtime: started, waited for, judged.
 */

#include "base/auto.h"
#include "base/buf.h"
#include "process/runtime/argv.h"
#include "process/runtime/log.h"
#include "process/runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/*
 * A file in memory of fixed size takes what the runtime prints: no pipe that
 * could fill, no watcher, and a runtime that prints megabytes is told EPERM
 * instead of eating ours.
 */
static int open_output(void)
{
	auto_fd int fd = memfd_create("runtime", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, RUNTIME_OUTPUT_MAX) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return take_fd(&fd);
}

int runtime_output(const struct runtime_call *c, struct buf *text)
{
	uint8_t *at;
	ssize_t n;
	int rc;

	if (c->output < 0)
		return 0;
	rc = buf_reserve(text, RUNTIME_OUTPUT_MAX, &at);
	if (rc < 0)
		return rc;
	n = pread(c->output, at, RUNTIME_OUTPUT_MAX, 0);
	if (n < 0)
		return -errno;
	/* The file was born full of NULs. */
	buf_grew(text, strnlen((const char *)at, (size_t)n));
	return 0;
}

static off_t log_size(int bundle_fd, const char *name)
{
	struct stat st;

	return fstatat(bundle_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_size;
}

/* go-runc's phrase for a runtime that failed. */
static int failed(const struct runtime_call *c, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(RUNTIME_OUTPUT_MAX);
	const char *printed = "";

	if (runtime_output(c, &text) == 0 && text.len > 0 && buf_text(&text))
		printed = buf_text(&text);
	return err_set(e, STATUS_UNKNOWN, "%s did not terminate successfully: exit status %d%s%s",
		c->rt->binary, c->status.code, printed[0] ? ": " : "", printed);
}

/* And for one that could not be started: Go's, which clients look for a name in. */
static int not_started(const struct runtime_call *c, struct err *e)
{
	const char *binary = c->rt->binary;

	if (!strchr(binary, '/') && c->spawn_rc == -ENOENT)
		return err_set(e, STATUS_UNKNOWN,
			"exec: \"%s\": executable file not found in $PATH", binary);
	return err_rc(e, c->spawn_rc, "fork/exec %s", binary);
}

static int describe_failure(const struct runtime_call *c, struct err *e)
{
	char last[ERR_MSG_MAX];
	int rc = log_last_error(c->rt->bundle_fd, c->log, c->log_at, last, sizeof(last));

	if (rc > 0)
		return err_set(e, STATUS_UNKNOWN, "%s", last);
	if (rc == -ENOENT && strcmp(c->log, ARGV_LOG) != 0)
		rc = 0; /* a log of its own that was never begun says nothing */
	if (c->spawn_rc < 0)
		not_started(c, e);
	else
		failed(c, e);
	if (rc < 0) {
		struct err why = ERR_INIT;

		err_rc(&why, rc, "open %s/%s", c->rt->bundle, c->log);
		err_wrap(e, "unable to retrieve OCI runtime error (%s)", why.msg);
	}
	return -1;
}

int runtime_plain_verdict(const struct runtime_call *c, struct err *e)
{
	if (c->spawn_rc < 0)
		return not_started(c, e);
	return c->status.code == 0 ? 0 : failed(c, e);
}

int runtime_verdict(const struct runtime_call *c, struct err *e)
{
	if (c->spawn_rc == 0 && c->status.code == 0)
		return 0;
	describe_failure(c, e);
	if (c->status.signal == SIGKILL && !c->we_killed_it)
		err_wrap(e, "%s was killed, and not by this shim; is there too little memory?",
			c->rt->binary);
	return -1;
}

static void on_child_exit(struct child *child, const struct exit_status *st)
{
	struct runtime_call *c = container_of(child, struct runtime_call, child);

	c->status = *st;
	c->on_exit(c);
	/* c may be gone */
}

/* What a call is given; zeroed, it reads nothing and what it prints is kept. All borrowed. */
struct gift {
	const int *stdio; /* of the container */
	const int *input; /* else its stdin */
	const struct cpus *cpus;
	const char *log; /* of its own; NULL: everybody's */
};

static int begin(struct runtime_call *c, const struct runtime *rt, const struct argv *a,
	struct gift gift, struct err *e)
{
	struct spawn s = {
		.argv = a->word,
		.stdio = { -1, -1, -1 },
		.die_with_us = true,
		.cpus = gift.cpus,
		.oom_score_adj = rt->oom_score_adj,
	};

	if (gift.input)
		s.stdio[0] = *gift.input;
	c->rt = rt;
	c->log = gift.log ? gift.log : ARGV_LOG;
	c->log_at = log_size(rt->bundle_fd, c->log);
	if (gift.stdio) {
		memcpy(s.stdio, gift.stdio, sizeof(s.stdio));
	} else {
		c->output = open_output();
		if (c->output < 0)
			return err_rc(e, c->output, "collect the output of %s", rt->binary);
		s.stdio[1] = s.stdio[2] = c->output;
	}
	c->spawn_rc = child_spawn(&c->child, rt->reaper, &s, on_child_exit);
	return c->spawn_rc == 0 ? 0 : describe_failure(c, e);
}

static int reset(struct runtime_call *c, int argv_rc, runtime_exit_fn *on_exit, struct err *e)
{
	runtime_call_fini(c);
	c->on_exit = on_exit;
	return argv_rc == 0 ? 0 : err_rc(e, argv_rc, "command line of the runtime");
}

int runtime_create(struct runtime_call *c, const struct runtime *rt,
	const struct runtime_create_args *args, runtime_exit_fn *on_exit, struct err *e)
{
	struct argv a;

	if (reset(c, argv_create(&a, rt, args), on_exit, e) < 0)
		return -1;
	return begin(c, rt, &a,
		(struct gift){
			.stdio = args->console_socket ? NULL : args->stdio, .cpus = args->cpus },
		e);
}

static int run_verb(struct runtime_call *c, const struct runtime *rt, const char *verb,
	runtime_exit_fn *on_exit, struct err *e)
{
	struct argv a;

	if (reset(c, argv_verb(&a, rt, verb), on_exit, e) < 0)
		return -1;
	return begin(c, rt, &a, (struct gift){ 0 }, e);
}

int runtime_start(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e)
{
	return run_verb(c, rt, "start", on_exit, e);
}

int runtime_pause(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e)
{
	return run_verb(c, rt, "pause", on_exit, e);
}

int runtime_resume(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e)
{
	return run_verb(c, rt, "resume", on_exit, e);
}

int runtime_exec(struct runtime_call *c, const struct runtime *rt,
	const struct runtime_exec_args *args, runtime_exit_fn *on_exit, struct err *e)
{
	struct argv a;

	if (reset(c, argv_exec(&a, rt, args), on_exit, e) < 0)
		return -1;
	return begin(c, rt, &a,
		(struct gift){ .stdio = args->console_socket ? NULL : args->stdio,
			.cpus = args->cpus,
			.log = args->log_file },
		e);
}

int runtime_checkpoint(struct runtime_call *c, const struct runtime *rt,
	const struct runtime_checkpoint_args *args, runtime_exit_fn *on_exit, struct err *e)
{
	struct argv a;

	if (reset(c, argv_checkpoint(&a, rt, args), on_exit, e) < 0)
		return -1;
	return begin(c, rt, &a, (struct gift){ 0 }, e);
}

int runtime_restore(struct runtime_call *c, const struct runtime *rt,
	const struct runtime_restore_args *args, runtime_exit_fn *on_exit, struct err *e)
{
	struct argv a;

	if (reset(c, argv_restore(&a, rt, args), on_exit, e) < 0)
		return -1;
	return begin(c, rt, &a,
		(struct gift){
			.stdio = args->console_socket ? NULL : args->stdio, .cpus = args->cpus },
		e);
}

int runtime_update(struct runtime_call *c, const struct runtime *rt, int resources,
	runtime_exit_fn *on_exit, struct err *e)
{
	struct argv a;

	if (reset(c, argv_update(&a, rt), on_exit, e) < 0)
		return -1;
	return begin(c, rt, &a, (struct gift){ .input = &resources }, e);
}

int runtime_delete(struct runtime_call *c, const struct runtime *rt, bool force,
	runtime_exit_fn *on_exit, struct err *e)
{
	struct argv a;

	if (reset(c, argv_delete(&a, rt, force), on_exit, e) < 0)
		return -1;
	return begin(c, rt, &a, (struct gift){ 0 }, e);
}

/* A question about the program itself: no container, no log, and its complaints are no part of the
 * answer. */
static int ask(struct runtime_call *c, const struct runtime *rt, const char *word,
	runtime_exit_fn *on_exit, struct err *e)
{
	const char *const argv[] = { rt->binary, word, NULL };
	struct spawn s = { .argv = argv, .stdio = { -1, -1, -1 }, .die_with_us = true };

	if (reset(c, 0, on_exit, e) < 0)
		return -1;
	c->rt = rt;
	c->output = open_output();
	if (c->output < 0)
		return err_rc(e, c->output, "collect the output of %s", rt->binary);
	s.stdio[1] = c->output;
	c->spawn_rc = child_spawn(&c->child, rt->reaper, &s, on_child_exit);
	return c->spawn_rc == 0 ? 0 : not_started(c, e);
}

int runtime_features(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e)
{
	return ask(c, rt, "features", on_exit, e);
}

int runtime_version(
	struct runtime_call *c, const struct runtime *rt, runtime_exit_fn *on_exit, struct err *e)
{
	return ask(c, rt, "--version", on_exit, e);
}

bool runtime_kill(struct runtime_call *c)
{
	bool ran = child_signal(&c->child, SIGKILL) == 0;

	c->we_killed_it |= ran;
	return ran;
}

void runtime_call_fini(struct runtime_call *c)
{
	child_forget(&c->child);
	fd_drop(&c->output);
	*c = RUNTIME_CALL_NONE;
}
