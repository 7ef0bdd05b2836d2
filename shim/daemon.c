/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/daemon.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "process/runtime/features.h"
#include "reaper/spawn.h"
#include "shim/dump.h"
#include "shim/service.h"
#include "shim/socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void leave(struct daemon *d)
{
	ev_break(d->loop, EVBREAK_ALL);
}

static void on_flushed(struct events *ev)
{
	leave(container_of(ev, struct daemon, events));
}

static void on_idle(struct server *s)
{
	struct daemon *d = container_of(s, struct daemon, server);

	if (events_flush(&d->events, on_flushed))
		leave(d);
}

static void on_shutdown_expired(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct daemon *d = container_of(timer, struct daemon, shutdown_timer);

	(void)loop;
	(void)revents;
	log_error(
		"shutdown", "events=%zu waited=%.0fs, leaving", d->events.n, DAEMON_SHUTDOWN_MAX_S);
	leave(d);
}

void daemon_shutdown(struct daemon *d)
{
	if (d->is_shutting_down)
		return;
	d->is_shutting_down = true;
	log_info("shutdown", "id=%s", d->conf->id);
	/* First, so that a `start` from now on finds the name free and not somebody who leaves. */
	if (d->socket_path[0])
		(void)unlink(d->socket_path); /* gone already is as good */
	service_cancel_waits(d);
	ev_timer_set(&d->shutdown_timer, DAEMON_SHUTDOWN_MAX_S, 0.);
	ev_timer_start(d->loop, &d->shutdown_timer);
	server_drain(&d->server, on_idle);
}

/* Containers are left running, as with the reference; `delete` ends them. */
static void on_signal(struct signals *s, int signo)
{
	struct daemon *d = container_of(s, struct daemon, signals);

	if (!d->is_serving) {
		d->early_signal = signo == SIGUSR1 ? d->early_signal : signo;
		return;
	}
	if (signo == SIGUSR1) {
		dump_to_log(d);
		return;
	}
	log_info("signal", "signal=%d", signo);
	daemon_shutdown(d);
}

/*
 * Opened for reading too: so it never waits for containerd to read, and a
 * restart of containerd is no EPIPE. A shim without a log serves all the same.
 */
static int open_log(void)
{
	auto_fd int fd = open("log", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	return S_ISFIFO(st.st_mode) ? take_fd(&fd) : -1;
}

static void on_never(struct ev_loop *loop, ev_periodic *p, int revents)
{
	(void)loop;
	(void)p;
	(void)revents;
}

/*
 * libev wakes up every minute to see whether somebody has set the clock, unless
 * it has a descriptor that tells, which it makes for the first periodic.
 */
static void sleep_soundly(struct ev_loop *loop)
{
	ev_periodic once;

	ev_periodic_init(&once, on_never, ev_now(loop) + 1e6, 0., NULL);
	ev_periodic_start(loop, &once);
	ev_periodic_stop(loop, &once);
}

/* The task service knows nothing of the other one. */
static void list_services(struct daemon *d)
{
	size_t n = 0;

	for (; service_table[n].name; n++)
		d->services[n] = service_table[n];
	assert(n + 1 < ARRAY_LEN(d->services));
	d->services[n] = (struct server_service){ "belay.v1.Debug", debug_methods };
}

/*
 * The first turn, in which libev asks the kernel to watch. A refusal is told to the watcher alone;
 * without these two a shim would serve, and never hear of an orphan or of SIGTERM. Before there is
 * a client: one that had been answered would be left alone.
 */
static int begin_to_hear(struct daemon *d, struct err *e)
{
	ev_run(d->loop, EVRUN_NOWAIT);
	if (d->early_signal)
		return err_set(
			e, STATUS_CANCELED, "signal %d came before it served", d->early_signal);
	if (signals_are_heard(&d->signals) && reaper_hears(&d->reaper))
		return 0;
	return err_set(e, STATUS_UNAVAILABLE,
		"watch signals: the kernel watches no more descriptors for us "
		"(fs.epoll.max_user_watches, or memory)");
}

static int begin(struct daemon *d, int listen_fd, struct err *e)
{
	int rc;

	d->log_fd = open_log();
	log_to(d->log_fd, d->conf->debug ? LOG_DEBUG : LOG_INFO);
	/* Runtimes leave files in the bundle, with the modes it allows: such as a pid, for us. */
	(void)umask(umask(077) | 022);
	rc = spawn_raise_nofile();
	if (rc < 0)
		log_debug("limits", "error=\"%s\", going on with what there is", strerror(-rc));
	memory_keep_for_loop();
	json_use_region();
	d->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!d->loop)
		return err_set(e, STATUS_UNKNOWN, "create event loop");
	sleep_soundly(d->loop);
	watchdog_start(&d->watchdog, d->loop);
	rc = signals_init(&d->signals, d->loop, on_signal);
	if (rc < 0)
		return err_rc(e, rc, "watch signals");
	rc = reaper_init(&d->reaper, d->loop);
	if (rc < 0)
		return err_rc(e, rc, "become the reaper of orphans");
	ev_init(&d->shutdown_timer, on_shutdown_expired);
	d->since_ns = clock_mono_ns();
	d->containers.loop = d->loop;
	d->containers.reaper = &d->reaper;
	d->containers.observer = &d->observer;
	d->containers.ns = d->conf->ns;
	d->containers.oom_score_adj = d->conf->oom_score_adj;
	d->containers.features_dir = FEATURES_CACHE_DIR;
	d->observer.exited = service_exited;
	d->observer.oom = service_oom;
	events_init(&d->events, d->loop, d->conf->ttrpc_address, d->conf->ns);
	socket_path_of(listen_fd, d->socket_path);
	list_services(d);
	if (begin_to_hear(d, e) < 0)
		return -1;
	rc = server_init(&d->server, d->loop, listen_fd, d->services, d);
	d->is_serving = rc == 0;
	return rc < 0 ? err_rc(e, rc, "serve") : 0;
}

/* Whoever started us reports it; if they are gone, the log has it. */
static void tell(int ready_fd, const char *text, size_t n)
{
	if (ready_fd >= 0)
		(void)!write(ready_fd, text, n);
}

int daemon_run(const struct daemon_conf *conf, int listen_fd, int ready_fd)
{
	struct daemon d = { .conf = conf, .log_fd = -1 };
	struct err e = ERR_INIT;

	containers_init(&d.containers);
	list_init(&d.creates);
	/* systemd's line to containerd is not for runtimes. */
	unsetenv("NOTIFY_SOCKET");
	if (begin(&d, listen_fd, &e) < 0) {
		tell(ready_fd, e.msg, strlen(e.msg));
		log_error("start", "error=\"%s\"", e.msg);
		return 1;
	}
	tell(ready_fd, "", 1);
	fd_drop(&ready_fd);
	log_info("start", "id=%s namespace=%s pid=%d", conf->id, conf->ns, (int)getpid());
	ev_run(d.loop, 0);
	containers_fini(&d.containers);
	/* The process ends here: what is left, such as containers, outlives it on purpose. */
	return 0;
}
