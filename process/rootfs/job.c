/* SPDX-License-Identifier: Apache-2.0 */

/*
 * job.c - mounting and unmounting in a child, so that only the child can hang.
 */

#include "process/rootfs/rootfs.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/log.h"
#include "process/rootfs/mount.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* The child fills it in; we read it after its exit. */
struct rootfs_page {
	struct err err;
};

struct order {
	struct rootfs_page *page;
	const char *rootfs;
	const struct rootfs_mount *mounts; /* NULL: unmount */
	size_t n;
	int userns[ROOTFS_MOUNTS_MAX]; /* for each mount: a descriptor, or why there is none */
};

/* In the child. Exit codes: 0 done, 1 failed and the page says why. */
static int carry_out(void *arg)
{
	struct order *o = arg;
	int keep[ROOTFS_MOUNTS_MAX], rc;

	/* Here it may hang, with a copy of every stream that somebody awaits the end of. */
	log_to(-1, LOG_ERROR);
	memcpy(keep, o->userns, sizeof(keep));
	fd_close_others(keep, o->mounts ? o->n : 0);
	rc = o->mounts ? mount_list(o->rootfs, o->mounts, o->userns, o->n, &o->page->err)
		       : rootfs_unmount_all(o->rootfs, &o->page->err);

	return rc < 0 ? 1 : 0;
}

static void on_child_exit(struct child *child, const struct exit_status *st)
{
	struct rootfs_job *job = container_of(child, struct rootfs_job, child);

	if (st->code != 0 && !err_is_set(&job->page->err))
		err_set(&job->page->err, STATUS_UNKNOWN,
			"the process that mounts ended with status %d", st->code);
	job->on_done(job);
	/* job may be gone */
}

static int begin(struct rootfs_job *job, struct reaper *r, struct order *o)
{
	void *page = mmap(NULL, sizeof(*job->page), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int rc;

	if (page == MAP_FAILED)
		return -errno;
	rootfs_job_fini(job);
	job->page = page;
	o->page = page;
	rc = child_fork(&job->child, r, carry_out, o, on_child_exit);
	if (rc < 0)
		rootfs_job_fini(job);
	return rc;
}

int rootfs_mount_begin(struct rootfs_job *job, struct reaper *r, const char *rootfs,
	const struct rootfs_mount *mounts, size_t n)
{
	struct order o = { .rootfs = rootfs, .mounts = mounts, .n = n };
	int rc;

	if (n > ROOTFS_MOUNTS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++)
		o.userns[i] = mount_userns(&mounts[i], job->userns);
	rc = begin(job, r, &o);
	for (size_t i = 0; i < n; i++)
		fd_drop(&o.userns[i]); /* the child has its own */
	return rc;
}

int rootfs_unmount_begin(struct rootfs_job *job, struct reaper *r, const char *rootfs)
{
	struct order o = { .rootfs = rootfs };

	return begin(job, r, &o);
}

int rootfs_job_verdict(const struct rootfs_job *job, struct err *e)
{
	if (!job->page || !err_is_set(&job->page->err))
		return 0;
	*e = job->page->err;
	return -1;
}

bool rootfs_job_kill(struct rootfs_job *job)
{
	return child_signal(&job->child, SIGKILL) == 0;
}

void rootfs_job_fini(struct rootfs_job *job)
{
	child_forget(&job->child);
	if (job->page)
		munmap(job->page, sizeof(*job->page));
	job->child = CHILD_NONE;
	job->page = NULL;
}
