/* SPDX-License-Identifier: Apache-2.0 */

/*
 * scenes_streams.c - what becomes of stdin, stdout and stderr.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "tests/parity/parity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FIFOs in the bundle, with us at the other ends as containerd's client is. */
struct client_io {
	struct ask_io io;
	int in, out, err;
};

static const char *make_fifo(struct stage *s, const char *name)
{
	if (mkfifo(name, 0600) < 0)
		give_up("%s: %s", name, strerror(errno));
	return stage_path(s, name);
}

static int open_end(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno != ENXIO)
		give_up("%s: %s", path, strerror(errno));
	return fd;
}

static void open_client(struct stage *s, struct client_io *c)
{
	*c = (struct client_io){ .in = -1 };
	c->io.in = make_fifo(s, "in");
	c->io.out = make_fifo(s, "out");
	c->io.err = make_fifo(s, "err");
	c->out = open_end(c->io.out, O_RDONLY);
	c->err = open_end(c->io.err, O_RDONLY);
}

static bool is_read(void *user)
{
	struct client_io *c = user;

	c->in = open_end(c->io.in, O_WRONLY);
	return c->in >= 0;
}

/* The stock shim opens stdin in a thread of its own and may answer Start before; what is written
 * into a FIFO that nobody has open is lost. */
static void type(struct stage *s, struct client_io *c, const char *text)
{
	ssize_t n = (ssize_t)strlen(text);

	stage_poll(s, is_read, c, "reader of stdin");
	if (write(c->in, text, (size_t)n) != n)
		give_up("stdin takes nothing");
}

static void note_file(struct stage *s, const char *step, int fd)
{
	auto_buf struct buf text = BUF_INIT(64 * 1024);
	uint8_t *at;
	ssize_t n;

	while (buf_reserve(&text, 4096, &at) == 0 && (n = read(fd, at, 4096)) > 0)
		buf_grew(&text, (size_t)n);
	stage_note(s, step, "%s", text.len ? buf_text(&text) : "");
}

static void close_client(struct stage *s, struct client_io *c)
{
	note_file(s, "stdout", c->out);
	note_file(s, "stderr", c->err);
	fd_drop(&c->in);
	fd_drop(&c->out);
	fd_drop(&c->err);
}

/* From Start to what was printed. */
static void run_to_the_end(struct stage *s)
{
	ask(s, "Start", "Start", NULL);
	ask(s, "Wait", "Wait", NULL);
	ask(s, "Delete", "Delete", NULL);
}

static void fifos(struct stage *s)
{
	struct client_io c;

	stage_open(s, "echo hello; echo oops >&2; exit 2");
	open_client(s, &c);
	ask_create(s, "Create", &c.io);
	ask(s, "State", "State", NULL);
	run_to_the_end(s);
	close_client(s, &c);
	stage_close(s);
}

static void standard_input(struct stage *s)
{
	struct client_io c;

	stage_open(s, "cat");
	open_client(s, &c);
	ask_create(s, "Create", &c.io);
	ask(s, "Start", "Start", NULL);
	type(s, &c, "to and fro");
	ask_close_io(s, "CloseIO", NULL);
	fd_drop(&c.in);
	ask(s, "Wait", "Wait", NULL);
	ask(s, "Delete", "Delete", NULL);
	close_client(s, &c);
	stage_close(s);
}

/* A device that takes everything, one would think. */
static void no_streams(struct stage *s)
{
	stage_open(s, "echo hello");
	ask_create(s, "Create", NULL);
	ask(s, "State", "State", NULL);
	run_to_the_end(s);
	stage_close(s);
}

/* A child of its init goes on and keeps stdout open; with its init the container ends all the same.
 */
static void heir(struct stage *s)
{
	struct client_io c;

	stage_open(s, "sleep 1000 & echo hello; exit 4");
	open_client(s, &c);
	ask_create(s, "Create", &c.io);
	run_to_the_end(s);
	close_client(s, &c);
	stage_close(s);
}

/* An exec that its container ends with, and one that leaves a child behind. */
static void heir_of_exec(struct stage *s)
{
	struct client_io c;

	stage_open(s, "exec sleep 1000");
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	open_client(s, &c);
	ask_exec_spec(s, "Exec", "e1",
		"{\"args\":[\"/bin/sh\",\"-c\",\"sleep 1000 & echo hello\"],\"cwd\":\"/\","
		"\"env\":[\"PATH=/bin\"],\"user\":{\"uid\":0,\"gid\":0}}",
		&c.io);
	ask(s, "Start of the exec", "Start", "e1");
	ask(s, "Wait for the exec", "Wait", "e1");
	ask(s, "Delete of the exec", "Delete", "e1");
	close_client(s, &c);
	quietly_kill(s);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

static void no_stdout(struct stage *s)
{
	struct client_io c;
	struct ask_io io = { 0 };

	stage_open(s, "echo oops >&2");
	open_client(s, &c);
	io.err = c.io.err;
	ask_create(s, "Create", &io);
	run_to_the_end(s);
	close_client(s, &c);
	stage_close(s);
}

static void no_stderr(struct stage *s)
{
	struct client_io c;
	struct ask_io io = { 0 };

	stage_open(s, "echo hello");
	open_client(s, &c);
	io.out = c.io.out;
	ask_create(s, "Create", &io);
	run_to_the_end(s);
	close_client(s, &c);
	stage_close(s);
}

static void terminal(struct stage *s)
{
	struct client_io c;

	stage_open(s, "read x; stty size; exit 5");
	open_client(s, &c);
	c.io.terminal = true;
	c.io.err = NULL;
	ask_create(s, "Create", &c.io);
	ask(s, "State", "State", NULL);
	ask(s, "Start", "Start", NULL);
	ask_resize(s, "ResizePty", NULL);
	type(s, &c, "go\n");
	ask(s, "Wait", "Wait", NULL);
	ask_resize(s, "ResizePty of the stopped", NULL);
	ask(s, "Delete", "Delete", NULL);
	close_client(s, &c);
	stage_close(s);
}

static void file(struct stage *s)
{
	char uri[PATH_MAX + 64];
	struct ask_io io = { .out = uri, .err = uri };
	auto_fd int fd = -1;

	stage_open(s, "echo hello");
	snprintf(uri, sizeof(uri), "file://%s/logs/out", s->dir);
	ask_create(s, "Create", &io);
	ask(s, "State", "State", NULL);
	run_to_the_end(s);
	fd = open("../logs/out", O_RDONLY | O_CLOEXEC);
	note_file(s, "the file", fd);
	stage_close(s);
}

static void unknown_scheme(struct stage *s)
{
	struct ask_io io = { .out = "ftp://elsewhere/out" };

	stage_open(s, "true");
	ask_create(s, "Create", &io);
	stage_close(s);
}

static void missing_logger(struct stage *s)
{
	struct ask_io io = { .out = "binary:///no/such/logger" };

	stage_open(s, "true");
	ask_create(s, "Create", &io);
	stage_close(s);
}

static void exec_streams(struct stage *s)
{
	struct client_io c;

	stage_open(s, "exec sleep 1000");
	ask_create(s, "Create", NULL);
	ask(s, "Start", "Start", NULL);
	open_client(s, &c);
	ask_exec_spec(s, "Exec", "e1",
		"{\"args\":[\"/bin/sh\",\"-c\",\"cat; echo oops >&2\"],\"cwd\":\"/\","
		"\"env\":[\"PATH=/bin\"],\"user\":{\"uid\":0,\"gid\":0}}",
		&c.io);
	ask(s, "Start of the exec", "Start", "e1");
	ask(s, "State of the exec", "State", "e1");
	type(s, &c, "to and fro");
	ask_close_io(s, "CloseIO", "e1");
	fd_drop(&c.in);
	ask(s, "Wait for the exec", "Wait", "e1");
	ask(s, "Delete of the exec", "Delete", "e1");
	close_client(s, &c);
	quietly_kill(s);
	ask(s, "Delete", "Delete", NULL);
	stage_close(s);
}

const struct scene scenes_of_streams[] = {
	{ "fifos", fifos },
	{ "stdin", standard_input },
	{ "no streams", no_streams },
	{ "heir of the init", heir },
	{ "heir of an exec", heir_of_exec },
	{ "shared pids, heir of the init", heir },
	{ "shared pids, heir of an exec", heir_of_exec },
	{ "no stdout", no_stdout },
	{ "no stderr", no_stderr },
	{ "terminal", terminal },
	{ "file", file },
	{ "unknown scheme", unknown_scheme },
	{ "missing logger", missing_logger },
	{ "streams of an exec", exec_streams },
	{ NULL, NULL },
};
