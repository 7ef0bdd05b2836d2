/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/process_rig.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(struct rig *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void tell(struct rig *r, const char *fmt, ...)
{
	size_t at = strlen(r->story);
	va_list ap;

	assert_true(at + 2 < sizeof(r->story));
	if (at > 0)
		r->story[at++] = ' ';
	va_start(ap, fmt);
	vsnprintf(r->story + at, sizeof(r->story) - at, fmt, ap);
	va_end(ap);
}

static void on_exited(const struct observer *o, struct process *p)
{
	struct rig *r = container_of(o, struct rig, observer);

	tell(r, "exit=%u", p->exit.code);
	r->exited = true;
}

static void on_oom(const struct observer *o, struct container *ct)
{
	(void)ct;
	tell(container_of(o, struct rig, observer), "oom");
}

static void block_signal(int signo)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, signo);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

void rig_init(struct rig *r)
{
	*r = (struct rig){ .loop = loop_new(), .reads = { -1, -1 } };
	block_signal(SIGPIPE); /* as signals_init() does */
	assert_int_equal(reaper_init(&r->reaper, r->loop), 0);
	containers_init(&r->set);
	r->observer = (struct observer){ on_exited, on_oom };
	r->set.loop = r->loop;
	r->set.reaper = &r->reaper;
	r->set.observer = &r->observer;
	r->set.ns = RIG_NAMESPACE;
	tmpdir_open(&r->dir);
	snprintf(r->binary, sizeof(r->binary), "%s/tests/fake/fake-runtime", BUILD_DIR);
	snprintf(r->root, sizeof(r->root), "%s/runtime", r->dir.path);
	snprintf(r->bundle, sizeof(r->bundle), "%s/c1", r->dir.path);
	setenv("FAKE", r->binary, 1);
	setenv("B", r->bundle, 1);
	rig_bundle(r, "c1", "exec sleep 1000");
	r->args = (struct create_args){
		.id = "c1",
		.bundle = r->bundle,
		.options = { .binary = r->binary, .root = r->root },
	};
}

static bool has_children(void *arg)
{
	siginfo_t si;

	(void)arg;
	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void rig_await_no_children(struct rig *r)
{
	loop_run_while(r->loop, has_children, NULL);
}

static int count_folders(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int n = 0;

	while (d && (entry = readdir(d)))
		n += entry->d_type == DT_DIR && entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

void rig_expect_nothing_left(struct rig *r)
{
	char path[RIG_PATH_MAX + 16];

	rig_await_no_children(r);
	snprintf(path, sizeof(path), "%s/%s", r->root, RIG_NAMESPACE);
	assert_int_equal(count_folders(path), 0);
	assert_true(list_is_empty(&r->set.all));
	assert_true(list_is_empty(&r->reaper.children));
	assert_int_equal(r->reaper.holds, 0);
}

static void close_reads(struct rig *r)
{
	fd_drop(&r->reads[0]);
	fd_drop(&r->reads[1]);
}

void rig_fini(struct rig *r)
{
	rig_expect_nothing_left(r);
	containers_fini(&r->set);
	reaper_fini(&r->reaper);
	ev_loop_destroy(r->loop);
	close_reads(r);
	tmpdir_close(&r->dir);
}

void rig_bundle(struct rig *r, const char *id, const char *script)
{
	json_t *config = json_pack("{s:{s:[sss]}, s:{s:[{s:s}]}}", "process", "args", "sh", "-c",
		script, "linux", "namespaces", "type", "pid");
	char name[NAME_MAX];
	char *text;

	assert_true(mkdirat(r->dir.fd, id, 0700) == 0 || errno == EEXIST);
	snprintf(name, sizeof(name), "%s/config.json", id);
	text = json_dumps(config, JSON_COMPACT);
	tmpdir_write(&r->dir, name, text);
	free(text);
	json_decref(config);
}

void rig_script(struct rig *r, const char *script)
{
	rig_bundle(r, "c1", script);
}

void rig_write(struct rig *r, const char *name, const char *text)
{
	char path[NAME_MAX];

	snprintf(path, sizeof(path), "c1/%s", name);
	tmpdir_write(&r->dir, path, text);
}

char *rig_read(struct rig *r, const char *name)
{
	char path[NAME_MAX];

	snprintf(path, sizeof(path), "c1/%s", name);
	return tmpdir_read(&r->dir, path);
}

void rig_misdeeds(struct rig *r, const char *lines)
{
	rig_write(r, "fake", lines);
}

void rig_runtime_script(struct rig *r, const char *script)
{
	char text[2048];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	tmpdir_write(&r->dir, "runtime.sh", text);
	assert_int_equal(fchmodat(r->dir.fd, "runtime.sh", 0755, 0), 0);
	snprintf(r->binary, sizeof(r->binary), "%s/runtime.sh", r->dir.path);
}

static void end(struct deed *d, const struct err *e)
{
	d->done = true;
	d->calls++;
	d->err = *e;
	tell(d->rig, "%s%s", err_is_set(e) ? "!" : "", d->name);
}

static void on_created(void *user, struct container *ct, const struct err *e)
{
	struct deed *d = user;

	d->ct = ct;
	end(d, e);
}

static void on_started(void *user, struct process *p, const struct err *e)
{
	struct deed *d = user;

	d->had_exit = p->exit.is_set;
	end(d, e);
}

static void on_deleted(void *user, struct container *ct, const struct err *e)
{
	struct deed *d = user;

	d->exit = ct->init.exit;
	end(d, e);
}

void rig_begin_create(struct rig *r, struct deed *d)
{
	*d = (struct deed){ .rig = r, .name = "create", .args = r->args };
	create_begin(&r->set, &d->args, on_created, d);
}

struct row {
	struct op *op;
	const char *name;
	bool unwinding;
};

static bool is_elsewhere(void *arg)
{
	const struct row *row = arg;

	return row->op->unwinding != row->unwinding ||
	       strcmp(op_step_name(row->op), row->name) != 0;
}

struct op *rig_await_row(struct rig *r, const char *name, bool unwinding)
{
	const struct container *ct = container_of(r->set.all.prev, struct container, link);
	struct row row = { .name = name, .unwinding = unwinding };

	row.op = container_of(list_first(&ct->under_way), struct op, in);
	loop_run_while(r->loop, is_elsewhere, &row);
	return row.op;
}

void rig_expire(struct rig *r, struct op *op)
{
	ev_feed_event(r->loop, &op->timer, EV_TIMER);
	loop_run_once(r->loop);
}

void rig_begin_start(struct rig *r, struct container *ct, double deadline_s, struct deed *d)
{
	*d = (struct deed){ .rig = r, .name = "start" };
	start_begin(ct, deadline_s, on_started, d);
}

void rig_begin_delete(struct rig *r, struct container *ct, double deadline_s, struct deed *d)
{
	*d = (struct deed){ .rig = r, .name = "delete" };
	delete_begin(ct, deadline_s, on_deleted, d);
}

void rig_await(struct rig *r, struct deed *d)
{
	loop_run_until(r->loop, &d->done);
	assert_int_equal(d->calls, 1);
}

void deed_expect_ok(const struct deed *d)
{
	if (err_is_set(&d->err))
		fail_msg("%s: %s", d->name, d->err.msg);
}

void deed_expect(const struct deed *d, enum status status, const char *words)
{
	if (!strstr(d->err.msg, words))
		fail_msg("%s: no '%s' in '%s'", d->name, words, d->err.msg);
	assert_int_equal(d->err.status, status);
}

struct container *rig_create(struct rig *r)
{
	struct deed d;

	rig_begin_create(r, &d);
	rig_await(r, &d);
	deed_expect_ok(&d);
	assert_non_null(d.ct);
	return d.ct;
}

void rig_expect_no_create(struct rig *r, enum status status, const char *words)
{
	struct deed d;

	rig_begin_create(r, &d);
	rig_await(r, &d);
	deed_expect(&d, status, words);
	assert_null(d.ct);
}

void rig_start(struct rig *r, struct container *ct)
{
	struct deed d;

	rig_begin_start(r, ct, 0, &d);
	rig_await(r, &d);
	deed_expect_ok(&d);
}

void rig_delete(struct rig *r, struct container *ct)
{
	struct deed d;

	rig_begin_delete(r, ct, 0, &d);
	rig_await(r, &d);
	deed_expect_ok(&d);
}

void rig_kill(struct rig *r, struct container *ct)
{
	struct err e = ERR_INIT;

	assert_int_equal(process_kill(&ct->init, SIGKILL, false, &e), 0);
	rig_await_exit(r);
}

void rig_await_exit(struct rig *r)
{
	loop_run_until(r->loop, &r->exited);
}

void rig_expect_story(const struct rig *r, const char *story)
{
	assert_string_equal(r->story, story);
}

int rig_count_calls(struct rig *r, const char *verb)
{
	char *text = tmpdir_read(&r->dir, "runtime/" RIG_NAMESPACE "/calls.log");
	char *rest = text, *line, wanted[32];
	int n = 0;

	snprintf(wanted, sizeof(wanted), " %s ", verb);
	while ((line = strsep(&rest, "\n")))
		n += strstr(line, wanted) != NULL;
	free(text);
	return n;
}

const char *rig_fifo(struct rig *r, const char *name)
{
	static char paths[8][RIG_PATH_MAX + 32];
	static size_t used;
	char *path = paths[used++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", r->bundle, name);
	assert_int_equal(mkfifo(path, 0600), 0);
	return path;
}

void rig_expect_fifo_is_free(struct rig *r, const char *name)
{
	char path[RIG_PATH_MAX + 32], byte;
	auto_fd int in = -1;
	auto_fd int out = -1;

	snprintf(path, sizeof(path), "%s/%s", r->bundle, name);
	out = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(out < 0 ? errno : 0, ENXIO);
	in = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(in >= 0);
	assert_int_equal(read(in, &byte, 1), 0);
}

static void open_reads(struct rig *r)
{
	static const char *const names[] = { "out", "err" };
	char path[RIG_PATH_MAX + 32];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->bundle, names[i]);
		r->reads[i] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		assert_true(r->reads[i] >= 0);
	}
}

struct stdio_paths rig_streams(struct rig *r)
{
	const struct stdio_paths paths = {
		.in = rig_fifo(r, "in"),
		.out = rig_fifo(r, "out"),
		.err = rig_fifo(r, "err"),
	};

	open_reads(r);
	return paths;
}

void rig_expect_streams_are_free(struct rig *r)
{
	close_reads(r);
	rig_expect_fifo_is_free(r, "in");
	rig_expect_fifo_is_free(r, "out");
	rig_expect_fifo_is_free(r, "err");
	open_reads(r);
}
