/* SPDX-License-Identifier: Apache-2.0 */
#include "process/io/console.h"

#include "base/auto.h"
#include "tests/unit/io_rig.h"
#include "tests/unit/send_fds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct scene {
	struct ev_loop *loop;
	struct console *console;
	char path[128];
	bool done;
};

static void on_done(void *user)
{
	((struct scene *)user)->done = true;
}

static void scene_set(struct scene *s)
{
	struct err e = ERR_INIT;

	block_sigpipe();
	*s = (struct scene){ .loop = loop_new() };
	assert_int_equal(console_listen(&s->console, s->loop, &e), 0);
	snprintf(s->path, sizeof(s->path), "%s", console_path(s->console));
	console_receive(s->console, on_done, s);
}

static void scene_strike(struct scene *s)
{
	struct stat st;

	s->console = console_free(s->console);
	assert_int_equal(stat(s->path, &st) < 0 ? errno : 0, ENOENT);
	*strrchr(s->path, '/') = '\0';
	assert_int_equal(stat(s->path, &st) < 0 ? errno : 0, ENOENT);
	ev_loop_destroy(s->loop);
}

static int open_master(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		test_skip("there are no ptys: %s", strerror(errno));
	return fd;
}

/* What nobody wanted is closed: the harness counts. */
static void expect_refusal(struct scene *s, const char *words)
{
	struct err e = ERR_INIT;

	loop_run_until(s->loop, &s->done);
	assert_int_equal(console_take(s->console, &e), -1);
	if (!strstr(e.msg, "failed to retrieve console master: ") || !strstr(e.msg, words))
		fail_msg("no '%s' in '%s'", words, e.msg);
	scene_strike(s);
}

TEST(the_master_of_a_pty_is_taken_and_nobody_elses_to_inherit)
{
	auto_fd int master = open_master();
	struct err e = ERR_INIT;
	auto_fd int got = -1;
	struct scene s;

	scene_set(&s);
	send_fds(s.path, "/dev/ptmx", master, 1);
	loop_run_until(s.loop, &s.done);
	got = console_take(s.console, &e);
	assert_true(got >= 0);
	assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(got, F_GETFL) & O_NONBLOCK);
	scene_strike(&s);
}

TEST(a_message_without_a_descriptor_is_refused)
{
	struct scene s;

	scene_set(&s);
	send_fds(s.path, "/dev/ptmx", -1, 0);
	expect_refusal(&s, "the runtime sent 0 descriptors for a console, not one");
}

TEST(two_masters_are_one_too_many_and_many_do_not_leak)
{
	static const size_t n[] = { 2, 3, MANY };
	auto_fd int master = open_master();
	struct scene s;

	for (size_t i = 0; i < ARRAY_LEN(n); i++) {
		scene_set(&s);
		send_fds(s.path, "/dev/ptmx", master, n[i]);
		expect_refusal(&s, "descriptors for a console, not one");
	}
}

TEST(what_is_no_master_is_refused)
{
	auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	auto_fd int master = open_master();
	auto_fd int slave = -1;
	struct scene s;

	scene_set(&s);
	send_fds(s.path, "/dev/ptmx", null, 1);
	expect_refusal(&s, "something that is no pty");
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	scene_set(&s);
	send_fds(s.path, "/dev/ptmx", slave, 1);
	expect_refusal(&s, "something that is no pty");
}

TEST(garbage_is_refused_and_so_is_one_that_hangs_up)
{
	static const char garbage[100000] = { 'x' };
	struct scene s;
	int fd;

	scene_set(&s);
	fd = dial(s.path);
	assert_true(send(fd, garbage, sizeof(garbage), MSG_DONTWAIT) > 0);
	close(fd);
	expect_refusal(&s, "0 descriptors");
	scene_set(&s);
	close(dial(s.path));
	expect_refusal(&s, "0 descriptors");
}

TEST(one_that_is_never_sent_is_not_waited_for_for_ever)
{
	struct scene s;

	scene_set(&s);
	expect_refusal(&s, "the runtime sent no console within 10 s");
}
