/* SPDX-License-Identifier: Apache-2.0 */
#include "process/io/pump.h"

#include "tests/lib/deaf.h"
#include "tests/unit/io_rig.h"

#include <malloc.h>
#include <pty.h>
#include <stdlib.h>
#include <termios.h>

/* For so many more times there is no memory. */
static int refusals;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return refusals > 0 && refusals-- ? NULL : __real_malloc(size);
}

/* The same of pages for a pipe, which a control group may refuse us. */
ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
ssize_t __real_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags);
ssize_t __wrap_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags);

static int page_refusals;

static bool is_refused(void)
{
	if (page_refusals == 0)
		return false;
	page_refusals--;
	errno = ENOMEM;
	return true;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
	return is_refused() ? -1 : __real_write(fd, bytes, n);
}

ssize_t __wrap_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags)
{
	return is_refused() ? -1 : __real_splice(from, from_at, to, to_at, n, flags);
}

/* Two pipes with a pump between them: what is written to `in` can be read from `out`. */
struct works {
	struct ev_loop *loop;
	struct pump pump;
	int in, from, to, out;
	int ends, drains;
	size_t written, got, total;
	bool at_end;
};

static void on_end(struct pump *p)
{
	struct works *w = container_of(p, struct works, pump);

	w->ends++;
	fd_drop(&w->from);
	fd_drop(&w->to);
}

static void on_drained(struct pump *p)
{
	container_of(p, struct works, pump)->drains++;
}

static void works_open(struct works *w)
{
	int source[2], sink[2];

	block_sigpipe();
	*w = (struct works){ .loop = loop_new() };
	assert_int_equal(pipe2(source, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(sink, O_CLOEXEC | O_NONBLOCK), 0);
	w->from = source[0];
	w->in = source[1];
	w->out = sink[0];
	w->to = sink[1];
}

static void works_close(struct works *w)
{
	pump_stop(&w->pump);
	fd_drop(&w->in);
	fd_drop(&w->from);
	fd_drop(&w->to);
	fd_drop(&w->out);
	ev_loop_destroy(w->loop);
}

static void settle(struct works *w)
{
	for (int i = 0; i < 50; i++)
		loop_run_once(w->loop);
}

/* Feeds one side, empties the other, closes the source when all is written. */
static bool is_flowing(void *arg)
{
	struct works *w = arg;

	if (w->in >= 0)
		w->written = write_pattern(w->in, w->written, w->total);
	if (w->written == w->total)
		fd_drop(&w->in);
	w->got = read_pattern(w->out, w->got, &w->at_end);
	return !w->at_end;
}

static void expect_all_through(struct works *w, size_t total)
{
	w->total = total;
	loop_run_while(w->loop, is_flowing, w);
	assert_int_equal(w->got, total);
	assert_int_equal(w->ends, 1);
	assert_false(pump_is_running(&w->pump));
}

TEST(megabytes_come_out_as_they_went_in)
{
	struct works w;

	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	assert_true(pump_is_running(&w.pump));
	expect_all_through(&w, 7000001);
	works_close(&w);
}

TEST(a_pump_that_copies_moves_the_same_bytes)
{
	struct works w;

	works_open(&w);
	pump_start_copying(&w.pump, w.loop, w.from, w.to, on_end);
	expect_all_through(&w, 3000001);
	assert_null(w.pump.chunk);
	works_close(&w);
}

static void on_output(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents; /* is_short() reads */
}

/* The source is left open: the end of the pump would hang the terminal up. */
static bool is_short(void *arg)
{
	struct works *w = arg;

	w->written = write_pattern(w->in, w->written, w->total);
	w->got = read_pattern(w->out, w->got, &w->at_end);
	return w->got < w->total;
}

/* Unlike a pipe, which takes a chunk whole or not at all. */
TEST(a_terminal_that_takes_half_a_chunk_gets_the_rest_once)
{
	struct termios raw;
	struct works w;
	ev_io output;

	works_open(&w);
	fd_drop(&w.out);
	fd_drop(&w.to);
	assert_int_equal(openpty(&w.to, &w.out, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(w.out, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(w.out, TCSANOW, &raw), 0);
	set_nonblock(w.to);
	set_nonblock(w.out);
	pump_start_copying(&w.pump, w.loop, w.from, w.to, on_end);
	ev_io_init(&output, on_output, w.out, EV_READ);
	ev_io_start(w.loop, &output);
	w.total = 1000001;
	loop_run_while(w.loop, is_short, &w);
	assert_int_equal(w.got, w.total);
	ev_io_stop(w.loop, &output);
	works_close(&w);
}

TEST(an_empty_source_at_its_end_ends_the_pump)
{
	struct works w;

	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	expect_all_through(&w, 0);
	works_close(&w);
}

static void expect_bounded(struct works *w)
{
	struct mallinfo2 before = mallinfo2(), after;
	size_t fits;

	for (int i = 0; i < 200; i++) {
		w->written = write_pattern(w->in, w->written, SIZE_MAX);
		loop_run_once(w->loop);
	}
	fits = w->written;
	assert_in_range(fits, 2 * PIPE_BYTES - 8192, 2 * PIPE_BYTES + PUMP_CHUNK_BYTES);
	after = mallinfo2();
	assert_in_range(after.uordblks, 0, before.uordblks + 2 * PUMP_CHUNK_BYTES);
}

static unsigned events;

static void count_events(struct ev_loop *loop)
{
	events += ev_pending_count(loop);
	ev_invoke_pending(loop);
}

/* A loop that has nothing to do sleeps: no watcher is ready. */
static void expect_no_spinning(struct works *w)
{
	ev_set_invoke_pending_cb(w->loop, count_events);
	events = 0;
	settle(w);
	assert_int_equal(events, 0);
	ev_set_invoke_pending_cb(w->loop, ev_invoke_pending);
}

TEST(a_reader_that_takes_nothing_costs_two_pipes_and_no_time)
{
	struct works w;

	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	expect_bounded(&w);
	expect_no_spinning(&w);
	expect_all_through(&w, w.written);
	works_close(&w);
}

TEST(the_same_with_a_pump_that_copies)
{
	struct works w;

	works_open(&w);
	pump_start_copying(&w.pump, w.loop, w.from, w.to, on_end);
	expect_bounded(&w);
	expect_no_spinning(&w);
	expect_all_through(&w, w.written);
	works_close(&w);
}

static void expect_broken_sink_ends_it(struct works *w)
{
	fd_drop(&w->out);
	assert_int_equal(write(w->in, "x", 1), 1);
	settle(w);
	assert_int_equal(w->ends, 1);
	assert_false(pump_is_running(&w->pump));
}

TEST(a_broken_sink_ends_the_pump_and_not_us)
{
	struct works w;

	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	expect_broken_sink_ends_it(&w);
	works_close(&w);
	works_open(&w);
	pump_start_copying(&w.pump, w.loop, w.from, w.to, on_end);
	expect_broken_sink_ends_it(&w);
	works_close(&w);
}

TEST(a_sink_that_breaks_while_it_is_full_ends_the_pump)
{
	struct works w;

	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	expect_bounded(&w);
	fd_drop(&w.out);
	settle(&w);
	assert_int_equal(w.ends, 1);
	works_close(&w);
}

TEST(draining_moves_what_is_there_without_the_loop)
{
	struct works w;

	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	assert_true(pump_drain(&w.pump, on_drained));
	w.written = write_pattern(w.in, 0, 1000);
	assert_true(pump_drain(&w.pump, on_drained));
	w.got = read_pattern(w.out, 0, &w.at_end);
	assert_int_equal(w.got, 1000);
	settle(&w);
	assert_int_equal(w.drains, 0);
	works_close(&w);
}

TEST(draining_into_a_full_sink_is_told_when_it_is_done)
{
	struct works w;

	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	expect_bounded(&w);
	assert_false(pump_drain(&w.pump, on_drained));
	settle(&w);
	assert_int_equal(w.drains, 0);
	for (int i = 0; i < 50; i++) {
		w.got = read_pattern(w.out, w.got, &w.at_end);
		loop_run_once(w.loop);
	}
	assert_int_equal(w.drains, 1);
	assert_int_equal(w.got, w.written);
	works_close(&w);
}

TEST(an_end_that_comes_first_takes_the_place_of_drained)
{
	struct works w;

	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	expect_bounded(&w);
	assert_false(pump_drain(&w.pump, on_drained));
	fd_drop(&w.in);
	expect_all_through(&w, w.written);
	assert_int_equal(w.drains, 0);
	assert_true(pump_drain(&w.pump, on_drained));
	works_close(&w);
}

TEST(a_pump_that_was_stopped_says_nothing_more)
{
	struct pump never = { 0 };
	struct works w;

	pump_stop(&never);
	assert_false(pump_is_running(&never));
	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	pump_stop(&w.pump);
	pump_stop(&w.pump);
	fd_drop(&w.in);
	settle(&w);
	assert_int_equal(w.ends, 0);
	works_close(&w);
}

TEST(a_source_whose_writers_are_gone_ends_when_it_is_empty)
{
	struct works w;

	works_open(&w);
	pump_start_copying(&w.pump, w.loop, w.from, w.to, on_end);
	expect_bounded(&w);
	pump_end_when_empty(&w.pump); /* though `in` is still open */
	settle(&w);
	assert_int_equal(w.ends, 0);
	for (int i = 0; i < 50 && !w.at_end; i++) {
		w.got = read_pattern(w.out, w.got, &w.at_end);
		loop_run_once(w.loop);
	}
	assert_int_equal(w.ends, 1);
	assert_int_equal(w.got, w.written);
	works_close(&w);
}

TEST(one_that_is_empty_already_ends_at_once_but_from_the_loop)
{
	struct works w;

	works_open(&w);
	pump_start_copying(&w.pump, w.loop, w.from, w.to, on_end);
	pump_end_when_empty(&w.pump);
	assert_int_equal(w.ends, 0);
	settle(&w);
	assert_int_equal(w.ends, 1);
	pump_end_when_empty(&w.pump);
	works_close(&w);
}

TEST(a_pump_that_the_kernel_will_not_watch_tries_again)
{
	struct works w;

	works_open(&w);
	pump_start(&w.pump, w.loop, w.from, w.to, on_end);
	refuse_to_watch(w.loop, &w.pump.watcher);
	expect_all_through(&w, 3000001);
	works_close(&w);
}

TEST(a_pump_that_copies_loses_nothing_without_memory)
{
	struct works w;

	works_open(&w);
	pump_start_copying(&w.pump, w.loop, w.from, w.to, on_end);
	refusals = 3;
	expect_all_through(&w, 100001);
	assert_int_equal(refusals, 0);
	works_close(&w);
}

TEST(pages_that_are_refused_end_no_stream)
{
	struct works w;

	for (int copies = 0; copies < 2; copies++) {
		works_open(&w);
		if (copies)
			pump_start_copying(&w.pump, w.loop, w.from, w.to, on_end);
		else
			pump_start(&w.pump, w.loop, w.from, w.to, on_end);
		assert_int_equal(write_pattern(w.in, 0, 1000), 1000);
		w.written = 1000;
		page_refusals = 3;
		while (page_refusals > 0)
			ev_run(w.loop, EVRUN_ONCE);
		assert_int_equal(w.ends, 0);
		expect_all_through(&w, 100001);
		works_close(&w);
	}
}

static bool is_undrained(void *arg)
{
	const struct works *w = arg;

	return w->drains == 0;
}

TEST(nor_does_draining_without_memory)
{
	struct works w;
	bool at_end;

	works_open(&w);
	pump_start_copying(&w.pump, w.loop, w.from, w.to, on_end);
	assert_int_equal(write_pattern(w.in, 0, 1000), 1000);
	refusals = 2;
	assert_false(pump_drain(&w.pump, on_drained));
	refuse_to_watch(w.loop, &w.pump.watcher); /* at the same time */
	loop_run_while(w.loop, is_undrained, &w);
	assert_int_equal(read_pattern(w.out, 0, &at_end), 1000);
	works_close(&w);
}
