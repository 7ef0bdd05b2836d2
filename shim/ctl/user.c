/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/user.h"

#include "base/auto.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct who {
	/* All borrowed. */
	const char *rootfs;
	const char *user, *group; /* as typed; NULL: no group */
	uint32_t uid, gid;
	char name[256]; /* "": it has none */
	json_t *groups; /* besides gid */
};

/*
 * A link in a rootfs may point to anywhere; it leads to a place in the rootfs, as it does inside.
 * What is no file is not even opened: of a device that would do something.
 */
static int open_file(const char *rootfs, const char *path, struct err *e)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	auto_fd int root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int at = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	char self[32];
	struct stat st;
	int fd;

	if (at < 0 || fstat(at, &st) < 0)
		return err_sys(e, "--user: %s in %s", path, rootfs);
	if (!S_ISREG(st.st_mode) || st.st_size > USER_FILE_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"--user: %s in %s is no file of at most %d bytes", path, rootfs,
			USER_FILE_MAX);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", at);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "--user: %s in %s", path, rootfs) : fd;
}

static FILE *open_inside(const char *rootfs, const char *path, struct err *e)
{
	auto_fd int fd = open_file(rootfs, path, e);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (f)
		(void)take_fd(&fd); /* f's now */
	else if (fd >= 0)
		err_oom(e);
	return f;
}

static bool is_number(const char *word, uint32_t *ret)
{
	char *rest;
	unsigned long long n = strtoull(word, &rest, 10);

	if (word[0] < '0' || word[0] > '9' || *rest || n >= UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* A number need not be there. */
static int find_user(struct who *w, struct err *e)
{
	bool by_number = is_number(w->user, &w->uid);
	struct err why = ERR_INIT;
	struct passwd *found;
	FILE *f;

	if (by_number && w->group)
		return 0;
	f = open_inside(w->rootfs, "etc/passwd", &why);
	if (!f && by_number)
		return 0;
	if (!f) {
		*e = why;
		return -1;
	}
	while ((found = fgetpwent(f)))
		if (by_number ? found->pw_uid == w->uid : strcmp(found->pw_name, w->user) == 0)
			break;
	if (found) {
		w->uid = found->pw_uid;
		w->gid = found->pw_gid;
		snprintf(w->name, sizeof(w->name), "%s", found->pw_name);
	}
	(void)fclose(f); /* only read */
	if (!found && !by_number)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"--user: there is no user '%s' in the rootfs's /etc/passwd", w->user);
	return 0;
}

static bool lists(const struct group *g, const char *user)
{
	for (char **member = g->gr_mem; *member; member++)
		if (strcmp(*member, user) == 0)
			return true;
	return false;
}

/* Of a rootfs without /etc/group nobody is in more than one. */
static int find_groups(struct who *w, struct err *e)
{
	FILE *f = open_inside(w->rootfs, "etc/group", e);
	struct group *g;
	int rc = 0;

	if (!f && e->sys == ENOENT) {
		*e = ERR_INIT;
		return 0;
	}
	if (!f)
		return -1;
	while (rc == 0 && (g = fgetgrent(f)))
		if (g->gr_gid != w->gid && lists(g, w->name))
			rc = json_array_append_new(w->groups, json_integer(g->gr_gid));
	(void)fclose(f);
	return rc < 0 ? err_oom(e) : 0;
}

static int find_group(struct who *w, struct err *e)
{
	struct group *found;
	FILE *f;

	if (is_number(w->group, &w->gid))
		return 0;
	f = open_inside(w->rootfs, "etc/group", e);
	if (!f)
		return -1;
	while ((found = fgetgrent(f)) && strcmp(found->gr_name, w->group) != 0)
		;
	if (found)
		w->gid = found->gr_gid;
	(void)fclose(f);
	return found ? 0
		     : err_set(e, STATUS_INVALID_ARGUMENT,
			       "--user: there is no group '%s' in the rootfs's /etc/group",
			       w->group);
}

static int set(json_t *process, struct who *w, struct err *e)
{
	json_t *user =
		json_pack("{s:I, s:I}", "uid", (json_int_t)w->uid, "gid", (json_int_t)w->gid);

	if (user && json_array_size(w->groups) > 0 &&
		json_object_set(user, "additionalGids", w->groups) < 0) {
		json_decref(user);
		return err_oom(e);
	}
	return json_object_set_new(process, "user", user) < 0 ? err_oom(e) : 0;
}

int user_of_rootfs(json_t *process, const char *rootfs, const char *word, struct err *e)
{
	auto_free char *copy = strdup(word);
	auto_json json_t *groups = json_array();
	struct who w = { .rootfs = rootfs, .groups = groups };
	char *rest = copy;

	if (!copy || !groups)
		return err_oom(e);
	w.user = strsep(&rest, ":");
	w.group = rest;
	if (!w.user[0] || (w.group && !w.group[0]))
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"--user %s: USER or USER:GROUP is taken, names or numbers", word);
	if (find_user(&w, e) < 0)
		return -1;
	if (w.group ? find_group(&w, e) < 0 : w.name[0] && find_groups(&w, e) < 0)
		return -1;
	return set(process, &w, e);
}
