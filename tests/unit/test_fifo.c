/* SPDX-License-Identifier: Apache-2.0 */
#include "process/io/fifo.h"

#include "tests/unit/io_rig.h"

static struct tmpdir dir;
static char path[TMPDIR_PATH_MAX + 16];

static void begin(void)
{
	block_sigpipe();
	tmpdir_open(&dir);
	make_fifo(&dir, "fifo");
	snprintf(path, sizeof(path), "%s/fifo", dir.path);
}

static void end(void)
{
	tmpdir_close(&dir);
}

TEST(a_fifo_is_told_from_other_files)
{
	begin();
	assert_int_equal(fifo_is(path), 1);
	assert_int_equal(fifo_is("/dev/null"), 0);
	assert_int_equal(fifo_is(dir.path), 0);
	assert_int_equal(fifo_is("/nowhere/fifo"), -ENOENT);
	end();
}

TEST(opening_waits_for_nobody_and_no_end_is_seen)
{
	struct fifo in, out;
	char byte;

	begin();
	assert_int_equal(fifo_open_read(&in, path), 0);
	assert_int_equal(read(in.fd, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	fifo_close(&in);
	assert_int_equal(fifo_open_write(&out, path), 0);
	assert_false(out.was_read);
	assert_int_equal(write(out.fd, "x", 1), 1);
	fifo_close(&out);
	expect_free(&dir, "fifo");
	end();
}

TEST(what_we_hold_is_non_blocking_and_not_inherited)
{
	struct fifo f;

	begin();
	assert_int_equal(fifo_open_write(&f, path), 0);
	assert_int_equal(fcntl(f.fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_NONBLOCK | O_WRONLY);
	assert_int_equal(fcntl(f.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(f.keep, F_GETFD), FD_CLOEXEC);
	fifo_close(&f);
	assert_int_equal(fifo_open_read(&f, path), 0);
	assert_int_equal(fcntl(f.fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_NONBLOCK | O_RDONLY);
	assert_int_equal(fcntl(f.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(f.keep, F_GETFD), FD_CLOEXEC);
	fifo_close(&f);
	fifo_close(&f);
	end();
}

TEST(a_client_that_comes_and_goes_is_no_end_and_no_broken_pipe)
{
	struct fifo in, out;
	char byte;
	int client;

	begin();
	assert_int_equal(fifo_open_read(&in, path), 0);
	client = open_in(&dir, "fifo", O_WRONLY);
	assert_int_equal(write(client, "a", 1), 1);
	close(client);
	assert_int_equal(read(in.fd, &byte, 1), 1);
	assert_int_equal(read(in.fd, &byte, 1), -1);
	fifo_close(&in);

	assert_int_equal(fifo_open_write(&out, path), 0);
	client = open_in(&dir, "fifo", O_RDONLY);
	close(client);
	assert_int_equal(write(out.fd, "b", 1), 1);
	client = open_in(&dir, "fifo", O_RDONLY);
	assert_int_equal(read(client, &byte, 1), 1);
	assert_int_equal(byte, 'b');
	close(client);
	fifo_close(&out);
	end();
}

TEST(a_reader_that_waits_in_open_is_let_in)
{
	struct ev_loop *loop = loop_new();
	struct fifo f;
	pid_t reader;

	begin();
	reader = blocking_reader(&dir, "fifo");
	while (!is_asleep(reader))
		;
	assert_int_equal(fifo_open_write(&f, path), 0);
	assert_true(f.was_read);
	assert_int_equal(write(f.fd, "12345", 5), 5);
	assert_true(fifo_try_close(&f));
	assert_int_equal(reader_result(loop, reader), 5);
	ev_loop_destroy(loop);
	end();
}

TEST(what_is_no_fifo_is_refused)
{
	struct fifo f;

	begin();
	assert_int_equal(fifo_open_read(&f, "/dev/null"), -EINVAL);
	assert_int_equal(fifo_open_write(&f, "/dev/null"), -EINVAL);
	assert_int_equal(fifo_open_write(&f, dir.path), -EINVAL);
	assert_int_equal(fifo_open_read(&f, "/nowhere/fifo"), -ENOENT);
	assert_int_equal(f.fd, -1);
	assert_int_equal(f.keep, -1);
	end();
}

TEST(it_is_not_closed_before_anybody_has_come_for_it)
{
	struct fifo f;
	auto_fd int client = -1;
	char bytes[8];

	begin();
	assert_int_equal(fifo_open_write(&f, path), 0);
	assert_false(fifo_try_close(&f)); /* an open() that comes now must not wait for ever */
	assert_false(fifo_try_close(&f));
	assert_int_equal(write(f.fd, "abc", 3), -1); /* our own read end is gone */
	client = open_in(&dir, "fifo", O_RDONLY | O_NONBLOCK);
	assert_true(fifo_try_close(&f));
	assert_int_equal(read(client, bytes, sizeof(bytes)), 0);
	end();
}

TEST(what_nobody_has_read_stays_until_somebody_comes)
{
	auto_fd int early = -1;
	auto_fd int late = -1;
	struct fifo f;
	char bytes[8];

	begin();
	early = open_in(&dir, "fifo", O_RDONLY | O_NONBLOCK);
	assert_int_equal(fifo_open_write(&f, path), 0);
	assert_int_equal(write(f.fd, "abc", 3), 3);
	assert_int_equal(read(early, bytes, 1), 1);
	fd_drop(&early); /* it went away in the middle */
	assert_false(fifo_try_close(&f));
	late = open_in(&dir, "fifo", O_RDONLY | O_NONBLOCK);
	assert_true(fifo_try_close(&f));
	assert_int_equal(read(late, bytes, sizeof(bytes)), 2);
	assert_int_equal(read(late, bytes, sizeof(bytes)), 0);
	end();
}

TEST(a_reader_that_has_read_all_and_gone_holds_up_nothing)
{
	auto_fd int client = -1;
	struct fifo f;
	char bytes[8];

	begin();
	client = open_in(&dir, "fifo", O_RDONLY | O_NONBLOCK);
	assert_int_equal(fifo_open_write(&f, path), 0);
	assert_int_equal(write(f.fd, "abc", 3), 3);
	assert_int_equal(read(client, bytes, sizeof(bytes)), 3);
	fd_drop(&client);
	assert_true(fifo_try_close(&f));
	expect_free(&dir, "fifo");
	end();
}

TEST(one_that_was_never_opened_is_closed_already)
{
	struct fifo f = FIFO_NONE;

	assert_true(fifo_try_close(&f));
	fifo_close(&f);
}
