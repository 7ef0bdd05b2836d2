/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The streams of a container at their ends: draining, odd paths, terminals.
 */

#include "tests/unit/stdio_rig.h"

#include <pty.h>
#include <stdlib.h>

static void on_drained(void *user)
{
	((struct scene *)user)->drained = true;
}

TEST(draining_flushes_what_the_container_left_without_a_turn_of_the_loop)
{
	struct scene s;

	scene_set(&s);
	attend(&s);
	open_streams(&s);
	s.sent = write_pattern(s.out, 0, 5000);
	assert_true(stdio_drain(s.io, on_drained, &s));
	s.io = stdio_free(s.io); /* as Delete does next */
	s.got = read_pattern(s.from_out, 0, &s.at_end);
	assert_int_equal(s.got, 5000);
	assert_true(s.at_end);
	assert_false(s.drained);
	scene_strike(&s);
}

TEST(draining_waits_for_a_slow_client_and_loses_nothing)
{
	struct scene s;

	scene_set(&s);
	attend(&s);
	open_streams(&s);
	fill_up(&s);
	assert_false(stdio_drain(s.io, on_drained, &s));
	settle(&s);
	assert_false(s.drained);
	for (int i = 0; i < 50 && !s.drained; i++) {
		s.got = read_pattern(s.from_out, s.got, &s.at_end);
		loop_run_once(s.loop);
	}
	assert_true(s.drained);
	s.io = stdio_free(s.io);
	s.got = read_pattern(s.from_out, s.got, &s.at_end);
	assert_int_equal(s.got, s.sent);
	scene_strike(&s);
}

TEST(of_two_streams_the_slower_one_is_waited_for)
{
	struct scene s;

	scene_set(&s);
	attend(&s);
	open_streams(&s);
	fill_up(&s); /* stdout is full; stderr has room */
	assert_int_equal(write(s.err, "err", 3), 3);
	assert_false(stdio_drain(s.io, on_drained, &s));
	fd_drop(&s.err); /* its end alone is not enough */
	settle(&s);
	assert_false(s.drained);
	for (int i = 0; i < 50 && !s.drained; i++) {
		s.got = read_pattern(s.from_out, s.got, &s.at_end);
		loop_run_once(s.loop);
	}
	assert_true(s.drained);
	scene_strike(&s);
}

TEST(the_end_of_the_stream_ends_draining_too)
{
	struct scene s;

	scene_set(&s);
	attend(&s);
	open_streams(&s);
	fill_up(&s);
	assert_false(stdio_drain(s.io, on_drained, &s));
	fd_drop(&s.out);
	for (int i = 0; i < 50 && !s.drained; i++) {
		s.got = read_pattern(s.from_out, s.got, &s.at_end);
		loop_run_once(s.loop);
	}
	assert_true(s.drained);
	scene_strike(&s);
}

TEST(draining_that_was_cancelled_is_never_heard_of_again)
{
	struct scene s;

	scene_set(&s);
	attend(&s);
	open_streams(&s);
	fill_up(&s);
	assert_false(stdio_drain(s.io, on_drained, &s));
	stdio_drain_cancel(s.io);
	stdio_drain_cancel(s.io);
	for (int i = 0; i < 50; i++) {
		s.got = read_pattern(s.from_out, s.got, &s.at_end);
		loop_run_once(s.loop);
	}
	assert_false(s.drained);
	assert_int_equal(s.got, s.sent); /* it flows on */
	scene_strike(&s);
}

TEST(both_outputs_may_go_to_the_same_fifo)
{
	char text[16] = "";
	struct scene s;

	scene_set(&s);
	attend(&s);
	open_paths(&s, "", s.path[OUT], s.path[OUT]);
	stdio_start(s.io);
	assert_int_equal(write(s.out, "out", 3), 3);
	settle(&s);
	fd_drop(&s.out);
	settle(&s);
	assert_int_equal(write(s.err, "err", 3), 3);
	settle(&s);
	assert_int_equal(read(s.from_out, text, sizeof(text)), 6);
	assert_string_equal(text, "outerr");
	assert_int_equal(read(s.from_out, text, 1), -1); /* half of it is still open */
	fd_drop(&s.err);
	settle(&s);
	assert_int_equal(read(s.from_out, text, 1), 0);
	fd_drop(&s.from_out);
	expect_free(&s.dir, "out");
	scene_strike(&s);
}

TEST(a_late_reader_of_a_shared_fifo_gets_everything_too)
{
	struct scene s;
	pid_t reader;

	scene_set(&s);
	open_paths(&s, "", s.path[OUT], s.path[OUT]);
	assert_true(stdio_await_readers(s.io, NULL, NULL)); /* there is no telling */
	stdio_start(s.io);
	assert_int_equal(write(s.out, "out", 3), 3);
	assert_int_equal(write(s.err, "err", 3), 3);
	fd_drop(&s.out);
	fd_drop(&s.err);
	settle(&s);
	reader = blocking_reader(&s.dir, "out");
	assert_int_equal(reader_result(s.loop, reader), 6);
	scene_strike(&s);
}

/* Both FIFOs are one: the second finds our own read end of the first and takes it for a client's.
 */
TEST(a_late_reader_of_a_silent_shared_fifo_gets_the_end)
{
	struct scene s;
	pid_t reader;

	scene_set(&s);
	open_paths(&s, "", s.path[OUT], s.path[OUT]);
	assert_true(stdio_await_readers(s.io, NULL, NULL)); /* there is no telling */
	stdio_start(s.io);
	fd_drop(&s.out);
	settle(&s);
	fd_drop(&s.err);
	settle(&s);
	reader = blocking_reader(&s.dir, "out");
	assert_int_equal(reader_result(s.loop, reader), 0);
	scene_strike(&s);
}

TEST(a_file_is_given_to_the_container_itself_and_appended_to)
{
	char path[TMPDIR_PATH_MAX + 16];
	struct scene s;
	char *text;

	scene_set(&s);
	tmpdir_write(&s.dir, "file", "before ");
	snprintf(path, sizeof(path), "%s/file", s.dir.path);
	open_paths(&s, "/dev/null", path, path);
	stdio_start(s.io);
	assert_int_equal(write(s.out, "out ", 4), 4);
	assert_int_equal(write(s.err, "err", 3), 3);
	assert_int_equal(read(s.in, path, 1), 0);
	assert_true(stdio_drain(s.io, on_drained, &s));
	text = tmpdir_read(&s.dir, "file");
	assert_string_equal(text, "before out err");
	free(text);
	scene_strike(&s);
}

static void expect_refused(struct scene *s, const struct stdio_paths *paths, const char *words)
{
	struct err e = ERR_INIT;

	assert_int_equal(stdio_open(&s->io, s->loop, paths, &e), -1);
	assert_null(s->io);
	assert_non_null(strstr(e.msg, words));
	assert_int_equal(e.status, STATUS_UNKNOWN);
}

TEST(a_path_that_is_not_there_is_named_and_the_others_are_released)
{
	struct scene s;

	scene_set(&s);
	expect_refused(&s, &(struct stdio_paths){ .in = s.path[IN], .out = "/nowhere/out" },
		"unable to copy pipes: containerd-shim: opening w/o fifo \"/nowhere/out\" failed: "
		"no such file or directory");
	expect_refused(&s, &(struct stdio_paths){ .in = "/nowhere/in", .out = s.path[OUT] },
		"opening r/o fifo \"/nowhere/in\" failed");
	expect_refused(
		&s, &(struct stdio_paths){ .out = s.path[OUT], .err = s.dir.path }, "opening file");
	scene_strike(&s); /* looks whether all are free */
}

TEST(the_pipes_belong_to_the_containers_user)
{
	struct stdio_paths paths;
	struct err e = ERR_INIT;
	struct scene s;
	struct stat st;
	int fds[3];

	if (geteuid() != 0)
		test_skip("chown needs root");
	scene_set(&s);
	paths = (struct stdio_paths){
		.in = s.path[IN], .out = s.path[OUT], .uid = 1234, .gid = 5678
	};
	assert_int_equal(stdio_open(&s.io, s.loop, &paths, &e), 0);
	stdio_child_fds(s.io, fds);
	for (int i = IN; i <= OUT; i++) {
		assert_int_equal(fstat(fds[i], &st), 0);
		assert_int_equal(st.st_uid, 1234);
		assert_int_equal(st.st_gid, 5678);
	}
	scene_strike(&s);
}

TEST(streams_that_were_never_started_can_be_freed)
{
	struct scene s;

	scene_set(&s);
	open_paths(&s, s.path[IN], s.path[OUT], s.path[ERR]);
	scene_strike(&s);
	assert_null(stdio_free(NULL));
}

/* The pty's two sides: ours is handed over, the container's is returned. */
static int open_terminal(struct scene *s)
{
	const struct stdio_paths paths = {
		.in = s->path[IN], .out = s->path[OUT], .err = s->path[ERR], .terminal = true
	};
	struct err e = ERR_INIT;
	struct termios raw;
	int master, slave;

	assert_int_equal(stdio_open(&s->io, s->loop, &paths, &e), 0);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	set_nonblock(master);
	set_nonblock(slave);
	assert_int_equal(stdio_set_console(s->io, master, &e), 0);
	stdio_start(s->io);
	return slave;
}

TEST(a_terminal_speaks_both_ways_and_its_end_is_the_processs)
{
	char text[16] = "";
	struct scene s;
	int slave;

	scene_set(&s);
	attend(&s);
	slave = open_terminal(&s);
	s.to_in = open_in(&s.dir, "in", O_WRONLY | O_NONBLOCK);
	assert_int_equal(write(s.to_in, "in", 2), 2);
	await_readable(s.loop, slave);
	assert_int_equal(read(slave, text, sizeof(text)), 2);
	assert_int_equal(write(slave, "out", 3), 3);
	await_readable(s.loop, s.from_out);
	assert_int_equal(read(s.from_out, text, sizeof(text)), 3);
	assert_string_equal(text, "out");
	close(slave); /* no hang-up: it may be opened again */
	settle(&s);
	assert_int_equal(read(s.from_out, text, 1), -1);
	stdio_process_ended(s.io);
	await_readable(s.loop, s.from_out);
	assert_int_equal(read(s.from_out, text, 1), 0);
	scene_strike(&s);
}

TEST(what_a_process_wrote_to_its_terminal_before_its_end_is_not_lost)
{
	struct scene s;
	int slave;

	scene_set(&s);
	slave = open_terminal(&s);
	s.sent = write_pattern(slave, 0, 2000);
	close(slave);
	stdio_process_ended(s.io);
	attend(&s);
	settle(&s);
	s.got = read_pattern(s.from_out, 0, &s.at_end);
	assert_int_equal(s.got, s.sent);
	assert_true(s.at_end);
	scene_strike(&s);
}

static char *contents(struct scene *s)
{
	return tmpdir_read(&s->dir, "out");
}

static bool is_not_shown(void *scene)
{
	auto_free char *text = contents(scene);

	return strcmp(text, "shown") != 0;
}

TEST(a_terminal_may_read_and_write_files)
{
	char text[16] = "";
	struct scene s;
	int slave;

	scene_set(&s);
	for (int i = IN; i <= OUT; i++) {
		assert_int_equal(unlink(s.path[i]), 0);
		tmpdir_write(&s.dir, names[i], i == IN ? "typed" : "");
	}
	slave = open_terminal(&s);
	await_readable(s.loop, slave);
	assert_int_equal(read(slave, text, sizeof(text)), 5);
	assert_string_equal(text, "typed");
	assert_int_equal(write(slave, "shown", 5), 5);
	loop_run_while(s.loop, is_not_shown, &s);
	close(slave);
	stdio_process_ended(s.io);
	settle(&s);
	for (int i = IN; i <= OUT; i++) {
		assert_int_equal(unlink(s.path[i]), 0);
		make_fifo(&s.dir, names[i]); /* as scene_strike() wants it */
	}
	scene_strike(&s);
}

TEST(a_terminal_has_a_size_and_pipes_have_none)
{
	struct winsize size;
	struct scene s;
	int slave;

	scene_set(&s);
	slave = open_terminal(&s);
	assert_int_equal(stdio_resize(s.io, 132, 43), 0);
	assert_int_equal(ioctl(slave, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_col, 132);
	assert_int_equal(size.ws_row, 43);
	close(slave);
	s.io = stdio_free(s.io);
	open_streams(&s);
	assert_int_equal(stdio_resize(s.io, 132, 43), 0);
	scene_strike(&s);
}
