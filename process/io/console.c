/* SPDX-License-Identifier: Apache-2.0 */
#include "process/io/console.h"

#include "base/auto.h"
#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

struct console {
	struct ev_loop *loop; /* borrowed */
	char dir[64], path[80];
	int listening;  /* owned */
	int connection; /* owned; -1 until the runtime has connected */
	int master;     /* owned until console_take() */
	ev_io watcher;  /* on the one, then on the other */
	ev_timer late;
	struct err err;
	void (*on_done)(void *user);
	void *user;
};

static int make_folder(struct console *c, struct err *e)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	const char *parent = runtime_dir && runtime_dir[0] ? runtime_dir : "/tmp";

	if (snprintf(c->dir, sizeof(c->dir), "%s/ptyXXXXXX", parent) >= (int)sizeof(c->dir))
		return err_set(e, STATUS_UNKNOWN, "XDG_RUNTIME_DIR is too long: %s", parent);
	if (!mkdtemp(c->dir)) {
		err_sys(e, "create %s", c->dir);
		c->dir[0] = '\0';
		return -1;
	}
	snprintf(c->path, sizeof(c->path), "%s/pty.sock", c->dir);
	return 0;
}

static int listen_there(struct console *c, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	c->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memcpy(sa.sun_path, c->path, strlen(c->path));
	if (c->listening < 0 || bind(c->listening, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
		listen(c->listening, 1) < 0)
		return err_sys(e, "listen on %s", c->path);
	return 0;
}

int console_listen(struct console **ret, struct ev_loop *loop, struct err *e)
{
	struct console *c = calloc(1, sizeof(*c));

	if (!c)
		return err_oom(e);
	c->loop = loop;
	c->listening = c->connection = c->master = -1;
	ev_init(&c->watcher, NULL);
	ev_init(&c->late, NULL);
	if (make_folder(c, e) < 0 || listen_there(c, e) < 0) {
		console_free(c);
		return err_wrap(e, "failed to create console socket");
	}
	*ret = c;
	return 0;
}

const char *console_path(const struct console *c)
{
	return c->path;
}

static void done(struct console *c)
{
	void (*on_done)(void *user) = c->on_done;

	ev_io_stop(c->loop, &c->watcher);
	ev_timer_stop(c->loop, &c->late);
	c->on_done = NULL;
	on_done(c->user);
	/* c may be gone */
}

/* Only the master of a pty has a number to tell. */
static int check_master(int fd, struct err *e)
{
	unsigned int number;

	if (ioctl(fd, TIOCGPTN, &number) < 0)
		return err_set(e, STATUS_UNKNOWN, "the runtime sent something that is no pty");
	return fd_set_nonblock(fd, true) < 0 ? err_sys(e, "prepare the pty") : 0;
}

static void accept_master(struct console *c, int n, int fd)
{
	if (n < 0)
		err_rc(&c->err, n, "receive the console");
	else if (n != 1)
		err_set(&c->err, STATUS_UNKNOWN,
			"the runtime sent %d descriptors for a console, not one", n);
	else if (check_master(fd, &c->err) == 0)
		c->master = fd;
}

static void on_message(struct ev_loop *loop, ev_io *w, int revents)
{
	struct console *c = container_of(w, struct console, watcher);
	auto_fd int fd = -1;
	int n = fd_receive(c->connection, &fd);

	(void)loop;
	if (n == -EAGAIN && !(revents & EV_ERROR))
		return;
	accept_master(c, n, fd);
	if (c->master >= 0)
		(void)take_fd(&fd);
	done(c);
	/* c may be gone */
}

static void on_connect(struct ev_loop *loop, ev_io *w, int revents)
{
	struct console *c = container_of(w, struct console, watcher);

	c->connection = accept4(c->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	/* With EV_ERROR it could not be watched: nobody would tell us when there is more. */
	if (c->connection < 0 && errno == EAGAIN && !(revents & EV_ERROR))
		return;
	if (c->connection < 0) {
		err_sys(&c->err, "accept the runtime on the console socket");
		done(c);
		return;
	}
	ev_io_stop(loop, w);
	ev_io_init(w, on_message, c->connection, EV_READ);
	ev_io_start(loop, w);
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct console *c = container_of(timer, struct console, late);

	(void)loop;
	(void)revents;
	err_set(&c->err, STATUS_UNKNOWN, "the runtime sent no console within %.0f s",
		CONSOLE_MAX_S);
	done(c);
}

void console_receive(struct console *c, void (*on_done)(void *user), void *user)
{
	c->on_done = on_done;
	c->user = user;
	ev_io_init(&c->watcher, on_connect, c->listening, EV_READ);
	ev_io_start(c->loop, &c->watcher);
	ev_timer_init(&c->late, on_late, CONSOLE_MAX_S, 0.);
	ev_timer_start(c->loop, &c->late);
}

int console_take(struct console *c, struct err *e)
{
	if (c->master >= 0)
		return take_fd(&c->master);
	*e = c->err;
	return err_wrap(e, "failed to retrieve console master");
}

struct console *console_free(struct console *c)
{
	if (!c)
		return NULL;
	ev_io_stop(c->loop, &c->watcher);
	ev_timer_stop(c->loop, &c->late);
	fd_drop(&c->connection);
	fd_drop(&c->listening);
	fd_drop(&c->master);
	if (c->path[0])
		(void)unlink(c->path); /* of what we could not make there is none */
	if (c->dir[0])
		(void)rmdir(c->dir);
	free(c);
	return NULL;
}
