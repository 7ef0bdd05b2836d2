/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/options.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

struct option {
	const char *name;
	unsigned long set, clear;
};

/* surface.md §10.3: each word and what it does to the flags. */
static const struct option options[] = {
	{ "async", 0, MS_SYNCHRONOUS },
	{ "atime", 0, MS_NOATIME },
	{ "bind", MS_BIND, 0 },
	{ "defaults", 0, 0 },
	{ "dev", 0, MS_NODEV },
	{ "diratime", 0, MS_NODIRATIME },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "mand", MS_MANDLOCK, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "nodev", MS_NODEV, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "noexec", MS_NOEXEC, 0 },
	{ "nomand", 0, MS_MANDLOCK },
	{ "norelatime", 0, MS_RELATIME },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "nosuid", MS_NOSUID, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "remount", MS_REMOUNT, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "sync", MS_SYNCHRONOUS, 0 },
};

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int refuse(const char *o, struct err *e)
{
	if (starts_with(o, "X-containerd."))
		return err_set(e, STATUS_UNKNOWN,
			"internal mount option \"%s\" was not consumed by the mount manager", o);
	if (strcmp(o, "loop") == 0 || starts_with(o, "uidmap=") || starts_with(o, "gidmap="))
		return err_set(e, STATUS_UNIMPLEMENTED, "mount option \"%s\" is not supported", o);
	return 0;
}

static int add_data(struct mount_plan *plan, const char *o, struct err *e)
{
	int rc = plan->data.len == 0 ? buf_printf(&plan->data, "%s", o)
				     : buf_printf(&plan->data, ",%s", o);

	if (rc == -ENOBUFS)
		return err_set(e, STATUS_UNKNOWN, "mount options is too long");
	return rc < 0 ? err_oom(e) : 0;
}

int options_plan(struct mount_plan *ret, const struct rootfs_mount *m, struct err *e)
{
	struct mount_plan plan = { .data = BUF_INIT(OPTIONS_DATA_MAX) };

	for (size_t i = 0; i < m->n_options; i++) {
		const char *o = m->options[i];
		const struct option *known = find(o);
		int rc = 0;

		if (known)
			plan.flags = (plan.flags | known->set) & ~known->clear;
		else if (refuse(o, e) < 0)
			rc = -1;
		else
			rc = add_data(&plan, o, e);
		if (rc < 0) {
			buf_fini(&plan.data);
			return -1;
		}
	}
	*ret = plan;
	return 0;
}
