/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/options.h"

#include "process/rootfs/idmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

/* An option that is long, such as a list of layers, need not be quoted whole. */
#define QUOTED_MAX 200

/* Flags of a filesystem, not of a mount: a bind mount cannot have its own. */
#define FILESYSTEM_FLAGS (MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME | MS_I_VERSION)

#define PROPAGATIONS (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

struct option {
	const char *name;
	unsigned long set, clear;
};

/*
 * surface.md §10.3: each word and what it does to the flags. Those of mount(8)
 * that the reference would hand to the filesystem as data (propagation, silent,
 * lazytime, nosymfollow, iversion, and what undoes them) are flags here.
 */
static const struct option options[] = {
	{ "async", 0, MS_SYNCHRONOUS },
	{ "atime", 0, MS_NOATIME },
	{ "bind", MS_BIND, 0 },
	{ "defaults", 0, 0 },
	{ "dev", 0, MS_NODEV },
	{ "diratime", 0, MS_NODIRATIME },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "iversion", MS_I_VERSION, 0 },
	{ "lazytime", MS_LAZYTIME, 0 },
	{ "loud", 0, MS_SILENT },
	{ "mand", MS_MANDLOCK, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "nodev", MS_NODEV, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "noexec", MS_NOEXEC, 0 },
	{ "noiversion", 0, MS_I_VERSION },
	{ "nolazytime", 0, MS_LAZYTIME },
	{ "nomand", 0, MS_MANDLOCK },
	{ "norelatime", 0, MS_RELATIME },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "nosuid", MS_NOSUID, 0 },
	{ "nosymfollow", MS_NOSYMFOLLOW, 0 },
	{ "private", MS_PRIVATE, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "remount", MS_REMOUNT, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rprivate", MS_PRIVATE | MS_REC, 0 },
	{ "rshared", MS_SHARED | MS_REC, 0 },
	{ "rslave", MS_SLAVE | MS_REC, 0 },
	{ "runbindable", MS_UNBINDABLE | MS_REC, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "shared", MS_SHARED, 0 },
	{ "silent", MS_SILENT, 0 },
	{ "slave", MS_SLAVE, 0 },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "symfollow", 0, MS_NOSYMFOLLOW },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "unbindable", MS_UNBINDABLE, 0 },
};

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

/* What is behind @prefix, or NULL. */
static const char *behind(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static bool is_propagation(const struct option *o)
{
	return o->set & PROPAGATIONS;
}

bool option_is_for_helper(const char *option)
{
	const struct option *known = find(option);

	return !known || (!is_propagation(known) && (known->set || known->clear));
}

const char *mount_helper(const char *type, const char **ret_program)
{
	static const char *const rows[][2] = {
		{ "fuse.", "mount.fuse" },
		{ "fuse3.", "mount.fuse3" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *name = behind(type, rows[i][0]);

		if (name) {
			*ret_program = rows[i][1];
			return name;
		}
	}
	return NULL;
}

void options_find_idmap(
	const struct rootfs_mount *m, const char **ret_uidmap, const char **ret_gidmap)
{
	*ret_uidmap = *ret_gidmap = NULL;
	for (size_t i = 0; i < m->n_options; i++) {
		const char *uids = behind(m->options[i], "uidmap=");
		const char *gids = behind(m->options[i], "gidmap=");

		*ret_uidmap = uids ? uids : *ret_uidmap;
		*ret_gidmap = gids ? gids : *ret_gidmap;
	}
}

static void apply(struct mount_plan *plan, const struct option *o)
{
	if (is_propagation(o)) {
		plan->propagation = o->set;
		return;
	}
	plan->flags = (plan->flags | o->set) & ~o->clear;
	plan->cleared = (plan->cleared & ~o->set) | o->clear;
}

static int sort_words(struct mount_plan *plan, const struct rootfs_mount *m, struct err *e)
{
	options_find_idmap(m, &plan->uidmap, &plan->gidmap);
	for (size_t i = 0; i < m->n_options; i++) {
		const char *o = m->options[i];
		const struct option *known = find(o);

		if (behind(o, "X-containerd."))
			return err_set(e, STATUS_UNKNOWN,
				"internal mount option \"%s\" was not consumed by the mount "
				"manager",
				o);
		if (known)
			apply(plan, known);
		else if (strcmp(o, "loop") == 0)
			plan->loop = true;
		else if (!behind(o, "uidmap=") && !behind(o, "gidmap="))
			plan->data[plan->n_data++] = o;
	}
	return 0;
}

/* Ours if there is a loop device to be told; anywhere else it is a word for the filesystem. */
static void take_direct_io(struct mount_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->n_data; i++) {
		if (strcmp(plan->data[i], "direct-io") == 0)
			plan->direct_io = true;
		else
			plan->data[kept++] = plan->data[i];
	}
	plan->n_data = kept;
}

static int refuse(const struct rootfs_mount *m, const char *option, const char *why, struct err *e)
{
	return err_set(e, STATUS_UNIMPLEMENTED, "mount option \"%.*s\" of \"%s\" (type %s): %s",
		QUOTED_MAX, option, m->source, m->type, why);
}

/* The option that set one of @flags. */
static const char *who_set(const struct rootfs_mount *m, unsigned long flags)
{
	for (size_t i = 0; i < m->n_options; i++) {
		const struct option *known = find(m->options[i]);

		if (known && (known->set & flags))
			return known->name;
	}
	return "?";
}

static int check_bind(const struct rootfs_mount *m, const struct mount_plan *plan, struct err *e)
{
	if (plan->loop)
		return refuse(m, "loop", "a bind mount has no device", e);
	if (plan->flags & FILESYSTEM_FLAGS)
		return refuse(m, who_set(m, plan->flags & FILESYSTEM_FLAGS),
			"a bind mount cannot change its filesystem", e);
	if (plan->n_data > 0)
		return refuse(
			m, plan->data[0], "no such option, and a bind mount takes no data", e);
	return 0;
}

/* What names a device or an idmapping is for a new mount that we make. */
static int check_special(
	const struct rootfs_mount *m, const struct mount_plan *plan, const char *why, struct err *e)
{
	if (plan->loop)
		return refuse(m, "loop", why, e);
	return plan->uidmap ? refuse(m, "uidmap=", why, e) : 0;
}

static int check_map(const char *option, const char *text, struct err *e)
{
	auto_buf struct buf map = BUF_INIT(IDMAP_TEXT_MAX);

	if (idmap_parse(text, &map, e) == 0)
		return 0;
	return err_wrap(e, "mount option \"%s=%.*s\"", option, QUOTED_MAX, text);
}

static int check_idmap(const struct rootfs_mount *m, const struct mount_plan *plan, struct err *e)
{
	if (!plan->uidmap && !plan->gidmap)
		return 0;
	if (!plan->uidmap)
		return refuse(m, "gidmap=", "there is no uidmap=", e);
	if (!plan->gidmap)
		return refuse(m, "uidmap=", "there is no gidmap=", e);
	return check_map("uidmap", plan->uidmap, e) < 0 ? -1 : check_map("gidmap", plan->gidmap, e);
}

/* The transforms of containerd's mount manager, and whatever else might look like one. */
static int check_type(const struct rootfs_mount *m, struct err *e)
{
	const char *slash = strchr(m->type, '/');

	if (!slash)
		return 0;
	return err_set(e, STATUS_UNIMPLEMENTED,
		"mount type \"%s\" of \"%s\": the transform \"%.*s\" is for containerd's mount "
		"manager",
		m->type, m->source, (int)(slash - m->type + 1), m->type);
}

static int check(const struct rootfs_mount *m, const struct mount_plan *plan, struct err *e)
{
	const char *program;

	if (check_type(m, e) < 0 || check_idmap(m, plan, e) < 0)
		return -1;
	if (mount_helper(m->type, &program)) {
		if (plan->flags & (MS_BIND | MS_REMOUNT))
			return refuse(
				m, who_set(m, MS_BIND | MS_REMOUNT), "not with a mount helper", e);
		return check_special(m, plan, "not with a mount helper", e);
	}
	if ((plan->flags & MS_REMOUNT) && check_special(m, plan, "not with remount", e) < 0)
		return -1;
	return plan->flags & MS_BIND ? check_bind(m, plan, e) : 0;
}

int options_plan(struct mount_plan *ret, const struct rootfs_mount *m, struct err *e)
{
	struct mount_plan plan = { 0 };

	if (m->n_options > ROOTFS_OPTIONS_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT, "%zu options for one mount, at most %d",
			m->n_options, ROOTFS_OPTIONS_MAX);
	plan.data = calloc(m->n_options + 1, sizeof(*plan.data));
	if (!plan.data)
		return err_oom(e);
	if (sort_words(&plan, m, e) < 0) {
		mount_plan_fini(&plan);
		return -1;
	}
	if (plan.loop)
		take_direct_io(&plan);
	if (check(m, &plan, e) < 0) {
		mount_plan_fini(&plan);
		return -1;
	}
	*ret = plan;
	return 0;
}

void mount_plan_fini(struct mount_plan *plan)
{
	free(plan->data);
	*plan = (struct mount_plan){ 0 };
}

int mount_plan_text(const struct mount_plan *plan, struct buf *ret)
{
	for (size_t i = 0; i < plan->n_data; i++) {
		int rc = buf_printf(ret, i == 0 ? "%s" : ",%s", plan->data[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}
