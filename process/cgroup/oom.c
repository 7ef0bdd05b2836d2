/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cgroup/oom.h"

#include "base/auto.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

static const char *counter_file(const struct cgroup *cg)
{
	return cg->is_v2 ? "memory.events" : "memory.oom_control";
}

/* The number behind "oom_kill" at the beginning of a line. 0 or -errno. */
static int read_kills(const struct cgroup *cg, uint64_t *ret)
{
	auto_buf struct buf text = BUF_INIT(4096);
	const char *at;
	int rc = cgroup_read(cg, "memory", counter_file(cg), &text);

	if (rc < 0)
		return rc;
	at = buf_text(&text);
	for (; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, "oom_kill ", 9) == 0) {
			*ret = strtoull(at + 9, NULL, 10);
			return 0;
		}
	}
	return -ENODATA;
}

void oom_check(struct oom_watch *w)
{
	uint64_t kills;

	if (!w->loop || read_kills(w->cg, &kills) < 0 || kills <= w->kills)
		return;
	w->kills = kills;
	w->on_oom(w);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct oom_watch *w = container_of(io, struct oom_watch, watcher);
	_Alignas(struct inotify_event) char drain[sizeof(struct inotify_event) + NAME_MAX + 1];
	uint64_t kills;

	(void)loop;
	while (read(w->fd, drain, sizeof(drain)) > 0)
		; /* what it says is no news; the counter is */
	/* The group is gone, and would wake us for ever; or libev could not watch it, and has
	 * stopped. */
	if ((revents & EV_ERROR) || read_kills(w->cg, &kills) < 0)
		oom_end(w);
	else
		oom_check(w);
}

static int watch_v2(struct oom_watch *w)
{
	char path[64];

	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", w->cg->dir, counter_file(w->cg));
	return inotify_add_watch(w->fd, path, IN_MODIFY) < 0 ? -errno : 0;
}

/* "<eventfd> <memory.oom_control>" into cgroup.event_control ties the two together. */
static int watch_v1(struct oom_watch *w)
{
	int dir = cgroup_dir(w->cg, "memory");
	auto_fd int event_control = -1;
	char line[32];

	if (dir < 0)
		return dir;
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->control = openat(dir, counter_file(w->cg), O_RDONLY | O_CLOEXEC);
	event_control = openat(dir, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
	if (w->fd < 0 || w->control < 0 || event_control < 0)
		return -errno;
	snprintf(line, sizeof(line), "%d %d", w->fd, w->control);
	return fd_write_all(event_control, line, strlen(line));
}

int oom_begin(struct oom_watch *w, struct ev_loop *loop, const struct cgroup *cg,
	void (*on_oom)(struct oom_watch *w))
{
	int rc;

	*w = OOM_WATCH_NONE;
	w->cg = cg;
	w->on_oom = on_oom;
	rc = read_kills(cg, &w->kills);
	if (rc == 0)
		rc = cg->is_v2 ? watch_v2(w) : watch_v1(w);
	if (rc < 0) {
		fd_drop(&w->fd);
		fd_drop(&w->control);
		return rc;
	}
	w->loop = loop;
	ev_io_init(&w->watcher, on_readable, w->fd, EV_READ);
	ev_io_start(loop, &w->watcher);
	return 0;
}

void oom_end(struct oom_watch *w)
{
	if (!w->loop)
		return;
	ev_io_stop(w->loop, &w->watcher);
	fd_drop(&w->fd);
	fd_drop(&w->control);
	w->loop = NULL;
}
