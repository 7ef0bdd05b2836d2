/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/conn.h"

#include "tests/lib/deaf.h"
#include "tests/unit/conn_rig.h"

TEST(a_frame_arrives_as_it_was_sent)
{
	struct rig r;

	rig_init(&r, &patient);
	peer_sends_frame(&r, 7, "hello", 5);
	settle(&r);
	assert_int_equal(r.n_frames, 1);
	assert_int_equal(r.last.stream, 7);
	assert_int_equal(r.last.type, FRAME_REQUEST);
	assert_int_equal(r.data.len, 5);
	assert_memory_equal(r.data.data, "hello", 5);
	rig_fini(&r);
}

TEST(a_frame_split_over_many_reads_is_one_frame)
{
	uint8_t bytes[FRAME_HEADER_LEN + 300] = { 0 };
	struct frame f = { .len = 300, .stream = 1, .type = FRAME_REQUEST };
	struct rig r;

	rig_init(&r, &patient);
	frame_encode(&f, bytes);
	bytes[sizeof(bytes) - 1] = 0x5a;
	for (int round = 1; round <= 2; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			assert_int_equal(r.n_frames, round - 1);
			peer_sends(&r, bytes + i, 1);
			loop_run_once(r.loop);
		}
		assert_int_equal(r.n_frames, round);
		assert_int_equal(r.data.data[299], 0x5a);
	}
	rig_fini(&r);
}

TEST(frames_without_data_arrive)
{
	struct rig r;

	rig_init(&r, &patient);
	peer_sends_frame(&r, 1, NULL, 0);
	settle(&r);
	peer_sends(&r, "\0\0\0", 3);
	settle(&r);
	peer_sends(&r, "\0\0\0\0\3\1\0", 7);
	settle(&r);
	assert_int_equal(r.n_frames, 2);
	assert_int_equal(r.last.stream, 3);
	rig_fini(&r);
}

TEST(many_frames_in_one_read_arrive_in_order)
{
	struct rig r;

	rig_init(&r, &patient);
	for (uint32_t i = 1; i <= 500; i++)
		peer_sends_frame(&r, i, "0123456789", i % 10);
	settle(&r);
	assert_int_equal(r.n_frames, 500);
	assert_int_equal(r.last.stream, 500);
	rig_fini(&r);
}

TEST(the_longest_frame_arrives)
{
	auto_free uint8_t *data = calloc(1, FRAME_DATA_MAX);
	struct rig r;

	rig_init(&r, &patient);
	data[FRAME_DATA_MAX - 1] = 0x5a;
	peer_sends_frame(&r, 1, data, FRAME_DATA_MAX);
	peer_sends_frame(&r, 3, "x", 1);
	while (r.n_frames < 2)
		loop_run_once(r.loop);
	assert_int_equal(r.last.stream, 3);
	rig_fini(&r);
}

TEST(a_frame_that_is_too_long_is_thrown_away_and_the_next_one_arrives)
{
	auto_free uint8_t *data = calloc(1, FRAME_DATA_MAX + 1);
	struct rig r;

	rig_init(&r, &patient);
	peer_sends_frame(&r, 9, data, FRAME_DATA_MAX + 1);
	assert_int_equal(r.n_frames, 0);
	settle(&r);
	while (r.n_oversize == 0)
		loop_run_once(r.loop);
	assert_int_equal(r.last.stream, 9);
	assert_int_equal(r.last.len, FRAME_DATA_MAX + 1);
	peer_sends_frame(&r, 11, "x", 1);
	settle(&r);
	assert_int_equal(r.n_frames, 1);
	assert_int_equal(r.n_oversize, 1);
	assert_int_equal(r.last.stream, 11);
	rig_fini(&r);
}

TEST(a_header_that_promises_much_allocates_nothing)
{
	struct rig r;

	rig_init(&r, &patient);
	peer_sends_header(&r, FRAME_DATA_MAX, 1);
	settle(&r);
	assert_true(r.conn.in.room < 1024);
	peer_sends(&r, "0123456789", 10);
	settle(&r);
	assert_int_equal(r.conn.in.len, FRAME_HEADER_LEN + 10);
	assert_true(r.conn.in.room < 1024);
	rig_fini(&r);
}

TEST(a_header_in_pieces_that_is_too_long_is_thrown_away_as_well)
{
	struct frame f = { .len = UINT32_MAX, .stream = 5 };
	uint8_t header[FRAME_HEADER_LEN];
	struct rig r;

	rig_init(&r, &patient);
	frame_encode(&f, header);
	peer_sends(&r, header, 4);
	settle(&r);
	peer_sends(&r, header + 4, 6);
	settle(&r);
	peer_sends(&r, "0123456789", 10);
	settle(&r);
	assert_int_equal(r.conn.skip, UINT32_MAX - 10);
	assert_null(r.conn.in.data);
	rig_fini(&r);
}

TEST(an_idle_connection_holds_no_buffer)
{
	auto_free uint8_t *data = calloc(1, 1u << 20);
	struct frame f = { .len = 1u << 20, .stream = 1 };
	struct rig r;

	rig_init(&r, &patient);
	peer_sends_frame(&r, 1, data, 1u << 20);
	while (r.n_frames == 0)
		loop_run_once(r.loop);
	assert_null(r.conn.in.data);
	assert_int_equal(conn_send(&r.conn, &f, data), 0);
	assert_non_null(r.conn.out.data);
	assert_int_equal(peer_reads_all(&r), FRAME_HEADER_LEN + f.len);
	assert_null(r.conn.out.data);
	assert_false(ev_is_active(&r.conn.writable));
	rig_fini(&r);
}

TEST(what_fits_the_socket_is_sent_before_the_loop_turns)
{
	struct frame f = { .len = 5, .stream = 3, .type = FRAME_RESPONSE };
	uint8_t got[64];
	struct rig r;

	rig_init(&r, &patient);
	assert_int_equal(conn_send(&r.conn, &f, "hello"), 0);
	assert_int_equal(recv(r.peer, got, sizeof(got), 0), FRAME_HEADER_LEN + 5);
	assert_memory_equal(got + FRAME_HEADER_LEN, "hello", 5);
	assert_false(ev_is_active(&r.conn.writable));
	rig_fini(&r);
}

/* Sends numbered bytes in frames of odd sizes and checks that every one arrives in its place. */
TEST(what_does_not_fit_the_socket_arrives_whole_and_in_order)
{
	enum {
		N = 97,
		SIZE = 30011
	};
	auto_free uint8_t *data = malloc(SIZE),
			  *got = malloc(N * (size_t)(SIZE + FRAME_HEADER_LEN));
	struct frame f = { .len = SIZE, .stream = 1 };
	size_t have = 0;
	struct rig r;

	rig_init(&r, &patient);
	for (size_t i = 0; i < N; i++) {
		memset(data, (int)i, SIZE);
		assert_int_equal(conn_send(&r.conn, &f, data), 0);
	}
	while (have < N * (size_t)(SIZE + FRAME_HEADER_LEN)) {
		ssize_t n = recv(r.peer, got + have, 7777, 0);

		if (n > 0)
			have += (size_t)n;
		loop_run_once(r.loop);
	}
	for (size_t i = 0; i < N; i++) {
		const uint8_t *at = got + i * (SIZE + FRAME_HEADER_LEN) + FRAME_HEADER_LEN;

		assert_int_equal(at[0], i);
		assert_int_equal(at[SIZE - 1], i);
	}
	assert_int_equal(conn_queued(&r.conn), 0);
	rig_fini(&r);
}

TEST(what_is_queued_goes_first_even_if_the_socket_has_room_again)
{
	auto_free uint8_t *data = calloc(1, 1u << 20);
	struct frame f = { .len = 1u << 20, .stream = 1 };
	size_t queued;
	struct rig r;

	rig_init(&r, &patient);
	assert_int_equal(conn_send(&r.conn, &f, data), 0);
	queued = conn_queued(&r.conn);
	while (recv(r.peer, data, 1u << 20, 0) > 0)
		; /* the socket is empty, and the loop has not turned */
	f.len = 1;
	assert_int_equal(conn_send(&r.conn, &f, data), 0);
	assert_int_equal(conn_queued(&r.conn), queued + FRAME_HEADER_LEN + 1);
	rig_fini(&r);
}

TEST(a_peer_that_never_reads_is_not_read_from)
{
	struct rig r;
	size_t seen;

	rig_init(&r, &answering);
	r.answer_len = 64u << 10;
	for (uint32_t i = 1; i <= 100; i++)
		peer_sends_frame(&r, i, "x", 1);
	settle(&r);
	assert_true(conn_is_paused(&r.conn));
	assert_true(conn_queued(&r.conn) <= CONN_QUEUE_PAUSE + FRAME_HEADER_LEN + r.answer_len);
	seen = r.n_frames;
	assert_true(seen < 20);
	settle(&r);
	assert_int_equal(r.n_frames, seen);
	assert_int_equal(r.n_closed, 0);
	rig_fini(&r);
}

TEST(a_peer_that_reads_again_is_read_from_again_and_gets_every_answer)
{
	struct rig r;

	rig_init(&r, &answering);
	r.answer_len = 64u << 10;
	for (uint32_t i = 1; i <= 100; i++)
		peer_sends_frame(&r, i, "x", 1);
	settle(&r);
	assert_int_equal(peer_reads_all(&r), 100 * (size_t)(FRAME_HEADER_LEN + r.answer_len));
	assert_int_equal(r.n_frames, 100);
	assert_int_equal(r.last.stream, 100);
	assert_false(conn_is_paused(&r.conn));
	rig_fini(&r);
}

TEST(an_end_that_does_not_answer_reads_whatever_it_has_queued)
{
	auto_free uint8_t *data = calloc(1, 1u << 20);
	struct frame f = { .len = 1u << 20, .stream = 1 };
	struct rig r;

	rig_init(&r, &patient);
	assert_int_equal(conn_send(&r.conn, &f, data), 0);
	assert_true(conn_queued(&r.conn) > CONN_QUEUE_PAUSE);
	peer_sends_frame(&r, 1, "x", 1);
	settle(&r);
	assert_int_equal(r.n_frames, 1);
	rig_fini(&r);
}

TEST(beyond_the_limit_of_the_queue_the_connection_is_lost)
{
	auto_free uint8_t *data = calloc(1, FRAME_DATA_MAX);
	struct frame f = { .len = FRAME_DATA_MAX, .stream = 1 };
	struct rig r;

	rig_init(&r, &answering);
	assert_int_equal(conn_send(&r.conn, &f, data), 0);
	assert_int_equal(conn_send(&r.conn, &f, data), 0);
	assert_int_equal(conn_send(&r.conn, &f, data), -ENOBUFS);
	assert_int_equal(r.n_closed, 0); /* the loop says it, not the sender */
	assert_int_equal(conn_queued(&r.conn), 0);
	assert_int_equal(conn_send(&r.conn, &f, data), -ENOTCONN);
	settle(&r);
	assert_int_equal(r.n_closed, 1);
	assert_int_equal(r.sys, ENOBUFS);
	rig_fini(&r);
}

TEST(a_frame_that_is_too_long_is_not_sent)
{
	struct frame f = { .len = FRAME_DATA_MAX + 1 };
	uint8_t byte;
	struct rig r;

	rig_init(&r, &patient);
	assert_int_equal(conn_send(&r.conn, &f, &byte), -EMSGSIZE);
	assert_true(recv(r.peer, &byte, 1, 0) < 0);
	assert_true(conn_is_open(&r.conn));
	rig_fini(&r);
}

TEST(a_peer_that_hangs_up_is_reported_once)
{
	struct rig r;

	rig_init(&r, &patient);
	fd_drop(&r.peer);
	settle(&r);
	assert_int_equal(r.n_closed, 1);
	assert_int_equal(r.sys, 0);
	rig_fini(&r);
}

TEST(a_peer_that_hangs_up_inside_a_frame_leaves_nothing)
{
	struct rig r;

	rig_init(&r, &patient);
	peer_sends_header(&r, 1000, 1);
	peer_sends(&r, "half", 4);
	settle(&r);
	fd_drop(&r.peer);
	settle(&r);
	assert_int_equal(r.n_closed, 1);
	assert_int_equal(r.n_frames, 0);
	rig_fini(&r);
}

TEST(a_peer_that_hangs_up_while_we_do_not_read_is_noticed)
{
	struct rig r;

	rig_init(&r, &answering);
	r.answer_len = 1u << 20;
	peer_sends_frame(&r, 1, "x", 1);
	settle(&r);
	assert_true(conn_is_paused(&r.conn));
	fd_drop(&r.peer);
	settle(&r);
	assert_int_equal(r.n_closed, 1);
	rig_fini(&r);
}

TEST(sending_to_a_peer_that_is_gone_raises_no_signal_and_calls_nobody)
{
	struct frame f = { .len = 1, .stream = 1 };
	struct rig r;

	rig_init(&r, &patient);
	fd_drop(&r.peer);
	assert_int_equal(conn_send(&r.conn, &f, "x"), -EPIPE);
	assert_int_equal(r.n_closed, 0);
	settle(&r);
	assert_int_equal(r.n_closed, 1);
	assert_int_equal(r.sys, EPIPE);
	rig_fini(&r);
}

TEST(a_connection_closed_in_an_upcall_delivers_nothing_more)
{
	struct rig r;

	rig_init(&r, &patient);
	r.close_in_frame = true;
	for (uint32_t i = 1; i <= 10; i++)
		peer_sends_frame(&r, i, "x", 1);
	settle(&r);
	assert_int_equal(r.n_frames, 1);
	assert_int_equal(r.n_closed, 0);
	rig_fini(&r);
}

/* A connection alone on the heap, so that a sanitizer sees any use after the upcall. */
static void free_at_once(struct conn *c, const struct frame *f, const uint8_t *data)
{
	(void)f;
	(void)data;
	conn_close(c);
	free(c);
}

static void free_when_closed(struct conn *c, int sys)
{
	(void)sys;
	free(c);
}

static const struct conn_ops fleeting = {
	.on_frame = free_at_once,
	.on_closed = free_when_closed,
};

static void fleeting_reads(const void *bytes, size_t n)
{
	struct ev_loop *loop = loop_new();
	struct conn *c = calloc(1, sizeof(*c));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	conn_init(c, loop, fds[0], &fleeting);
	assert_int_equal(send(fds[1], bytes, n, 0), n);
	loop_run_once(loop);
	close(fds[1]);
	for (int i = 0; i < 5; i++)
		loop_run_once(loop);
	ev_loop_destroy(loop);
}

TEST(a_connection_may_be_freed_in_any_upcall)
{
	uint8_t frames[3 * FRAME_HEADER_LEN] = { 0 };

	fleeting_reads(frames, sizeof(frames)); /* in on_frame() */
	fleeting_reads(frames, 4);              /* in on_closed() */
}

TEST(closing_twice_is_closing_once)
{
	struct rig r;

	rig_init(&r, &patient);
	conn_close(&r.conn);
	conn_close(&r.conn);
	settle(&r);
	assert_int_equal(r.n_closed, 0);
	rig_fini(&r);
}

TEST(a_connection_that_the_kernel_will_not_watch_is_lost)
{
	struct rig r;

	rig_init(&r, &patient);
	refuse_to_watch(r.loop, &r.conn.readable);
	settle(&r);
	assert_int_equal(r.n_closed, 1);
	assert_false(conn_is_open(&r.conn));
	rig_fini(&r);
}
