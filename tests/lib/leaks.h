/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_LEAKS_H
#define TESTS_LIB_LEAKS_H

/*
 * leaks.h - what a process holds that the next test must not see.
 */

#include <stdbool.h>
#include <sys/types.h>

#define LEAKS_MAX_FD 4096

/* Fill it before the test, compare after it. */
struct leaks {
	bool open[LEAKS_MAX_FD];
	int mounts;
};

void leaks_note(struct leaks *before);

/* Says on stderr what is there now and was not before. The number of complaints. */
int leaks_report(const struct leaks *before);

/* Kills and reaps everything below us; the number of processes that were still running. */
int leaks_kill_descendants(void);

#endif
