/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What making an idmapped rootfs leaves behind, and what others see of it: nothing.
 */

#include "base/clock.h"
#include "tests/lib/command.h"
#include "tests/root/idmap_rig.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCH_ROUNDS 50

/* Our disk, or an overlay on the rootfs. */
static bool may_be_seen(const struct scene *s, const char *line)
{
	char disk[SCENE_PATH_MAX + 2], rootfs[SCENE_PATH_MAX + 2];

	snprintf(disk, sizeof(disk), " %s ", s->disk);
	snprintf(rootfs, sizeof(rootfs), " %s ", s->rootfs);
	return strstr(line, disk) || (strstr(line, rootfs) && strstr(line, " - overlay "));
}

/* How many lines of mountinfo below the tmpdir there are that must not be. */
static int look_once(const struct scene *s, bool *seen_rootfs)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	int bad = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, s->dir.path))
			continue;
		*seen_rootfs |= strstr(line, s->rootfs) != NULL;
		bad += !may_be_seen(s, line);
		if (!may_be_seen(s, line))
			fprintf(stderr, "seen: %s", line);
	}
	if (f)
		fclose(f);
	return bad;
}

/* In a mount namespace that hears of all that is mounted in ours: looks until @go is closed. */
static int watch_mounts(const struct scene *s, int go, int ready)
{
	struct pollfd p = { .fd = go, .events = POLLIN };
	bool seen = false;
	int bad = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return 1;
	close(ready);
	while (bad == 0 && poll(&p, 1, 0) == 0)
		bad = look_once(s, &seen);
	return bad || look_once(s, &seen) ? 2 : !seen;
}

static void mount_watched(const struct scene *s, const struct rootfs_mount *m)
{
	int go[2], ready[2];
	siginfo_t si;
	pid_t pid;
	char byte;

	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), 0);
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		_exit(watch_mounts(s, go[0], ready[1]));
	}
	close(go[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	for (int i = 0; i < WATCH_ROUNDS; i++) {
		if (i > 0)
			scene_unmount(s);
		scene_mount(s, m, 1);
	}
	close(go[1]);
	close(ready[0]);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	assert_int_equal(si.si_status, 0);
}

static void expect_only_the_rootfs_is_seen(void)
{
	struct overlay o;
	struct scene s;

	idmap_scene_set(&s, DISK_EXT4);
	make_layers(&s);
	mount_watched(&s, overlay_of(&s, &o, 6));
	scene_strike(&s);
}

TEST(others_see_the_rootfs_and_nothing_else)
{
	expect_only_the_rootfs_is_seen();
}

TEST(others_see_nothing_else_on_a_kernel_that_takes_no_detached_layers)
{
	scene_lacks(KERNEL_LAYER_TREES);
	expect_only_the_rootfs_is_seen();
}

static void spin_us(int64_t us)
{
	int64_t until = clock_mono_ns() + us * 1000;

	while (clock_mono_ns() < until)
		;
}

#define KILL_ROUNDS  150
#define KILL_STEP_US 8

/* Killed later each round, until it is through in good time. Returns how many were through. */
static int kill_at_every_moment(const struct scene *s, const struct rootfs_mount *m)
{
	int through = 0;

	for (int i = 0; i < KILL_ROUNDS; i++) {
		struct err e = ERR_INIT;
		siginfo_t si;
		pid_t pid = fork();

		if (pid == 0)
			_exit(rootfs_mount_all(s->rootfs, m, 1, &e) < 0);
		spin_us((int64_t)i * KILL_STEP_US);
		kill(pid, SIGKILL);
		assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
		if (si.si_code == CLD_EXITED)
			assert_int_equal(si.si_status, 0);
		through += si.si_code == CLD_EXITED;
		if (scene_count(s) > 1)
			fail_msg("killed after %d us, %zu mounts are left", i * KILL_STEP_US,
				scene_count(s));
		scene_unmount(s);
	}
	return through;
}

static void expect_nothing_after_a_kill(const struct scene *s, const struct rootfs_mount *m)
{
	int through = kill_at_every_moment(s, m);

	print_message("%d of %d were through\n", through, KILL_ROUNDS);
	assert_true(through < KILL_ROUNDS);
}

TEST(an_overlay_killed_at_any_moment_leaves_nothing_but_itself)
{
	struct overlay o;
	struct scene s;

	idmap_scene_set(&s, DISK_EXT4);
	make_layers(&s);
	expect_nothing_after_a_kill(&s, overlay_of(&s, &o, 6));
	scene_lacks(KERNEL_LAYER_TREES);
	expect_nothing_after_a_kill(&s, overlay_of(&s, &o, 6));
	scene_strike(&s);
}

TEST(a_filesystem_killed_at_any_moment_leaves_no_loop_device_either)
{
	static const char *const options[] = { UIDS, "loop", GIDS };
	struct rootfs_mount m = { "ext4", NULL, "", options, 3 };
	struct command c;
	struct scene s;

	idmap_scene_set(&s, DISK_TMPFS);
	scene_make_image(&s);
	m.source = s.image;
	expect_nothing_after_a_kill(&s, &m);
	c = command_run("losetup -n -O BACK-FILE | grep %s", s.dir.path);
	assert_string_equal(c.output, "");
	command_fini(&c);
	scene_strike(&s);
}
