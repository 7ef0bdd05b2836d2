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
	json_t *groups; /* besides gid */
};

/* A link in a rootfs may point to anywhere; it leads to a place in the rootfs, as it does inside.
 */
static int open_at(const char *rootfs, const char *path)
{
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	auto_fd int root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static FILE *open_inside(const char *rootfs, const char *path, struct err *e)
{
	auto_fd int fd = open_at(rootfs, path);
	struct stat st;
	FILE *f = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0 &&
		(!S_ISREG(st.st_mode) || st.st_size > USER_FILE_MAX)) {
		err_set(e, STATUS_INVALID_ARGUMENT,
			"--user: %s in %s is no file of at most %d bytes", path, rootfs,
			USER_FILE_MAX);
		return NULL;
	}
	if (fd >= 0)
		f = fdopen(fd, "r");
	if (!f)
		err_sys(e, "--user: %s in %s", path, rootfs);
	else
		(void)take_fd(&fd); /* f's now */
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

static int find_user(struct who *w, struct err *e)
{
	struct passwd *found;
	FILE *f;

	if (is_number(w->user, &w->uid))
		return 0;
	f = open_inside(w->rootfs, "etc/passwd", e);
	if (!f)
		return -1;
	while ((found = fgetpwent(f)) && strcmp(found->pw_name, w->user) != 0)
		;
	if (found) {
		w->uid = found->pw_uid;
		w->gid = found->pw_gid;
	}
	(void)fclose(f); /* only read */
	return found ? 0
		     : err_set(e, STATUS_INVALID_ARGUMENT,
			       "--user: there is no user '%s' in the rootfs's /etc/passwd",
			       w->user);
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

	if (!f && e->sys == ENOENT) {
		*e = ERR_INIT;
		return 0;
	}
	if (!f)
		return -1;
	while ((g = fgetgrent(f)))
		if (g->gr_gid != w->gid && lists(g, w->user))
			json_array_append_new(w->groups, json_integer(g->gr_gid));
	(void)fclose(f);
	return 0;
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

	if (user && json_array_size(w->groups) > 0)
		json_object_set(user, "additionalGids", w->groups);
	return json_object_set_new(process, "user", user) < 0 ? err_oom(e) : 0;
}

/* Of a number nobody knows the groups. */
static int find_all(struct who *w, struct err *e)
{
	uint32_t number;

	if (find_user(w, e) < 0)
		return -1;
	if (w->group)
		return find_group(w, e);
	return is_number(w->user, &number) ? 0 : find_groups(w, e);
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
	return find_all(&w, e) < 0 ? -1 : set(process, &w, e);
}
