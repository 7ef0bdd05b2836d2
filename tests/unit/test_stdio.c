/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The streams of a container while it runs.
 */

#include "tests/unit/stdio_rig.h"

static bool input_flows(void *arg)
{
	struct scene *s = arg;

	if (s->to_in >= 0)
		s->sent = write_pattern(s->to_in, s->sent, s->total);
	if (s->sent == s->total)
		fd_drop(&s->to_in);
	s->got = read_pattern(s->in, s->got, &s->at_end);
	return !s->at_end;
}

TEST(megabytes_of_output_arrive_as_they_were_written_and_end)
{
	struct scene s;

	scene_set(&s);
	attend(&s);
	open_streams(&s);
	s.total = 7000001;
	loop_run_while(s.loop, output_flows, &s);
	assert_int_equal(s.got, s.total);
	scene_strike(&s);
}

TEST(megabytes_of_input_arrive_and_end_when_stdin_is_closed)
{
	struct scene s;

	scene_set(&s);
	open_streams(&s);
	s.to_in = open_in(&s.dir, "in", O_WRONLY | O_NONBLOCK);
	s.total = 5000001;
	stdio_close_stdin(s.io);
	loop_run_while(s.loop, input_flows, &s);
	assert_int_equal(s.got, s.total);
	scene_strike(&s);
}

TEST(stdin_stays_open_for_the_next_client_until_it_is_closed)
{
	struct scene s;
	char text[16] = "";
	int client;

	scene_set(&s);
	open_streams(&s);
	for (int i = 0; i < 3; i++) {
		client = open_in(&s.dir, "in", O_WRONLY | O_NONBLOCK);
		assert_int_equal(write(client, "ab", 2), 2);
		close(client);
		settle(&s);
	}
	assert_int_equal(read(s.in, text, sizeof(text)), 6);
	assert_string_equal(text, "ababab");
	assert_int_equal(read(s.in, text, 1), -1);
	assert_int_equal(errno, EAGAIN);
	stdio_close_stdin(s.io);
	settle(&s);
	assert_int_equal(read(s.in, text, 1), 0);
	expect_free(&s.dir, "in");
	scene_strike(&s);
}

TEST(a_client_that_still_writes_keeps_stdin_open_beyond_its_close)
{
	struct scene s;
	char text[4] = "";

	scene_set(&s);
	open_streams(&s);
	s.to_in = open_in(&s.dir, "in", O_WRONLY | O_NONBLOCK);
	stdio_close_stdin(s.io);
	stdio_close_stdin(s.io);
	settle(&s);
	assert_int_equal(write(s.to_in, "ab", 2), 2);
	settle(&s);
	assert_int_equal(read(s.in, text, sizeof(text)), 2);
	fd_drop(&s.to_in);
	settle(&s);
	assert_int_equal(read(s.in, text, 1), 0);
	scene_strike(&s);
}

/* The client learns by EPIPE that nobody reads any more, as it would of the container itself. */
TEST(a_container_that_closes_its_stdin_ends_it_for_the_client)
{
	struct scene s;

	scene_set(&s);
	open_streams(&s);
	s.to_in = open_in(&s.dir, "in", O_WRONLY | O_NONBLOCK);
	fd_drop(&s.in);
	assert_int_equal(write(s.to_in, "ab", 2), 2);
	settle(&s);
	assert_int_equal(write(s.to_in, "ab", 2), -1);
	assert_int_equal(errno, EPIPE);
	fd_drop(&s.to_in);
	expect_free(&s.dir, "in");
	scene_strike(&s);
}

TEST(the_end_of_a_stream_is_told_at_once_and_not_only_at_delete)
{
	struct scene s;
	char byte;

	scene_set(&s);
	attend(&s);
	open_streams(&s);
	fd_drop(&s.out);
	settle(&s);
	assert_int_equal(read(s.from_out, &byte, 1), 0);
	fd_drop(&s.from_out);
	expect_free(&s.dir, "out");
	scene_strike(&s);
}

TEST(stderr_is_a_stream_of_its_own)
{
	struct scene s;
	auto_fd int client = -1;
	char text[8] = "";

	scene_set(&s);
	attend(&s);
	open_streams(&s);
	client = open_in(&s.dir, "err", O_RDONLY | O_NONBLOCK);
	assert_int_equal(write(s.out, "out", 3), 3);
	assert_int_equal(write(s.err, "err", 3), 3);
	settle(&s);
	assert_int_equal(read(client, text, sizeof(text)), 3);
	assert_string_equal(text, "err");
	assert_int_equal(read(s.from_out, text, sizeof(text)), 3);
	assert_string_equal(text, "out");
	fd_drop(&s.err);
	settle(&s);
	assert_int_equal(read(client, text, 1), 0);
	assert_int_equal(read(s.from_out, text, 1), -1);
	fd_drop(&client);
	scene_strike(&s);
}

TEST(an_absent_reader_stops_the_container_and_finds_everything_when_it_comes)
{
	struct scene s;

	scene_set(&s);
	open_streams(&s);
	fill_up(&s);
	assert_in_range(s.sent, STDIO_OUTPUT_PIPE_BYTES, 3 * STDIO_OUTPUT_PIPE_BYTES);
	attend(&s);
	s.total = 1000000;
	loop_run_while(s.loop, output_flows, &s);
	assert_int_equal(s.got, s.total);
	scene_strike(&s);
}

TEST(a_reader_that_goes_away_and_comes_back_goes_on_where_it_was)
{
	struct scene s;

	scene_set(&s);
	attend(&s);
	open_streams(&s);
	fill_up(&s);
	s.got = read_pattern(s.from_out, s.got, &s.at_end);
	assert_in_range(s.got, 1, s.sent);
	fd_drop(&s.from_out);
	fill_up(&s);
	attend(&s);
	s.total = s.sent + 100000;
	loop_run_while(s.loop, output_flows, &s);
	assert_int_equal(s.got, s.total);
	scene_strike(&s);
}

/* containerd's clients open in the background, with an open() that blocks. */
TEST(a_reader_that_comes_after_the_containers_end_gets_its_bytes_and_the_end)
{
	struct scene s;
	pid_t reader;

	scene_set(&s);
	open_streams(&s);
	assert_int_equal(write(s.out, "hello", 5), 5);
	fd_drop(&s.out);
	settle(&s);
	reader = blocking_reader(&s.dir, "out");
	assert_int_equal(reader_result(s.loop, reader), 5);
	scene_strike(&s);
}

TEST(a_reader_that_comes_after_a_silent_containers_end_gets_the_end)
{
	struct scene s;
	pid_t reader;

	scene_set(&s);
	open_streams(&s);
	fd_drop(&s.out);
	settle(&s);
	reader = blocking_reader(&s.dir, "out");
	assert_int_equal(reader_result(s.loop, reader), 0);
	scene_strike(&s);
}

TEST(a_reader_that_waits_before_there_is_a_container_is_served)
{
	struct scene s;
	pid_t reader;

	scene_set(&s);
	reader = blocking_reader(&s.dir, "out");
	while (!is_asleep(reader))
		;
	open_streams(&s);
	assert_int_equal(write(s.out, "hello", 5), 5);
	fd_drop(&s.out);
	assert_int_equal(reader_result(s.loop, reader), 5);
	scene_strike(&s);
}

static void readers_came(void *user)
{
	*(bool *)user = true;
}

/* A client that a busy machine keeps from its open() must not find its container over. */
TEST(a_reader_that_is_late_is_awaited_on_each_stream)
{
	struct scene s;
	bool came = false;
	int err;

	scene_set(&s);
	open_paths(&s, s.path[IN], s.path[OUT], s.path[ERR]);
	assert_false(stdio_await_readers(s.io, readers_came, &came));
	attend(&s);
	settle(&s);
	assert_false(came);
	err = open_in(&s.dir, "err", O_RDONLY | O_NONBLOCK);
	loop_run_until(s.loop, &came);
	assert_true(stdio_await_readers(s.io, readers_came, &came));
	stdio_start(s.io);
	close(err);
	scene_strike(&s);
}

TEST(a_reader_that_waits_in_its_open_counts_as_there)
{
	struct scene s;
	pid_t reader;

	scene_set(&s);
	reader = blocking_reader(&s.dir, "out");
	while (!is_asleep(reader))
		;
	open_paths(&s, "", s.path[OUT], "");
	assert_true(stdio_await_readers(s.io, NULL, NULL));
	stdio_start(s.io);
	fd_drop(&s.out);
	assert_int_equal(reader_result(s.loop, reader), 0);
	scene_strike(&s);
}

/* It may have none: what the container writes is kept all the same. */
TEST(a_reader_that_never_comes_is_awaited_for_so_long_and_no_longer)
{
	struct scene s;
	bool over = false;
	pid_t reader;

	scene_set(&s);
	open_paths(&s, "", s.path[OUT], "");
	assert_false(stdio_await_readers(s.io, readers_came, &over));
	loop_run_until(s.loop, &over);
	stdio_start(s.io);
	assert_int_equal(write(s.out, "kept", 4), 4);
	fd_drop(&s.out);
	settle(&s);
	reader = blocking_reader(&s.dir, "out");
	assert_int_equal(reader_result(s.loop, reader), 4);
	scene_strike(&s);
}

TEST(nobody_hears_of_readers_after_the_streams_are_freed)
{
	struct scene s;
	bool came = false;

	scene_set(&s);
	open_paths(&s, "", s.path[OUT], "");
	assert_false(stdio_await_readers(s.io, readers_came, &came));
	fd_drop(&s.out);
	s.io = stdio_free(s.io);
	attend(&s);
	settle(&s);
	assert_false(came);
	scene_strike(&s);
}

TEST(streams_nobody_named_are_dev_null)
{
	struct scene s;
	const char *empty[] = { "", NULL };

	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		scene_set(&s);
		open_paths(&s, empty[i], empty[i], empty[i]);
		assert_int_equal(s.in, -1);
		assert_int_equal(s.out, -1);
		assert_int_equal(s.err, -1);
		stdio_start(s.io);
		stdio_close_stdin(s.io);
		assert_true(stdio_drain(s.io, NULL, NULL));
		scene_strike(&s);
	}
}

TEST(one_path_alone_is_enough)
{
	for (int i = IN; i <= ERR; i++) {
		struct scene s;

		scene_set(&s);
		open_paths(&s, i == IN ? s.path[IN] : "", i == OUT ? s.path[OUT] : "",
			i == ERR ? s.path[ERR] : "");
		assert_int_equal(s.in >= 0, i == IN);
		assert_int_equal(s.out >= 0, i == OUT);
		assert_int_equal(s.err >= 0, i == ERR);
		stdio_start(s.io);
		settle(&s);
		scene_strike(&s);
	}
}
