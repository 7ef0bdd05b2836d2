/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_KERNEL_H
#define TESTS_LIB_KERNEL_H

/*
 * kernel.h - for tests of what only newer kernels have, and where trying would do harm.
 */

#include <stdbool.h>
#include <stdio.h>
#include <sys/utsname.h>

static inline bool kernel_is_at_least(int major, int minor)
{
	int is_major = 0, is_minor = 0;
	struct utsname u;

	if (uname(&u) < 0 || sscanf(u.release, "%d.%d", &is_major, &is_minor) != 2)
		return false;
	return is_major > major || (is_major == major && is_minor >= minor);
}

#endif
