/* SPDX-License-Identifier: Apache-2.0 */
#include "process/runtime/handover.h"

#include "base/auto.h"
#include "tests/unit/process_rig.h"
#include "tests/unit/send_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct scene {
	struct tmpdir dir;
	struct handover h;
};

static void scene_set(struct scene *s)
{
	struct err e = ERR_INIT;

	s->h = HANDOVER_NONE;
	tmpdir_open(&s->dir);
	assert_int_equal(handover_listen(&s->h, s->dir.fd, &e), 0);
}

static void scene_strike(struct scene *s)
{
	assert_int_equal(faccessat(s->dir.fd, s->h.name, F_OK, 0) < 0 ? errno : 0, ENOENT);
	assert_null(handover_path(&s->h));
	tmpdir_close(&s->dir);
}

static void expect_refused(int fd, size_t n, const char *words)
{
	struct err e = ERR_INIT;
	struct scene s;
	int pidfd = -1;

	scene_set(&s);
	send_fds(handover_path(&s.h), "standard", fd, n);
	assert_int_equal(handover_take(&s.h, &pidfd, &e), -1);
	assert_int_equal(pidfd, -1);
	if (!strstr(e.msg, words))
		fail_msg("no '%s' in '%s'", words, e.msg);
	scene_strike(&s);
}

TEST(what_the_runtime_sent_before_its_exit_is_taken_without_waiting)
{
	auto_fd int mine = pidfd_open(getpid(), 0);
	auto_fd int pidfd = -1;
	struct err e = ERR_INIT;
	struct scene s;
	pid_t pid;

	scene_set(&s);
	send_fds(handover_path(&s.h), "standard", mine, 1);
	assert_int_equal(handover_take(&s.h, &pidfd, &e), 1);
	assert_int_equal(child_pid_of(pidfd, &pid), 0);
	assert_int_equal(pid, getpid());
	assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(handover_take(&s.h, &pidfd, &e), 0);
	scene_strike(&s);
}

TEST(a_runtime_that_sends_nothing_has_said_nothing)
{
	struct err e = ERR_INIT;
	struct scene s;
	int pidfd = -1;

	scene_set(&s);
	assert_int_equal(handover_take(&s.h, &pidfd, &e), 0);
	scene_strike(&s);
	scene_set(&s);
	close(dial(handover_path(&s.h)));
	assert_int_equal(handover_take(&s.h, &pidfd, &e), 0);
	scene_strike(&s);
	scene_set(&s);
	send_fds(handover_path(&s.h), "standard", -1, 0);
	assert_int_equal(handover_take(&s.h, &pidfd, &e), 0);
	scene_strike(&s);
}

TEST(what_is_not_one_pidfd_is_refused_and_closed)
{
	auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	auto_fd int mine = pidfd_open(getpid(), 0);

	expect_refused(mine, 2, "the runtime sent 2 descriptors for a pidfd, not one");
	expect_refused(mine, MANY, "descriptors for a pidfd, not one");
	expect_refused(null, 1, "the runtime sent something that is no pidfd");
}

TEST(nobody_but_our_user_may_connect_and_what_lies_in_its_place_is_replaced)
{
	struct err e = ERR_INIT;
	struct scene s;
	struct stat st;

	umask(0);
	scene_set(&s);
	assert_int_equal(fstatat(s.dir.fd, s.h.name, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	fd_drop(&s.h.listening); /* as a shim that was killed leaves it */
	assert_int_equal(handover_listen(&s.h, s.dir.fd, &e), 0);
	handover_close(&s.h);
	scene_strike(&s);
}

/* From here on with the fake runtime, which hands over as runc 1.2 does when told to. */
static void rig_init_handing(struct rig *r)
{
	rig_init(r);
	setenv("FAKE_HANDS_PIDFDS", "1", 1);
}

TEST(a_container_and_its_exec_are_followed_by_what_was_handed_over)
{
	struct container *ct;
	struct rig r;

	rig_init_handing(&r);
	ct = rig_create(&r);
	assert_true(ct->runtime.hands_pidfds);
	assert_int_equal(rig_count_calls(&r, "--pidfd-socket"), 1);
	rig_start(&r, ct);
	rig_kill(&r, ct);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create start exit=137 delete");
	rig_fini(&r);
}

TEST(without_a_pidfd_the_pid_file_will_do)
{
	struct container *ct;
	struct rig r;

	rig_init_handing(&r);
	rig_misdeeds(&r, "create no-pidfd\ncreate dead-init\n");
	ct = rig_create(&r);
	rig_await_exit(&r);
	rig_delete(&r, ct);
	rig_expect_story(&r, "create exit=42 delete");
	rig_fini(&r);
}

TEST(a_pidfd_of_another_process_than_the_pid_files_is_refused)
{
	struct rig r;

	rig_init_handing(&r);
	rig_misdeeds(&r, "create wrong-pidfd\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "failed to retrieve OCI runtime container pid: ");
	rig_misdeeds(&r, "create false-pidfd\n");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "the runtime sent something that is no pidfd");
	rig_fini(&r);
}

/* It is a child of ours, but not the one that was named. */
TEST(a_pidfd_of_a_sibling_is_refused_with_both_numbers)
{
	struct container *ct;
	char words[64];
	struct rig r;

	rig_init_handing(&r);
	ct = rig_create(&r);
	rig_bundle(&r, "c2", "exec sleep 1000");
	snprintf(words, sizeof(words), "%d", (int)ct->init.pid);
	rig_write(&r, "sibling", words);
	rig_runtime_script(&r,
		"\"$FAKE\" \"$@\" || exit 1\n"
		"for word; do [ \"$word\" != create ] || cp $B/sibling $B/../c2/init.pid; done");
	r.args.id = "c2";
	r.args.bundle = strcat(strcpy((char[RIG_PATH_MAX]){ 0 }, r.bundle), "/../c2");
	snprintf(words, sizeof(words), "left pid %d in init.pid, and handed over pid ",
		(int)ct->init.pid);
	rig_expect_no_create(&r, STATUS_UNKNOWN, words);
	rig_kill(&r, ct);
	rig_delete(&r, ct);
	rig_fini(&r);
}

/* What was kept of it said that it knows the option; it was upgraded the wrong way since. */
TEST(a_runtime_that_lost_the_option_is_asked_again)
{
	char dir[RIG_PATH_MAX];
	struct rig r;

	rig_init_handing(&r);
	snprintf(dir, sizeof(dir), "%s/features", r.dir.path);
	r.set.features_dir = dir;
	rig_runtime_script(&r, "exec \"$FAKE\" \"$@\"");
	rig_delete(&r, rig_create(&r));
	unsetenv("FAKE_HANDS_PIDFDS");
	rig_expect_no_create(&r, STATUS_UNKNOWN, "flag provided but not defined: -pidfd-socket");
	rig_delete(&r, rig_create(&r));
	rig_fini(&r);
}
