/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/client.h"

#include "tests/lib/tmpdir.h"
#include "tests/unit/client_rig.h"
#include "tests/unit/server_rig.h"

#include <stdio.h>

TEST(a_request_carries_names_timeout_namespace_and_odd_streams)
{
	struct frame f;
	struct question q, second;
	struct desk d;
	struct err e;

	desk_init(&d, "k8s.io");
	question_init(&q, &d, 2.5);
	assert_int_equal(client_call_start(&d.client, &q.call, &blank.base, &e), 0);
	{
		auto_message Ttrpc__Request *req = peer_reads(&d, &f);

		assert_string_equal(req->service, "test.v3.Task");
		assert_string_equal(req->method, "Echo");
		assert_true(req->timeout_nano == INT64_C(2500000000));
		assert_int_equal(req->n_metadata, 1);
		assert_string_equal(req->metadata[0]->key, "containerd-namespace-ttrpc");
		assert_string_equal(req->metadata[0]->value, "k8s.io");
		assert_int_equal(f.type, FRAME_REQUEST);
		assert_int_equal(f.stream, 1);
	}
	ask(&second, &d);
	message_free(&peer_reads(&d, &f)->base);
	assert_int_equal(f.stream, 3);
	desk_fini(&d);
}

TEST(without_a_namespace_there_is_no_metadata)
{
	struct question q;
	struct frame f;
	struct desk d;

	desk_init(&d, NULL);
	ask(&q, &d);
	{
		auto_message Ttrpc__Request *req = peer_reads(&d, &f);

		assert_int_equal(req->n_metadata, 0);
		assert_true(req->timeout_nano == 0);
	}
	desk_fini(&d);
}

TEST(our_client_and_our_server_understand_each_other)
{
	struct question good, bad;
	struct client client;
	struct rig r;
	struct err e;

	rig_init(&r);
	client_init(&client, r.loop, "default", on_closed);
	client_attach(&client, dial(&r));
	question_init(&good, NULL, 10);
	assert_int_equal(client_call_start(&client, &good.call, &blank.base, &e), 0);
	question_init(&bad, NULL, 10);
	bad.call.method = "Refuse";
	assert_int_equal(client_call_start(&client, &bad.call, &blank.base, &e), 0);
	settle(&r);
	assert_int_equal(good.n_done, 1);
	assert_false(good.failed);
	assert_true(good.answer.len > 0);
	assert_failed(&bad, STATUS_NOT_FOUND, "container not created: not found");
	buf_fini(&good.answer);
	client_close(&client);
	rig_fini(&r);
}

TEST(an_unanswered_call_fails_when_its_time_is_up_and_a_late_answer_is_ignored)
{
	struct question q;
	struct desk d;
	struct err e;

	desk_init(&d, NULL);
	question_init(&q, &d, 0.02);
	assert_int_equal(client_call_start(&d.client, &q.call, &blank.base, &e), 0);
	while (q.n_done == 0)
		ev_run(d.loop, EVRUN_ONCE);
	assert_failed(&q, STATUS_DEADLINE_EXCEEDED, "context deadline exceeded");
	peer_sends(&d, (struct frame){ .stream = 1, .type = FRAME_RESPONSE }, NULL);
	assert_int_equal(q.n_done, 1);
	assert_true(client_is_open(&d.client));
	desk_fini(&d);
}

TEST(an_answered_call_is_never_late)
{
	struct question quick, slow;
	struct desk d;
	struct err e;

	desk_init(&d, NULL);
	question_init(&quick, &d, 0.02);
	question_init(&slow, &d, 0.06);
	assert_int_equal(client_call_start(&d.client, &quick.call, &blank.base, &e), 0);
	assert_int_equal(client_call_start(&d.client, &slow.call, &blank.base, &e), 0);
	peer_sends(&d, (struct frame){ .stream = 1, .type = FRAME_RESPONSE }, NULL);
	while (slow.n_done == 0)
		ev_run(d.loop, EVRUN_ONCE);
	assert_int_equal(quick.n_done, 1);
	assert_false(quick.failed);
	desk_fini(&d);
}

TEST(when_the_other_end_closes_every_call_fails_and_then_the_owner_hears)
{
	struct question first, second;
	struct desk d;
	struct err e;

	desk_init(&d, NULL);
	ask(&first, &d);
	ask(&second, &d);
	fd_drop(&d.peer);
	desk_settle(&d);
	assert_failed(&first, STATUS_UNAVAILABLE, "ttrpc: closed");
	assert_failed(&second, STATUS_UNAVAILABLE, "ttrpc: closed");
	assert_int_equal(d.n_closed, 1);
	assert_int_equal(client_call_start(&d.client, &first.call, &blank.base, &e), -1);
	assert_int_equal(e.status, STATUS_UNAVAILABLE);
	assert_int_equal(first.n_done, 1);
	desk_fini(&d);
}

TEST(a_call_started_on_a_connection_that_just_died_fails_once_and_from_the_loop)
{
	struct question q;
	struct desk d;

	desk_init(&d, NULL);
	fd_drop(&d.peer);
	ask(&q, &d);
	assert_int_equal(q.n_done, 0);
	desk_settle(&d);
	assert_failed(&q, STATUS_UNAVAILABLE, "ttrpc: closed");
	assert_int_equal(d.n_closed, 1);
	desk_fini(&d);
}

TEST(a_client_closed_while_its_calls_fail_is_silent_from_then_on)
{
	struct question first, second;
	struct desk d;

	desk_init(&d, NULL);
	ask(&first, &d);
	ask(&second, &d);
	first.close_client = true;
	fd_drop(&d.peer);
	desk_settle(&d);
	assert_int_equal(first.n_done, 1);
	assert_int_equal(second.n_done, 0);
	assert_int_equal(d.n_closed, 0);
	desk_fini(&d);
}

TEST(a_client_connected_anew_while_its_calls_fail_does_not_fail_the_new_ones)
{
	struct question first, second;
	struct desk d;
	int fds[2];

	desk_init(&d, NULL);
	ask(&first, &d);
	ask(&second, &d);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	first.close_client = true;
	first.attach = fds[0];
	first.ask_again = true;
	fd_drop(&d.peer);
	d.peer = fds[1];
	desk_settle(&d);
	assert_int_equal(first.n_done, 1);
	assert_int_equal(second.n_done, 0);
	assert_int_equal(d.n_closed, 0);
	assert_int_equal(d.client.n_calls, 1);
	desk_fini(&d);
}

TEST(a_client_closed_in_an_answer_is_silent_from_then_on)
{
	struct question first, second;
	struct desk d;
	uint8_t both[2 * FRAME_HEADER_LEN];

	desk_init(&d, NULL);
	ask(&first, &d);
	ask(&second, &d);
	first.close_client = true;
	frame_encode(&(struct frame){ .stream = 1, .type = FRAME_RESPONSE }, both);
	frame_encode(
		&(struct frame){ .stream = 3, .type = FRAME_RESPONSE }, both + FRAME_HEADER_LEN);
	assert_int_equal(send(d.peer, both, sizeof(both), 0), sizeof(both));
	desk_settle(&d);
	assert_int_equal(first.n_done, 1);
	assert_int_equal(second.n_done, 0);
	desk_fini(&d);
}

TEST(a_call_may_start_again_in_its_answer)
{
	struct question q;
	struct desk d;

	desk_init(&d, NULL);
	ask(&q, &d);
	q.ask_again = true;
	peer_sends(&d, (struct frame){ .stream = 1, .type = FRAME_RESPONSE }, NULL);
	assert_int_equal(q.n_done, 1);
	peer_sends(&d, (struct frame){ .stream = 3, .type = FRAME_RESPONSE }, NULL);
	assert_int_equal(q.n_done, 2);
	assert_false(q.failed);
	desk_fini(&d);
}

TEST(a_cancelled_call_is_never_heard_of_again)
{
	struct question q;
	struct desk d;

	desk_init(&d, NULL);
	question_init(&q, &d, 0);
	client_call_cancel(&q.call); /* not even started */
	ask(&q, &d);
	client_call_cancel(&q.call);
	client_call_cancel(&q.call);
	peer_sends(&d, (struct frame){ .stream = 1, .type = FRAME_RESPONSE }, NULL);
	fd_drop(&d.peer);
	desk_settle(&d);
	assert_int_equal(q.n_done, 0);
	assert_int_equal(d.client.n_calls, 0);
	desk_fini(&d);
}

TEST(an_answer_nobody_can_read_fails_the_call)
{
	struct question q, second;
	struct desk d;

	desk_init(&d, NULL);
	ask(&q, &d);
	ask(&second, &d);
	peer_sends(&d, (struct frame){ .len = 2, .stream = 1, .type = FRAME_RESPONSE }, "\x0a\x7f");
	assert_failed(&q, STATUS_INTERNAL, "2 bytes are no ttrpc.Response");
	peer_sends(&d, (struct frame){ .len = 1, .stream = 3, .type = FRAME_DATA }, "x");
	assert_failed(&second, STATUS_INTERNAL, "a frame of type 3 answers a unary call");
	assert_true(client_is_open(&d.client));
	desk_fini(&d);
}

TEST(an_answer_that_is_too_long_fails_the_call)
{
	uint32_t len = FRAME_DATA_MAX + 1;
	auto_free uint8_t *data = calloc(1, len);
	struct question q;
	struct desk d;

	desk_init(&d, NULL);
	ask(&q, &d);
	peer_sends(&d, (struct frame){ .len = len, .stream = 1, .type = FRAME_RESPONSE }, NULL);
	while (q.n_done == 0) {
		(void)!send(d.peer, data, 65536, 0);
		loop_run_once(d.loop);
	}
	assert_failed(&q, STATUS_RESOURCE_EXHAUSTED,
		"message length 4194305 exceed maximum message size of 4194304");
	desk_fini(&d);
}

TEST(one_call_too_many_does_not_start)
{
	static struct question q[CLIENT_CALLS_MAX + 1];
	struct desk d;
	struct err e;

	desk_init(&d, NULL);
	for (size_t i = 0; i < CLIENT_CALLS_MAX; i++)
		ask(&q[i], &d);
	question_init(&q[CLIENT_CALLS_MAX], &d, 0);
	assert_int_equal(
		client_call_start(&d.client, &q[CLIENT_CALLS_MAX].call, &blank.base, &e), -1);
	assert_int_equal(e.status, STATUS_RESOURCE_EXHAUSTED);
	assert_string_equal(e.msg, "1024 calls are waiting");
	desk_fini(&d);
}

TEST(nothing_starts_while_the_other_end_does_not_read)
{
	static char text[1u << 20];
	Pb__StateRequest big = PB__STATE_REQUEST__INIT;
	struct question q, second;
	struct desk d;
	struct err e;

	memset(text, 'x', sizeof(text) - 1);
	big.id = text;
	desk_init(&d, NULL);
	question_init(&q, &d, 0);
	question_init(&second, &d, 0);
	assert_int_equal(client_call_start(&d.client, &q.call, &big.base, &e), 0);
	assert_int_equal(client_call_start(&d.client, &second.call, &big.base, &e), -1);
	assert_string_equal(e.msg, "the other end does not read");
	desk_fini(&d);
}

TEST(a_request_that_is_too_long_does_not_start)
{
	static char text[5u << 20];
	Pb__StateRequest big = PB__STATE_REQUEST__INIT;
	struct question q;
	struct desk d;
	struct err e;

	memset(text, 'x', sizeof(text) - 1);
	big.id = text;
	desk_init(&d, NULL);
	question_init(&q, &d, 0);
	assert_int_equal(client_call_start(&d.client, &q.call, &big.base, &e), -1);
	assert_int_equal(e.status, STATUS_RESOURCE_EXHAUSTED);
	assert_int_equal(d.client.n_calls, 0);
	desk_fini(&d);
}

/* A socket that somebody listens on, and its path with or without a scheme in front. */
static int listen_at(const char *path, int backlog)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

TEST(a_path_may_have_a_scheme_in_front)
{
	char path[100], url[110];
	struct tmpdir dir;
	struct desk d;
	struct err e;
	int fd;

	tmpdir_open(&dir);
	snprintf(path, sizeof(path), "%s/sock", dir.path);
	snprintf(url, sizeof(url), "unix://%s", path);
	fd = listen_at(path, 10);
	desk_init(&d, NULL);
	client_close(&d.client);
	assert_int_equal(client_connect(&d.client, path, &e), 0);
	assert_true(client_is_open(&d.client));
	client_close(&d.client);
	assert_int_equal(client_connect(&d.client, url, &e), 0);
	desk_fini(&d);
	fd_drop(&fd);
	tmpdir_close(&dir);
}

TEST(a_connection_that_cannot_be_made_says_why_and_never_waits)
{
	char path[100], longer[200];
	struct tmpdir dir;
	struct desk d;
	struct err e;
	int fd, waiting;

	tmpdir_open(&dir);
	snprintf(path, sizeof(path), "%s/sock", dir.path);
	desk_init(&d, NULL);
	client_close(&d.client);
	assert_int_equal(client_connect(&d.client, path, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	fd = listen_at(path, 0);
	waiting = 0;
	while (client_connect(&d.client, path, &e) == 0 && waiting++ < 10) {
		/* Keeps its place in the backlog although nobody is there any more. */
		client_close(&d.client);
	}
	assert_int_equal(e.sys, EAGAIN);
	fd_drop(&fd);
	assert_int_equal(client_connect(&d.client, path, &e), -1);
	assert_int_equal(e.sys, ECONNREFUSED);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(client_connect(&d.client, longer, &e), -1);
	assert_int_equal(e.status, STATUS_INVALID_ARGUMENT);
	assert_false(client_is_open(&d.client));
	desk_fini(&d);
	tmpdir_close(&dir);
}

static void connect_again(struct client *c, int sys)
{
	struct desk *d = container_of(c, struct desk, client);
	int fds[2];

	on_closed(c, sys);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	d->peer = fds[1];
	client_attach(c, fds[0]);
}

TEST(a_client_may_connect_again_when_it_hears_that_it_was_closed)
{
	struct question q;
	struct desk d;

	desk_init(&d, NULL);
	d.client.on_closed = connect_again;
	ask(&q, &d);
	fd_drop(&d.peer);
	desk_settle(&d);
	assert_failed(&q, STATUS_UNAVAILABLE, "ttrpc: closed");
	assert_int_equal(d.n_closed, 1);
	ask(&q, &d);
	peer_sends(&d, (struct frame){ .stream = 1, .type = FRAME_RESPONSE }, NULL);
	assert_int_equal(q.n_done, 1);
	assert_false(q.failed);
	desk_fini(&d);
}
