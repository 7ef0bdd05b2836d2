/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The queue of events, towards fake-containerd (tests/fake/containerd.c).
 */

#include "shim/events.h"

#include "base/auto.h"
#include "proto/api/events.pb-c.h"
#include "tests/lib/tmpdir.h"
#include "tests/unit/reaper_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene {
	struct rig rig;
	struct tmpdir dir;
	char socket[TMPDIR_PATH_MAX + 16], book[TMPDIR_PATH_MAX + 16];
	struct events events;
	struct guest containerd;
	bool flushed;
	int flushes;
};

static void scene_set(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	tmpdir_open(&s->dir);
	snprintf(s->socket, sizeof(s->socket), "%s/socket", s->dir.path);
	snprintf(s->book, sizeof(s->book), "%s/book", s->dir.path);
	events_init(&s->events, s->rig.loop, s->socket, "k8s.io");
	s->containerd.child = CHILD_NONE;
}

static void containerd_start(struct scene *s, const char *misdeed, const char *n)
{
	const char *argv[] = { BUILD_DIR "/tests/fake/fake-containerd", s->socket, s->book, misdeed,
		n, NULL };
	struct spawn how = { .argv = argv, .stdio = { -1, -1, -1 } };

	s->containerd = (struct guest){ .child = CHILD_NONE };
	assert_int_equal(child_spawn(&s->containerd.child, &s->rig.reaper, &how, guest_ended), 0);
}

static void containerd_stop(struct scene *s)
{
	if (child_signal(&s->containerd.child, SIGKILL) == 0)
		guest_await(&s->containerd, &s->rig);
}

static void scene_strike(struct scene *s)
{
	containerd_stop(s);
	events_fini(&s->events);
	rig_fini(&s->rig);
	tmpdir_close(&s->dir);
}

static void push(struct scene *s, int number)
{
	Pb__TaskStart m = PB__TASK_START__INIT;
	char id[32];

	snprintf(id, sizeof(id), "c%d", number);
	m.container_id = id;
	m.pid = (uint32_t)number;
	events_push(&s->events, "/tasks/start", &m.base);
}

static void push_many(struct scene *s, int from, int to)
{
	for (int i = from; i < to; i++)
		push(s, i);
}

static void on_flushed(struct events *ev)
{
	struct scene *s = container_of(ev, struct scene, events);

	s->flushed = true;
	s->flushes++;
}

static void flush(struct scene *s)
{
	s->flushed = events_flush(&s->events, on_flushed);
	loop_run_until(s->rig.loop, &s->flushed);
}

/* What containerd heard, a line each. @next moves on to the next line. */
static void expect_line(char **next, const char *what, int number)
{
	char wanted[64], *line = strsep(next, "\n");

	snprintf(wanted, sizeof(wanted), "%s /tasks/start c%d", what, number);
	if (!line || strcmp(line, wanted) != 0)
		fail_msg("heard '%s' instead of '%s'", line ? line : "nothing", wanted);
}

static void expect_lines(char **next, const char *what, int from, int to)
{
	for (int i = from; i < to; i++)
		expect_line(next, what, i);
}

static void expect_no_more(char **next, char *text)
{
	assert_string_equal(*next, "");
	free(text);
}

TEST(events_arrive_in_the_order_they_happened_and_once)
{
	char *text, *next;
	struct scene s;

	scene_set(&s);
	containerd_start(&s, NULL, NULL);
	push_many(&s, 0, 200);
	flush(&s);
	next = text = tmpdir_read(&s.dir, "book");
	expect_lines(&next, "ok", 0, 200);
	expect_no_more(&next, text);
	assert_int_equal(s.flushes, 1);
	scene_strike(&s);
}

TEST(without_events_there_is_nothing_to_flush)
{
	struct scene s;

	scene_set(&s);
	assert_true(events_flush(&s.events, on_flushed));
	scene_strike(&s);
}

TEST(what_happens_while_containerd_is_away_is_told_when_it_is_back)
{
	char *text, *next;
	struct scene s;

	scene_set(&s);
	push_many(&s, 0, 5);
	for (int i = 0; i < 3; i++)
		ev_run(s.rig.loop, EVRUN_ONCE); /* tries, in vain */
	assert_int_equal(s.events.n, 5);
	containerd_start(&s, NULL, NULL);
	flush(&s);
	next = text = tmpdir_read(&s.dir, "book");
	expect_lines(&next, "ok", 0, 5);
	expect_no_more(&next, text);
	scene_strike(&s);
}

TEST(a_restart_loses_nothing_and_tells_nothing_twice)
{
	char *text, *next;
	struct scene s;

	scene_set(&s);
	containerd_start(&s, "vanish", "3");
	push_many(&s, 0, 6);
	guest_await(&s.containerd, &s.rig);
	push_many(&s, 6, 10);
	containerd_start(&s, NULL, NULL);
	flush(&s);
	next = text = tmpdir_read(&s.dir, "book");
	expect_lines(&next, "ok", 0, 10);
	expect_no_more(&next, text);
	scene_strike(&s);
}

/* Not acknowledged: it may have been heard, so it is told again. */
TEST(an_event_whose_connection_was_lost_is_sent_again_before_the_next)
{
	int losses = EVENTS_TRIES + 1; /* a refusal would not be repeated so often */
	char *text, *next;
	struct scene s;

	scene_set(&s);
	containerd_start(&s, "hang-up", "6");
	push_many(&s, 0, 3);
	flush(&s);
	next = text = tmpdir_read(&s.dir, "book");
	while (losses-- > 0)
		expect_line(&next, "hang-up", 0);
	expect_lines(&next, "ok", 0, 3);
	expect_no_more(&next, text);
	scene_strike(&s);
}

TEST(a_refused_event_is_tried_again_before_the_next)
{
	char *text, *next;
	struct scene s;

	scene_set(&s);
	containerd_start(&s, "refuse", "2");
	push_many(&s, 0, 3);
	flush(&s);
	next = text = tmpdir_read(&s.dir, "book");
	expect_line(&next, "refuse", 0);
	expect_line(&next, "refuse", 0);
	expect_lines(&next, "ok", 0, 3);
	expect_no_more(&next, text);
	scene_strike(&s);
}

TEST(one_that_is_refused_again_and_again_does_not_stop_those_behind_it)
{
	char *text, *next, n[8];
	struct scene s;

	scene_set(&s);
	snprintf(n, sizeof(n), "%d", EVENTS_TRIES);
	containerd_start(&s, "refuse", n);
	push_many(&s, 0, 3);
	flush(&s);
	next = text = tmpdir_read(&s.dir, "book");
	for (int i = 0; i < EVENTS_TRIES; i++)
		expect_line(&next, "refuse", 0);
	expect_lines(&next, "ok", 1, 3);
	expect_no_more(&next, text);
	scene_strike(&s);
}

TEST(one_that_is_not_answered_in_time_is_sent_again)
{
	char *text, *next;
	struct scene s;

	scene_set(&s);
	containerd_start(&s, "silent", "1");
	push_many(&s, 0, 2);
	flush(&s);
	next = text = tmpdir_read(&s.dir, "book");
	expect_line(&next, "silent", 0);
	expect_lines(&next, "ok", 0, 2);
	expect_no_more(&next, text);
	scene_strike(&s);
}

TEST(no_more_than_so_many_wait_and_the_oldest_make_room)
{
	char *text, *next;
	struct scene s;

	scene_set(&s);
	push_many(&s, 0, EVENTS_MAX + 7);
	assert_int_equal(s.events.n, EVENTS_MAX);
	containerd_start(&s, NULL, NULL);
	flush(&s);
	next = text = tmpdir_read(&s.dir, "book");
	expect_lines(&next, "ok", 7, EVENTS_MAX + 7);
	expect_no_more(&next, text);
	scene_strike(&s);
}

TEST(the_one_under_way_does_not_make_room)
{
	const struct list *under_way;
	struct scene s;

	scene_set(&s);
	containerd_start(&s, "silent", "1");
	push(&s, 0);
	loop_run_until(s.rig.loop, &s.events.is_sending);
	under_way = s.events.queue.next;
	push_many(&s, 1, EVENTS_MAX + 3);
	assert_int_equal(s.events.n, EVENTS_MAX);
	assert_true(s.events.is_sending);
	assert_ptr_equal(s.events.queue.next, under_way);
	scene_strike(&s); /* with a call under way */
}

TEST(one_that_is_too_long_is_dropped_and_the_next_goes)
{
	size_t n = 2u << 20;
	auto_free char *bundle = malloc(n);
	Pb__TaskCreate m = PB__TASK_CREATE__INIT;
	char *text, *next;
	struct scene s;

	scene_set(&s);
	memset(bundle, 'x', n - 1);
	bundle[n - 1] = '\0';
	m.bundle = bundle;
	events_push(&s.events, "/tasks/create", &m.base);
	assert_int_equal(s.events.n, 0);
	containerd_start(&s, NULL, NULL);
	push(&s, 1);
	flush(&s);
	next = text = tmpdir_read(&s.dir, "book");
	expect_line(&next, "ok", 1);
	expect_no_more(&next, text);
	scene_strike(&s);
}

TEST(without_an_address_nobody_listens_and_nothing_is_kept)
{
	struct scene s;

	scene_set(&s);
	events_fini(&s.events);
	events_init(&s.events, s.rig.loop, "", "default");
	push_many(&s, 0, 3);
	assert_int_equal(s.events.n, 0);
	assert_true(events_flush(&s.events, on_flushed));
	scene_strike(&s);
}
