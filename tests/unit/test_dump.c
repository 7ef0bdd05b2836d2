/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a shim tells of itself to whoever is called at three: belay.v1.Debug, and SIGUSR1.
 */

#include "base/json.h"
#include "proto/api/debug.pb-c.h"
#include "tests/unit/service_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEBUG "belay.v1.Debug"

static json_t *get_dump(struct rig *r)
{
	Belay__DumpRequest req = BELAY__DUMP_REQUEST__INIT;
	auto_message Belay__DumpResponse *reply = NULL;
	struct err e = ERR_INIT;
	struct answer a;
	json_t *dump;

	rig_ask_at(&r->client, DEBUG, "Dump", &req.base, &a);
	rig_await(r, &a);
	reply = answer_take(&a, &belay__dump_response__descriptor);
	assert_null(strchr(reply->json, '\n'));
	if (json_parse(reply->json, strlen(reply->json), "dump", &dump, &e) < 0)
		fail_msg("%s", e.msg);
	return dump;
}

/* Borrowed from @dump; NULL if there is none. */
static json_t *first_container(json_t *dump)
{
	return json_array_get(json_object_get(dump, "containers"), 0);
}

static json_t *first_operation(json_t *dump)
{
	return json_array_get(json_object_get(first_container(dump), "operations"), 0);
}

static bool is_in_step(json_t *dump, const char *step)
{
	const char *at = json_get_string(first_operation(dump), "step");

	return at && strcmp(at, step) == 0;
}

/* The runtime that hangs is the only child of the daemon. */
static void end_runtime(const struct rig *r)
{
	char path[64];
	FILE *children;
	long pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)r->daemon.pid,
		(int)r->daemon.pid);
	children = fopen(path, "re");
	assert_non_null(children);
	assert_int_equal(fscanf(children, "%ld", &pid), 1);
	fclose(children);
	assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
}

TEST(a_dump_names_the_row_in_which_a_create_hangs)
{
	struct rig_create_request c;
	struct answer a;
	struct rig r;
	bool seen = false;

	rig_init(&r);
	rig_misdeeds(&r, "create hang\n");
	rig_create_request(&r, &c);
	rig_ask(&r, "Create", &c.req.base, &a);
	while (!seen) {
		auto_json json_t *dump = get_dump(&r);
		json_t *op = first_operation(dump);

		assert_non_null(op);
		seen = is_in_step(dump, "run runtime");
		if (!seen)
			continue;
		assert_string_equal(json_get_string(op, "operation"), "create");
		assert_false(json_is_true(json_object_get(op, "unwinding")));
		assert_true(json_number_value(json_object_get(op, "since_s")) >= 0);
		assert_string_equal(json_get_string(first_container(dump), "id"), "c1");
		assert_true(json_is_false(json_object_get(first_container(dump), "created")));
	}
	end_runtime(&r);
	rig_await(&r, &a);
	assert_true(a.failed);
	buf_fini(&a.payload);
	rig_create_request_fini(&c);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(a_dump_tells_of_containers_and_counts_what_was_done)
{
	auto_json json_t *dump = NULL;
	json_t *ct, *init;
	uint32_t pid;
	struct rig r;

	rig_init(&r);
	pid = rig_create(&r);
	rig_start(&r);
	rig_expect_heard(&r, "create start");
	dump = get_dump(&r);
	ct = first_container(dump);
	init = json_object_get(ct, "init");
	assert_string_equal(json_get_string(dump, "namespace"), RIG_NAMESPACE);
	assert_string_equal(json_get_string(dump, "version"), SHIM_VERSION);
	assert_true(json_is_true(json_object_get(ct, "created")));
	assert_string_equal(json_get_string(init, "state"), "running");
	assert_true(json_number_value(json_object_get(init, "pid")) == pid);
	assert_int_equal(json_array_size(json_object_get(ct, "operations")), 0);
	/* Create, Start, Dump; one client. */
	assert_true(json_number_value(json_get(dump, "server", "requests", NULL)) == 3);
	assert_true(json_number_value(json_get(dump, "server", "clients", NULL)) == 1);
	/* The runtime's features, create, start, and init. */
	assert_true(
		json_number_value(json_get(dump, "processes", "followed_since_start", NULL)) >= 3);
	assert_true(json_number_value(json_get(dump, "processes", "followed", NULL)) == 1);
	assert_true(json_number_value(json_get(dump, "loop", "longest_turn_us", NULL)) > 0);
	rig_kill(&r, SIGKILL);
	assert_int_equal(rig_wait(&r), 128 + SIGKILL);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

/* The FIFO of the log, as it comes. */
struct reader {
	ev_io watcher;
	char text[64 * 1024];
	size_t n;
};

static void on_log(struct ev_loop *loop, ev_io *w, int revents)
{
	struct reader *l = container_of(w, struct reader, watcher);
	ssize_t n = read(w->fd, l->text + l->n, sizeof(l->text) - 1 - l->n);

	(void)loop;
	(void)revents;
	assert_true(n > 0);
	l->n += (size_t)n;
	l->text[l->n] = '\0';
}

static bool has_no_dump(void *arg)
{
	const struct reader *l = arg;
	const char *dump = strstr(l->text, "{\"belay\":\"dump\"");

	return !dump || !strchr(dump, '\n');
}

/* What SIGUSR1 puts into the log. */
static json_t *read_dump(struct rig *r, struct reader *l)
{
	struct err e = ERR_INIT;
	json_t *dump;
	const char *line;
	int fd = openat(r->dir.fd, "c1/log", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	assert_true(fd >= 0);
	ev_io_init(&l->watcher, on_log, fd, EV_READ);
	ev_io_start(r->loop, &l->watcher);
	assert_int_equal(child_signal(&r->daemon, SIGUSR1), 0);
	loop_run_while(r->loop, has_no_dump, l);
	ev_io_stop(r->loop, &l->watcher);
	close(fd);
	line = strstr(l->text, "{\"belay\":\"dump\"");
	if (json_parse(line, strcspn(line, "\n"), "log", &dump, &e) < 0)
		fail_msg("%s", e.msg);
	return dump;
}

TEST(a_signal_puts_the_dump_into_the_log_and_the_shim_goes_on)
{
	static struct reader l;
	auto_json json_t *dump = NULL;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	dump = read_dump(&r, &l);
	assert_string_equal(json_get_string(first_container(dump), "id"), "c1");
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

static void add_exec(struct rig *r, int i)
{
	static char spec[] = "{}";
	Pb__ExecProcessRequest req = PB__EXEC_PROCESS_REQUEST__INIT;
	Pb__Any any = PB__ANY__INIT;
	char id[77];

	snprintf(id, sizeof(id), "exec-%070d", i);
	any.type_url = "types.containerd.io/opencontainers/runtime-spec/1/Process";
	any.value = (ProtobufCBinaryData){ strlen(spec), (uint8_t *)spec };
	req.id = "c1";
	req.exec_id = id;
	req.spec = &any;
	rig_do(r, "Exec", &req.base);
}

/* 300 execs of more than 120 bytes each: that is more than the log is to be filled with. */
TEST(a_dump_too_long_for_the_log_leaves_out_what_is_at_rest)
{
	static struct reader l;
	auto_json json_t *dump = NULL;
	struct rig r;

	rig_init(&r);
	rig_create(&r);
	for (int i = 0; i < 300; i++)
		add_exec(&r, i);
	dump = read_dump(&r, &l);
	assert_int_equal(json_array_size(json_object_get(dump, "containers")), 0);
	assert_true(json_number_value(json_object_get(dump, "containers_in_all")) == 1);
	rig_delete(&r);
	rig_shut_down(&r);
	rig_fini(&r);
}

TEST(the_version_is_told_by_itself)
{
	Belay__VersionRequest req = BELAY__VERSION_REQUEST__INIT;
	auto_message Belay__VersionResponse *reply = NULL;
	struct answer a;
	struct rig r;

	rig_init(&r);
	rig_ask_at(&r.client, DEBUG, "Version", &req.base, &a);
	rig_await(&r, &a);
	reply = answer_take(&a, &belay__version_response__descriptor);
	assert_string_equal(reply->version, SHIM_VERSION);
	rig_shut_down(&r);
	rig_fini(&r);
}
