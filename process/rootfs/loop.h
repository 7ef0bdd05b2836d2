/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_ROOTFS_LOOP_H
#define PROCESS_ROOTFS_LOOP_H

/*
 * loop.h - a file as a block device.
 *
 * The device frees itself when its last user is gone (LO_FLAGS_AUTOCLEAR): our
 * descriptor first, the mount afterwards. So it goes with the mount, and also
 * when we are killed before there is one. Keep the descriptor until the mount
 * is there. Blocks.
 */

#include "base/attr.h"

#include <stdbool.h>

/*
 * Whoever asks for a free device may find that another was faster: how often we
 * ask again, each time after a longer pause of up to this many ms a try. The
 * reference's figures.
 */
#define LOOP_TRIES         100
#define LOOP_PAUSE_STEP_MS 10

#define LOOP_NAME_MAX 32

struct loop_plan {
	const char *file; /* borrowed */
	bool read_only;
	bool direct_io; /* past the page cache of the file; -EINVAL if that cannot be */
};

/* The device's path and an open descriptor of it, or -errno; nothing is left then. */
int loop_open(const struct loop_plan *plan, char ret_name[LOOP_NAME_MAX], int *ret_fd) NODISCARD;

#endif
