/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/memory.h"
#include "tests/lib/loop.h"
#include "tests/lib/test.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTH_KIB 96

static long anonymous_kib(void)
{
	auto_buf struct buf text = BUF_INIT(4096);
	const char *at;

	assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/smaps_rollup", &text), 0);
	at = strstr(buf_text(&text), "\nAnonymous:");
	assert_non_null(at);
	return strtol(at + strlen("\nAnonymous:"), NULL, 10);
}

__attribute__((noinline)) static long dig(void)
{
	volatile char deep[DEPTH_KIB * 1024];

	for (size_t i = 0; i < sizeof(deep); i++)
		deep[i] = 1;
	return anonymous_kib() + deep[0] - 1;
}

TEST(what_a_deep_call_dirtied_is_given_back)
{
	long deep = dig();

	memory_give_back();
	assert_true(anonymous_kib() <= deep - DEPTH_KIB + 16);
}

TEST(what_is_in_use_stays)
{
	char here[3 * 4096];
	char *there = malloc(3 * 4096);

	assert_non_null(there);
	memset(here, 7, sizeof(here));
	memset(there, 7, sizeof(here));
	memory_give_back();
	assert_memory_equal(here, there, sizeof(here));
	free(there);
}

#ifdef __has_feature
#define HAS_SANITIZER __has_feature(address_sanitizer) /* clang */
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

struct hog {
	struct hog *next;
};

static struct hog *eat_all(void)
{
	struct hog *all = NULL, *one;

	for (size_t size = 1 << 20; size >= sizeof(*one); size /= 2)
		while ((one = malloc(size))) {
			one->next = all;
			all = one;
		}
	return all;
}

static void give_all_back(struct hog *all)
{
	while (all) {
		struct hog *next = all->next;

		free(all);
		all = next;
	}
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)timer;
	(void)revents;
}

static rlim_t address_space(void)
{
	auto_buf struct buf text = BUF_INIT(4096);

	assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/statm", &text), 0);
	return strtoul(buf_text(&text), NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
}

TEST(a_loop_grows_even_when_there_is_no_memory)
{
	static ev_timer timer[1000];
	struct rlimit before, none;
	struct ev_loop *loop;
	struct hog *all;

	if (HAS_SANITIZER)
		test_skip("a sanitizer needs address space");
	memory_keep_for_loop();
	loop = loop_new();
	mallopt(M_MMAP_THRESHOLD, 1 << 30); /* all from the heap, which cannot grow */
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	none = before;
	none.rlim_cur = address_space(); /* and not a page more */
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	all = eat_all();
	for (size_t i = 0; i < ARRAY_LEN(timer); i++) {
		ev_timer_init(&timer[i], on_timer, 1000., 0.);
		ev_timer_start(loop, &timer[i]);
	}
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	give_all_back(all);
	for (size_t i = 0; i < ARRAY_LEN(timer); i++)
		ev_timer_stop(loop, &timer[i]);
	ev_loop_destroy(loop);
}

static void on_input(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
	fail_msg("nobody watches that any more");
}

/* After a while another process lets us have descriptors again. */
static pid_t raise_later(const struct rlimit *limit)
{
	pid_t us = getpid(), pid = fork();

	if (pid == 0) {
		usleep(200 * 1000);
		_exit(prlimit(us, RLIMIT_NOFILE, limit, NULL) == 0 ? 0 : 1);
	}
	return pid;
}

/*
 * Of a pipe that was watched, closed, and is open elsewhere, the kernel goes on telling; libev
 * makes itself another epoll then.
 */
TEST(a_loop_that_may_have_no_epoll_waits_for_one)
{
	struct rlimit before, none;
	struct ev_loop *loop;
	int pipes[2], copy, status;
	ev_io watcher;
	pid_t pid;

	memory_keep_for_loop();
	loop = loop_new();
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	ev_io_init(&watcher, on_input, pipes[0], EV_READ);
	ev_io_start(loop, &watcher);
	loop_run_once(loop);
	copy = fcntl(pipes[0], F_DUPFD_CLOEXEC, 0);
	ev_io_stop(loop, &watcher);
	close(pipes[0]);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	loop_run_once(loop);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	pid = raise_later(&before);
	loop_run_once(loop); /* it would end us */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(none.rlim_cur, before.rlim_cur);
	close(copy);
	close(pipes[1]);
	ev_loop_destroy(loop);
}

/* What is refused for another reason would be refused for ever. */
TEST(a_loop_whose_epoll_is_gone_ends_the_process)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int epoll = dup(STDIN_FILENO); /* the number that it will have */
		struct ev_loop *loop;

		memory_keep_for_loop();
		close(epoll);
		loop = loop_new();
		close(epoll);
		ev_run(loop, EVRUN_NOWAIT);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}
