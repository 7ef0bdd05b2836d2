/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/helper.h"

#include "base/auto.h"
#include "process/rootfs/options.h"
#include "process/rootfs/target.h"
#include "reaper/run.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* The end of what is in @fd, as one line. */
static void last_words(int fd, char ret[HELPER_WORDS_MAX])
{
	struct stat st;
	off_t from = 0;
	ssize_t n;

	if (fstat(fd, &st) == 0 && st.st_size >= HELPER_WORDS_MAX)
		from = st.st_size - HELPER_WORDS_MAX + 1;
	n = pread(fd, ret, HELPER_WORDS_MAX - 1, from);
	while (n > 0 && (ret[n - 1] == '\n' || ret[n - 1] == ' '))
		n--;
	ret[n > 0 ? n : 0] = '\0';
	for (char *at = ret; *at; at++)
		if (*at == '\n')
			*at = ' ';
}

static int failed(const char *const *argv, const struct exit_status *st, int output, struct err *e)
{
	char words[HELPER_WORDS_MAX];

	last_words(output, words);
	return err_set(e, STATUS_UNKNOWN,
		"mount source: \"%s\", target: \"%s\": %s ended with status %d, output: \"%s\"",
		argv[1], argv[2], argv[0], st->code, words);
}

static int run(const char *const *argv, struct err *e)
{
	auto_fd int output = memfd_create("output", MFD_CLOEXEC);
	struct spawn s = { .argv = argv, .stdio = { -1, output, output }, .die_with_us = true };
	struct exit_status st;
	int rc;

	if (output < 0)
		return err_sys(e, "mount source: \"%s\": keep the output of %s", argv[1], argv[0]);
	rc = run_program(&s, &st);
	if (rc < 0)
		return err_rc(e, rc, "mount source: \"%s\", target: \"%s\": run %s", argv[1],
			argv[2], argv[0]);
	return st.code == 0 ? 0 : failed(argv, &st, output, e);
}

int helper_mount(const struct rootfs_mount *m, int target, struct err *e)
{
	auto_free const char **argv = calloc(2 * m->n_options + 6, sizeof(*argv));
	char place[TARGET_PLACE_MAX], path[PATH_MAX];
	const char *name;
	size_t n = 3;
	ssize_t len;

	if (!argv)
		return err_oom(e);
	target_place(target, place); /* of ours: the helper needs the name */
	len = readlink(place, path, sizeof(path) - 1);
	if (len < 0)
		return err_sys(e, "mount source: \"%s\": name of the target", m->source);
	path[len] = '\0';
	name = mount_helper(m->type, &argv[0]);
	argv[1] = m->source;
	argv[2] = path;
	for (size_t i = 0; i < m->n_options; i++) {
		if (!option_is_for_helper(m->options[i]))
			continue;
		argv[n++] = "-o";
		argv[n++] = m->options[i];
	}
	argv[n++] = "-t";
	argv[n] = name;
	return run(argv, e);
}

bool helper_unmount(const char *path)
{
	static const char *const programs[] = { "fusermount3", "fusermount" };

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		const char *const argv[] = { programs[i], "-u", path, NULL };
		struct spawn s = { .argv = argv, .stdio = { -1, -1, -1 }, .die_with_us = true };
		struct exit_status st;

		if (run_program(&s, &st) == 0 && st.code == 0)
			return true;
	}
	return false;
}
