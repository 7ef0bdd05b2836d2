/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mount.c - one entry of the list onto the rootfs. Blocks.
 */

#include "process/rootfs/mount.h"

#include "base/auto.h"
#include "process/rootfs/helper.h"
#include "process/rootfs/loop.h"
#include "process/rootfs/options.h"
#include "process/rootfs/overlay.h"
#include "process/rootfs/target.h"
#include "process/rootfs/tree.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

/* So much of the data is quoted in an error that the reason behind it still fits. */
#define DATA_QUOTED_MAX 300

/* When the time of access is written: one of three. */
#define ATIME_FLAGS (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)

/* Flags of a mount, which a bind mount may have for itself. */
#define MOUNT_FLAGS                                                                                \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NODIRATIME | MS_NOSYMFOLLOW |           \
		ATIME_FLAGS)

/* statfs(2) has it, sys/statvfs.h does not yet. */
#define ST_NOSYMFOLLOW_BIT 0x2000

/* One entry on its way. */
struct site {
	const struct rootfs_mount *m; /* borrowed */
	const char *rootfs;
	const char *source; /* of m, or a loop device */
	struct mount_plan plan;
	int target; /* the mount point, before anything is mounted on it */
	int userns; /* borrowed; -1: none is needed */
};

/* The reference's words, up to "err". */
static void describe(const struct site *s, char ret[ERR_MSG_MAX])
{
	const char *target = s->m->target ? s->m->target : "";
	auto_buf struct buf text = BUF_INIT(SIZE_MAX);
	const char *data = mount_plan_text(&s->plan, &text) == 0 ? buf_text(&text) : NULL;

	snprintf(ret, ERR_MSG_MAX,
		"mount source: \"%s\", target: \"%s%s%s\", fstype: %s, flags: %lu, data: "
		"\"%.*s%s\", err",
		s->m->source, s->rootfs, target[0] && target[0] != '/' ? "/" : "", target,
		s->m->type, s->plan.flags, DATA_QUOTED_MAX, data ? data : "",
		text.len > DATA_QUOTED_MAX ? "..." : "");
}

/* In front of what is in @e. */
static int failed(const struct site *s, struct err *e)
{
	char words[ERR_MSG_MAX];

	describe(s, words);
	return err_wrap(e, "%s", words);
}

static int failed_sys(const struct site *s, int rc, const char *step, struct err *e)
{
	char words[ERR_MSG_MAX];

	describe(s, words);
	return err_rc(e, rc, "%s%s%s", words, step ? ": " : "", step ? step : "");
}

/* mount(2) on @place. */
static int mount_at(const struct site *s, const char *place, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(OPTIONS_DATA_MAX);
	int rc = mount_plan_text(&s->plan, &text);
	const char *data = rc == 0 ? buf_text(&text) : NULL;

	if (rc == -ENOBUFS) {
		err_set(e, STATUS_UNKNOWN, "mount options is too long");
		return failed(s, e);
	}
	if (!data)
		return err_oom(e);
	if (mount(s->source, place, s->m->type, s->plan.flags, data) < 0)
		return failed_sys(s, -errno, NULL, e);
	return 0;
}

static int mount_plain(const struct site *s, struct err *e)
{
	char place[TARGET_PLACE_MAX];

	target_place(s->target, place);
	return mount_at(s, place, e);
}

static bool is_overlay(const struct site *s)
{
	return strcmp(s->m->type, "overlay") == 0 && !(s->plan.flags & (MS_BIND | MS_REMOUNT));
}

static bool fits(const struct site *s)
{
	auto_buf struct buf text = BUF_INIT(OPTIONS_DATA_MAX);

	return mount_plan_text(&s->plan, &text) != -ENOBUFS;
}

/* The first way failed for want of a newer kernel, or of right options; the next one will tell. */
static bool wants_another_way(const struct err *e)
{
	return e->sys == EINVAL || e->sys == ENOSYS || e->sys == EOPNOTSUPP || e->sys == EBADF;
}

static int attach(const struct site *s, int tree, struct err *e)
{
	int rc = tree_attach(tree, s->target);

	return rc < 0 ? err_rc(e, rc, "attach") : 0;
}

/* Too long for the other way: then what stopped the first one is worth telling as well. */
static int mount_relative(
	const struct site *s, const struct overlay *o, const struct err *first, struct err *e)
{
	char place[TARGET_PLACE_MAX];

	target_place(s->target, place);
	if (overlay_by_chdir(o, place, e) == 0)
		return 0;
	return e->sys == 0 ? err_wrap(e, "%s", first->msg) : -1;
}

static int mount_layers(const struct site *s, const struct overlay *o, struct err *e)
{
	struct err first = ERR_INIT;
	auto_fd int tree = -1;

	if (overlay_by_fsconfig(o, &tree, &first) < 0 && !wants_another_way(&first)) {
		*e = first;
		return -1;
	}
	if (tree < 0 && o->userns < 0)
		return mount_relative(s, o, &first, e);
	if (tree < 0 && overlay_by_workshop(o, &tree, e) < 0)
		return -1;
	return attach(s, tree, e);
}

static int mount_overlay(const struct site *s, struct err *e)
{
	struct overlay o = { &s->plan, s->source, s->rootfs, s->userns, { 0 } };
	int rc = overlay_init(&o, e);

	if (rc == 0)
		rc = mount_layers(s, &o, e);
	overlay_fini(&o);
	return rc < 0 ? failed(s, e) : 0;
}

static int idmap(const struct site *s, int tree, struct err *e)
{
	int rc = tree_idmap(tree, s->userns, 0);

	if (rc == -ENOSYS)
		return failed_sys(s, rc, "idmapped mounts need Linux 5.12", e);
	if (rc < 0)
		return failed_sys(s, rc, "idmap (can this filesystem do it?)", e);
	rc = tree_attach(tree, s->target);
	return rc < 0 ? failed_sys(s, rc, "attach", e) : 0;
}

/* The clone gets all it is to have before anybody sees it. */
static int mount_bind_idmapped(const struct site *s, struct err *e)
{
	auto_fd int tree = tree_clone(s->source, s->plan.flags & MS_REC);
	int rc = tree < 0 ? tree : tree_set_flags(tree, s->plan.flags, s->plan.cleared);

	if (rc == -ENOSYS)
		return failed_sys(s, rc, "idmapped mounts need Linux 5.12", e);
	return rc < 0 ? failed_sys(s, rc, tree < 0 ? "clone" : "flags", e) : idmap(s, tree, e);
}

/*
 * A filesystem has to be mounted somewhere before there is a mount to clone. So
 * it is mounted where nobody looks.
 */
static int mount_idmapped(const struct site *s, struct err *e)
{
	auto_fd int tree = -1;
	struct workshop w;
	int rc = workshop_enter(&w);

	if (rc < 0)
		return failed_sys(s, rc, "make a private mount namespace", e);
	rc = mount_at(s, s->rootfs, e);
	if (rc == 0)
		tree = tree_clone(s->rootfs, false);
	if (workshop_leave(&w) < 0)
		return err_set(e, STATUS_UNKNOWN, "cannot return to the mount namespace");
	if (rc < 0)
		return -1;
	return tree < 0 ? failed_sys(s, tree, "clone", e) : idmap(s, tree, e);
}

static int mount_new(const struct site *s, struct err *e)
{
	bool idmapped = s->plan.uidmap;

	if (is_overlay(s) && (idmapped || !fits(s)))
		return mount_overlay(s, e);
	if (!idmapped)
		return mount_plain(s, e);
	return s->plan.flags & MS_BIND ? mount_bind_idmapped(s, e) : mount_idmapped(s, e);
}

/* A filesystem in a file. The descriptor keeps the device until the mount does. */
static int mount_loop(struct site *s, struct err *e)
{
	struct loop_plan plan = { s->source, s->plan.flags & MS_RDONLY, s->plan.direct_io };
	char name[LOOP_NAME_MAX];
	auto_fd int device = -1;
	int rc = loop_open(&plan, name, &device);

	if (rc < 0)
		return failed_sys(s, rc,
			s->plan.direct_io ? "options \"loop\" and \"direct-io\""
					  : "option \"loop\"",
			e);
	s->source = name;
	rc = mount_new(s, e);
	s->source = s->m->source;
	return rc;
}

/* What the mount has now, as MS_*. */
static int read_flags(int fd, unsigned long *ret)
{
	static const unsigned long pairs[][2] = {
		{ ST_RDONLY, MS_RDONLY },
		{ ST_NOSUID, MS_NOSUID },
		{ ST_NODEV, MS_NODEV },
		{ ST_NOEXEC, MS_NOEXEC },
		{ ST_NOATIME, MS_NOATIME },
		{ ST_NODIRATIME, MS_NODIRATIME },
		{ ST_RELATIME, MS_RELATIME },
		{ ST_NOSYMFOLLOW_BIT, MS_NOSYMFOLLOW },
	};
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return -errno;
	*ret = 0;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if ((unsigned long)st.f_flags & pairs[i][0])
			*ret |= pairs[i][1];
	if (!(*ret & ATIME_FLAGS))
		*ret |= MS_STRICTATIME; /* said outright: remount would take silence for the default
					 */
	return 0;
}

/*
 * The flags a bind mount is to have for itself. It inherits those of what it
 * shows; what no option speaks of stays, for in a user namespace some of it is
 * locked and would be refused, and elsewhere nobody has asked for devices or
 * set-user-id programs where there were none.
 */
static unsigned long wanted_flags(const struct mount_plan *plan, unsigned long is)
{
	unsigned long flags = is & ~plan->cleared;

	if (plan->flags & ATIME_FLAGS)
		flags &= ~(unsigned long)ATIME_FLAGS;
	flags |= plan->flags & MOUNT_FLAGS;
	return flags & ATIME_FLAGS ? flags : flags | MS_RELATIME;
}

/* mount(2) ignores all but the source of a bind mount until it is told again. */
static int remount_bind(const struct site *s, struct err *e)
{
	auto_fd int on_top = target_open(s->rootfs, s->m->target, e);
	unsigned long is = 0, flags;
	char place[TARGET_PLACE_MAX];
	int rc;

	if (on_top < 0)
		return -1;
	rc = read_flags(on_top, &is);
	flags = wanted_flags(&s->plan, is);
	target_place(on_top, place);
	if (rc == 0 && flags != is && mount("", place, "", MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		rc = -errno;
	return rc < 0 ? failed_sys(s, rc, "set the flags of the bind mount", e) : 0;
}

/* By a call of its own: mount(2) takes no other flags with it, nor data. */
static int propagate(const struct site *s, struct err *e)
{
	auto_fd int on_top = target_open(s->rootfs, s->m->target, e);
	char place[TARGET_PLACE_MAX];

	if (on_top < 0)
		return -1;
	target_place(on_top, place);
	if (mount(NULL, place, NULL, s->plan.propagation, NULL) < 0)
		return failed_sys(s, -errno, "set the propagation", e);
	return 0;
}

static int carry_out(struct site *s, struct err *e)
{
	const char *program;
	bool remount = s->plan.flags & MS_REMOUNT;
	bool bind = s->plan.flags & MS_BIND;
	int rc = 0;

	if (mount_helper(s->m->type, &program))
		rc = helper_mount(s->m, s->target, e);
	else if (s->plan.loop)
		rc = mount_loop(s, e);
	else if (!remount)
		rc = mount_new(s, e);
	else if (!bind && (s->plan.n_data > 0 || (s->plan.flags & ~(unsigned long)MS_REMOUNT)))
		rc = mount_plain(s, e); /* otherwise there is nothing to change */
	if (rc == 0 && bind && !s->plan.uidmap && (s->plan.flags | s->plan.cleared) & MOUNT_FLAGS)
		rc = remount_bind(s, e);
	return rc == 0 && s->plan.propagation ? propagate(s, e) : rc;
}

int mount_entry(const char *rootfs, const struct rootfs_mount *m, int userns, struct err *e)
{
	struct site s = { .m = m, .rootfs = rootfs, .source = m->source, .userns = -1 };
	auto_fd int target = -1;
	int rc = options_plan(&s.plan, m, e);

	if (rc < 0)
		return -1;
	if (s.plan.uidmap)
		s.userns = userns;
	target = target_open(rootfs, m->target, e);
	s.target = target;
	if (target < 0)
		rc = -1;
	else if (s.plan.uidmap && userns < 0)
		rc = failed_sys(&s, userns, "user namespace for uidmap and gidmap", e);
	else
		rc = carry_out(&s, e);
	mount_plan_fini(&s.plan);
	return rc;
}
