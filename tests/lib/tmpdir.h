/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_TMPDIR_H
#define TESTS_LIB_TMPDIR_H

/*
 * tmpdir.h - a private directory for one test.
 *
 *	struct tmpdir dir;
 *
 *	tmpdir_open(&dir);
 *	tmpdir_write(&dir, "config.json", "{}");
 *	tmpdir_close(&dir);
 *
 * What goes wrong fails the test. A test that failed need not close: the
 * harness removes what it left.
 */

#include <sys/types.h>

#define TMPDIR_PATH_MAX 64

struct tmpdir {
	char path[TMPDIR_PATH_MAX]; /* absolute */
	int fd;                     /* of the directory; owned */
};

void tmpdir_open(struct tmpdir *d);

/*
 * Removes all of it, and never anything else: a directory with something still
 * mounted below it is left alone and fails the test.
 */
void tmpdir_close(struct tmpdir *d);

/* For the harness: what the process of a test opened and did not close. */
void tmpdir_remove_all_of(pid_t pid);

/* Small text files in it. The text read is the caller's to free; NULL if there is no such file. */
void tmpdir_write(const struct tmpdir *d, const char *name, const char *text);
char *tmpdir_read(const struct tmpdir *d, const char *name);

#endif
