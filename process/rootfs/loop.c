/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/loop.h"

#include "base/auto.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>

/* LOOP_CONFIGURE, Linux 5.8: file, flags and name at once, so that no half-made device is seen. */
static int configure(int device, int file, const struct loop_plan *plan)
{
	struct loop_config config = { .fd = (__u32)file };
	struct loop_info64 is;

	config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
	if (plan->read_only)
		config.info.lo_flags |= LO_FLAGS_READ_ONLY;
	if (plan->direct_io)
		config.info.lo_flags |= LO_FLAGS_DIRECT_IO;
	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", plan->file);
	if (ioctl(device, LOOP_CONFIGURE, &config) < 0)
		return -errno;
	/* A file that cannot do direct I/O is attached without it, and without a word. */
	if (!plan->direct_io)
		return 0;
	if (ioctl(device, LOOP_GET_STATUS64, &is) < 0)
		return -errno;
	return is.lo_flags & LO_FLAGS_DIRECT_IO ? 0 : -EINVAL;
}

/* One try. -EBUSY: another process got hold of the same device. */
static int open_free(
	int control, int file, const struct loop_plan *plan, char ret_name[LOOP_NAME_MAX])
{
	int number = ioctl(control, LOOP_CTL_GET_FREE);
	char name[LOOP_NAME_MAX];
	auto_fd int device = -1;
	int rc;

	if (number < 0)
		return -errno;
	snprintf(name, sizeof(name), "/dev/loop%d", number);
	device = open(name, (plan->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (device < 0)
		return -errno;
	rc = configure(device, file, plan);
	if (rc < 0)
		return rc;
	snprintf(ret_name, LOOP_NAME_MAX, "%s", name);
	return take_fd(&device);
}

/* Of a length nobody else will choose: the clock's low digits are as good as dice. */
static void pause_before(int tries)
{
	int64_t most_ns = (int64_t)tries * LOOP_PAUSE_STEP_MS * 1000000;
	struct timespec t = { .tv_nsec = clock_mono_ns() % (most_ns + 1) };

	t.tv_sec = t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	nanosleep(&t, NULL);
}

int loop_open(const struct loop_plan *plan, char ret_name[LOOP_NAME_MAX], int *ret_fd)
{
	auto_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	auto_fd int file = -1;
	int rc = -EBUSY;

	if (control < 0)
		return -errno;
	file = open(plan->file, (plan->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (file < 0)
		return -errno;
	for (int tries = 0; rc == -EBUSY && tries < LOOP_TRIES; tries++) {
		pause_before(tries);
		rc = open_free(control, file, plan, ret_name);
	}
	if (rc < 0)
		return rc;
	*ret_fd = rc;
	return 0;
}
