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
	const struct route *way = arg;
	char chunk[64 * 1024];
	int fifo, from, to;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
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

	(void)st;
	r->on_end(r);
	/* r may be gone */
}

static int begin(struct relay *r, struct reaper *reaper, struct route way,
	void (*on_end)(struct relay *r), struct err *e)
{
	int rc;

	r->on_end = on_end;
	rc = child_fork(&r->child, reaper, copy, &way, on_child_exit);
	return rc < 0 ? err_rc(e, rc, "relay %s", way.fifo) : 0;
}

int relay_out(struct relay *r, struct reaper *reaper, const char *fifo, int fd,
	void (*on_end)(struct relay *r), struct err *e)
{
	return begin(r, reaper, (struct route){ fifo, fd, false }, on_end, e);
}

int relay_in(struct relay *r, struct reaper *reaper, int fd, const char *fifo,
	void (*on_end)(struct relay *r), struct err *e)
{
	return begin(r, reaper, (struct route){ fifo, fd, true }, on_end, e);
}

void relay_stop(struct relay *r)
{
	(void)child_signal(&r->child, SIGKILL); /* gone already is as good */
	child_forget(&r->child);
}
