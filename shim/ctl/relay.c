/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/relay.h"

#include "base/auto.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

struct route {
	const char *fifo;
	int fd;
	bool to_fifo;
};

/* In the child. */
static int copy(void *arg)
{
	static const int not_ours[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const struct route *way = arg;
	char chunk[64 * 1024];
	int fifo, from, to;

	/* A terminal sends them to us all; belayctl itself decides what they are to mean. */
	for (size_t i = 0; i < ARRAY_LEN(not_ours); i++)
		signal(not_ours[i], SIG_IGN);
	fifo = open(way->fifo, (way->to_fifo ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (fifo < 0)
		return 1;
	from = way->to_fifo ? way->fd : fifo;
	to = way->to_fifo ? fifo : way->fd;
	for (;;) {
		ssize_t n = read(from, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0;
		if (fd_write_all(to, chunk, (size_t)n) < 0)
			return 1;
	}
}

static void on_child_exit(struct child *child, const struct exit_status *st)
{
	struct relay *r = container_of(child, struct relay, child);

	r->has_failed = st->code != 0;
	r->on_end(r);
	/* r may be gone */
}

static int begin(struct relay *r, struct reaper *reaper, const struct route *way,
	void (*on_end)(struct relay *r), struct err *e)
{
	int rc;

	r->has_failed = false;
	r->on_end = on_end;
	rc = child_fork(&r->child, reaper, copy, (void *)way, on_child_exit);
	return rc < 0 ? err_rc(e, rc, "relay %s", way->fifo) : 0;
}

static void relay_stop(struct relay *r)
{
	(void)child_signal(&r->child, SIGKILL); /* gone already is as good */
	child_forget(&r->child);
}

static void on_input_end(struct relay *r)
{
	struct streams *s = container_of(r, struct streams, in);

	s->on_input_end(s);
}

static void check_output(struct streams *s, const struct relay *r)
{
	if (r->has_failed || !streams_output_is_open(s))
		s->on_output_end(s, r->has_failed);
}

static void on_stdout_end(struct relay *r)
{
	check_output(container_of(r, struct streams, out), r);
}

static void on_stderr_end(struct relay *r)
{
	check_output(container_of(r, struct streams, err), r);
}

void streams_init(struct streams *s, void (*input_end)(struct streams *s),
	void (*output_end)(struct streams *s, bool failed))
{
	*s = (struct streams){
		.in = { .child = CHILD_NONE },
		.out = { .child = CHILD_NONE },
		.err = { .child = CHILD_NONE },
		.on_input_end = input_end,
		.on_output_end = output_end,
	};
}

int streams_begin(struct streams *s, struct reaper *reaper, const struct streams_wanted *wanted,
	struct err *e)
{
	static const struct route in = { "stdin", STDIN_FILENO, true };
	static const struct route out = { "stdout", STDOUT_FILENO, false };
	static const struct route err = { "stderr", STDERR_FILENO, false };

	if (wanted->input && begin(&s->in, reaper, &in, on_input_end, e) < 0)
		return -1;
	if (begin(&s->out, reaper, &out, on_stdout_end, e) < 0)
		return -1;
	return wanted->err ? begin(&s->err, reaper, &err, on_stderr_end, e) : 0;
}

void streams_discard(struct streams *s, struct reaper *reaper)
{
	auto_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct route out = { "stdout", null, false };
	const struct route err = { "stderr", null, false };
	struct err e = ERR_INIT;

	/* Without it they end later, when the shim no longer waits for a reader. */
	if (s->out.has_failed)
		(void)begin(&s->out, reaper, &out, on_stdout_end, &e);
	if (s->err.has_failed)
		(void)begin(&s->err, reaper, &err, on_stderr_end, &e);
}

bool streams_input_is_open(const struct streams *s)
{
	return child_is_tracked(&s->in.child);
}

bool streams_output_is_open(const struct streams *s)
{
	return child_is_tracked(&s->out.child) || child_is_tracked(&s->err.child);
}

void streams_stop(struct streams *s)
{
	relay_stop(&s->in);
	relay_stop(&s->out);
	relay_stop(&s->err);
}
