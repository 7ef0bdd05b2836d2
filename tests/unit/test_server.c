/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/server.h"

#include "proto/peer.h"
#include "tests/unit/server_rig.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STRANGER 65534

static int n_accepts;

/* In the place of libc's. */
int accept4(int fd, struct sockaddr *at, socklen_t *at_len, int flags)
{
	n_accepts++;
	return (int)syscall(SYS_accept4, fd, at, at_len, flags);
}

/* --- what it answers --- */

TEST(a_table_is_found_under_each_of_its_names)
{
	struct rig r;

	rig_init(&r);
	assert_succeeds(&r, call_with_timeout(&r, "test.v2.Task", "Echo", 0));
	assert_succeeds(&r, call_with_timeout(&r, "test.v3.Task", "Echo", 0));
	rig_fini(&r);
}

TEST(an_unknown_service_is_named_before_an_unknown_method)
{
	struct rig r;

	rig_init(&r);
	assert_fails(&r, call_with_timeout(&r, "test.v4.Task", "What", 0), STATUS_UNIMPLEMENTED,
		"service test.v4.Task");
	assert_fails(&r, call(&r, "What"), STATUS_UNIMPLEMENTED, "method What");
	assert_serves(&r);
	rig_fini(&r);
}

TEST(an_even_stream_is_refused)
{
	Ttrpc__Request req = TTRPC__REQUEST__INIT;
	struct rig r;

	rig_init(&r);
	send_request(&r, 2, &req);
	assert_fails(&r, 2, STATUS_INVALID_ARGUMENT,
		"StreamID must be odd for client initiated streams");
	assert_serves(&r);
	rig_fini(&r);
}

TEST(a_stream_that_does_not_rise_is_refused)
{
	Ttrpc__Request req = TTRPC__REQUEST__INIT;
	const char *text = "StreamID cannot be re-used and must increment";
	struct rig r;

	rig_init(&r);
	r.next_stream = 9;
	assert_serves(&r);
	send_request(&r, 9, &req);
	assert_fails(&r, 9, STATUS_INVALID_ARGUMENT, text);
	send_request(&r, 7, &req);
	assert_fails(&r, 7, STATUS_INVALID_ARGUMENT, text);
	assert_serves(&r);
	rig_fini(&r);
}

TEST(a_request_nobody_can_read_is_refused)
{
	struct rig r;

	rig_init(&r);
	send_frame(&r, (struct frame){ .len = 2, .stream = 1, .type = FRAME_REQUEST }, "\x0a\x7f");
	assert_fails(&r, 1, STATUS_INVALID_ARGUMENT,
		"unmarshal request error: 2 bytes are no ttrpc.Request");
	r.next_stream = 3;
	assert_serves(&r);
	rig_fini(&r);
}

TEST(data_for_a_call_that_is_over_is_refused_and_for_one_that_is_not_ignored)
{
	struct frame f = { .len = 1, .type = FRAME_DATA };
	struct rig r;

	rig_init(&r);
	f.stream = 99;
	send_frame(&r, f, "x");
	assert_fails(&r, 99, STATUS_INVALID_ARGUMENT, "StreamID is no longer active");
	f.stream = call(&r, "Hold");
	send_frame(&r, f, "x");
	assert_silent(&r);
	nothing(first_held(&r));
	assert_succeeds(&r, f.stream);
	rig_fini(&r);
}

TEST(frames_of_unknown_types_are_ignored)
{
	struct rig r;

	rig_init(&r);
	send_frame(&r, (struct frame){ .len = 1, .stream = 1, .type = 77 }, "x");
	send_frame(&r, (struct frame){ .len = 1, .stream = 1, .type = FRAME_RESPONSE }, "x");
	assert_silent(&r);
	assert_serves(&r);
	rig_fini(&r);
}

TEST(a_request_that_is_too_long_is_refused_and_the_connection_stays)
{
	struct frame f = { .len = FRAME_DATA_MAX + 1, .stream = 1, .type = FRAME_REQUEST };
	auto_free void *data = calloc(1, f.len);
	struct rig r;

	rig_init(&r);
	send_frame(&r, f, data);
	assert_fails(&r, 1, STATUS_RESOURCE_EXHAUSTED,
		"message length 4194305 exceed maximum message size of 4194304");
	assert_serves(&r);
	rig_fini(&r);
}

TEST(garbage_does_no_harm)
{
	unsigned int seed = 4711;
	uint8_t bytes[1000];

	for (int round = 0; round < 50; round++) {
		struct rig r;

		rig_init(&r);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(i % 10 < 3 && i < 500 ? 0 : rand_r(&seed));
		send_bytes(&r, bytes, sizeof(bytes));
		settle(&r);
		fd_drop(&r.client);
		settle(&r);
		assert_int_equal(r.server.n_peers, 0);
		rig_fini(&r);
	}
}

/* --- the door --- */

/* Connects as somebody else. Exits with 0 if it was shut out. */
static void stranger(const struct rig *r, uid_t uid, gid_t gid)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(2);
	if (connect(fd, (const struct sockaddr *)&r->at, r->at_len) < 0)
		_exit(3);
	_exit(recv(fd, &byte, 1, 0) == 0 ? 0 : 4);
}

static void assert_shut_out(uid_t uid, gid_t gid)
{
	siginfo_t si = { 0 };
	struct rig r;
	pid_t pid;

	rig_init(&r);
	pid = fork();
	if (pid == 0)
		stranger(&r, uid, gid);
	while (si.si_pid == 0) {
		loop_run_once(r.loop);
		assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG), 0);
	}
	assert_int_equal(si.si_code, CLD_EXITED);
	assert_int_equal(si.si_status, 0);
	assert_int_equal(r.server.n_peers, 1);
	assert_serves(&r);
	rig_fini(&r);
}

TEST(another_user_is_shut_out)
{
	if (geteuid() != 0)
		test_skip("only root can be somebody else");
	assert_shut_out(STRANGER, getegid());
}

TEST(another_group_is_shut_out)
{
	if (geteuid() != 0)
		test_skip("only root can be somebody else");
	assert_shut_out(geteuid(), STRANGER);
}

static void count_turns(struct ev_loop *loop, ev_prepare *w, int revents)
{
	(void)loop;
	(void)revents;
	++*(size_t *)w->data;
}

static void stop_loop(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

/* How often the loop turns while it has nothing to do for a while. */
static size_t idle_turns(struct rig *r)
{
	size_t turns = 0;
	ev_prepare prepare;
	ev_timer timer;

	ev_prepare_init(&prepare, count_turns);
	ev_timer_init(&timer, stop_loop, 3.5 * SERVER_PAUSE_S, 0.);
	prepare.data = &turns;
	ev_prepare_start(r->loop, &prepare);
	ev_timer_start(r->loop, &timer);
	ev_run(r->loop, 0);
	ev_prepare_stop(r->loop, &prepare);
	return turns;
}

static bool is_shut_out(void *arg)
{
	struct rig *r = arg;

	return r->server.n_peers < 2;
}

TEST(without_a_free_descriptor_it_pauses_instead_of_spinning)
{
	struct rlimit old, few;
	struct rig r;
	int second;

	rig_init(&r);
	assert_serves(&r);
	second = dial(&r);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = (rlim_t)second + 1;
	setrlimit(RLIMIT_NOFILE, &few);
	assert_true(idle_turns(&r) < 20);
	assert_int_equal(r.server.n_peers, 1);
	assert_serves(&r); /* who is in is served */
	setrlimit(RLIMIT_NOFILE, &old);
	loop_run_while(r.loop, is_shut_out, &r);
	fd_drop(&second);
	rig_fini(&r);
}

TEST(nobody_is_looked_for_behind_the_last)
{
	struct rig r;

	rig_init(&r);
	n_accepts = 0;
	assert_serves(&r);
	settle(&r);
	assert_int_equal(n_accepts, 2); /* the client, and that there is no other */
	rig_fini(&r);
}

TEST(one_client_too_many_is_closed_and_the_others_stay)
{
	struct rig r;
	char byte;
	int extra;

	rig_init(&r);
	assert_serves(&r);
	r.server.n_peers += SERVER_CONNS_MAX - 1; /* as if they were there */
	extra = dial(&r);
	settle(&r);
	assert_int_equal(recv(extra, &byte, 1, 0), 0);
	assert_serves(&r);
	r.server.n_peers -= SERVER_CONNS_MAX - 1;
	fd_drop(&extra);
	rig_fini(&r);
}

/* --- limits --- */

/* Each client is left half of what those before it have left. */
TEST(a_client_may_have_as_many_calls_as_are_left_for_all)
{
	struct rig r;

	rig_init(&r);
	for (int i = 0; i < SERVER_CALLS_MAX / 2; i++)
		call(&r, "Hold");
	settle(&r);
	while (r.server.n_calls < SERVER_CALLS_MAX / 2)
		loop_run_once(r.loop);
	assert_fails(&r, call(&r, "Echo"), STATUS_RESOURCE_EXHAUSTED,
		"2048 calls of this client are in flight, and 2048 of all");
	r.server.n_calls += 2; /* of another, which leaves two less */
	nothing(first_held(&r));
	assert_succeeds(&r, 1);
	assert_fails(&r, call(&r, "Echo"), STATUS_RESOURCE_EXHAUSTED,
		"2047 calls of this client are in flight, and 2049 of all");
	r.server.n_calls -= 2;
	assert_serves(&r);
	while (!list_is_empty(&r.held))
		nothing(first_held(&r));
	rig_fini(&r);
}

TEST(a_client_that_asks_and_never_reads_costs_bounded_memory_and_loses_nothing)
{
	struct peer *p;
	struct rig r;

	rig_init(&r);
	for (int i = 0; i < 50; i++)
		call(&r, "Large");
	settle(&r);
	p = container_of(list_first(&r.server.peers), struct peer, in);
	assert_true(conn_is_paused(&p->conn));
	assert_true(conn_queued(&p->conn) < 2 * FRAME_DATA_MAX);
	for (uint32_t i = 0; i < 50; i++)
		assert_succeeds(&r, 2 * i + 1);
	assert_serves(&r);
	rig_fini(&r);
}

TEST(ten_thousand_calls_leave_memory_flat)
{
	size_t before = 0;
	struct rig r;

	rig_init(&r);
	for (int i = 0; i < 10100; i++) {
		if (i == 100)
			before = mallinfo2().uordblks;
		assert_serves(&r);
	}
	assert_true(mallinfo2().uordblks <= before);
	rig_fini(&r);
}

/* --- the end --- */

static void count_idle(struct server *s)
{
	container_of(s, struct rig, server)->n_idle++;
}

TEST(a_server_that_accepts_no_more_serves_who_is_there)
{
	struct rig r;
	int fd;

	rig_init(&r);
	assert_serves(&r);
	server_stop_accepting(&r.server);
	server_stop_accepting(&r.server);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(connect(fd, (struct sockaddr *)&r.at, r.at_len) < 0);
	assert_int_equal(errno, ECONNREFUSED);
	assert_serves(&r);
	fd_drop(&fd);
	rig_fini(&r);
}

TEST(a_server_is_idle_when_every_call_is_answered_and_every_byte_has_left)
{
	struct rig r;

	rig_init(&r);
	call(&r, "Hold");
	settle(&r);
	server_drain(&r.server, count_idle);
	settle(&r);
	assert_false(server_is_idle(&r.server));
	assert_int_equal(r.n_idle, 0);
	large(first_held(&r)); /* more than the socket takes */
	settle(&r);
	assert_int_equal(r.n_idle, 0);
	assert_succeeds(&r, 1);
	settle(&r);
	assert_true(server_is_idle(&r.server));
	assert_int_equal(r.n_idle, 1);
	rig_fini(&r);
}

TEST(a_call_whose_client_is_gone_does_not_keep_a_server_busy)
{
	struct rig r;

	rig_init(&r);
	call(&r, "Hold");
	settle(&r);
	server_drain(&r.server, count_idle);
	fd_drop(&r.client);
	settle(&r);
	assert_int_equal(r.n_idle, 1);
	nothing(first_held(&r));
	rig_fini(&r);
}
