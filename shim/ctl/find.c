/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/find.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/id.h"
#include "base/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUNDLES "io.containerd.runtime.v2.task"

/* What `belayctl run` passes to its shims. */
#define BELAY_NAMESPACE "belay"

/* The files of a bundle that we read are a line each. */
#define SMALL_FILE_MAX 4096

/* How many candidates an error names. */
#define CANDIDATES_MAX 8

static void found_one_fini(struct found *f)
{
	free(f->ns);
	free(f->id);
	free(f->bundle);
	free(f->address);
	free(f->binary);
}

void found_fini(struct found_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		found_one_fini(&l->found[i]);
	free(l->found);
	*l = FOUND_NONE;
}

/* The line in the file; "" if there is none. NULL when out of memory. */
static char *read_line(int dir, const char *name)
{
	auto_buf struct buf text = BUF_INIT(SMALL_FILE_MAX);
	const char *line;

	if (fd_read_file(dir, name, &text) < 0)
		return strdup("");
	line = buf_text(&text);
	return line ? strndup(line, strcspn(line, "\n")) : NULL;
}

/* bootstrap.json goes before address: a shim of Task v3 may have written both. */
static int read_address(int dir, struct found *f)
{
	auto_json json_t *params = NULL;
	struct err ignored = ERR_INIT;
	const char *address = NULL;

	f->version = 2;
	if (faccessat(dir, "bootstrap.json", F_OK, 0) == 0 &&
		json_load_file_at(dir, "bootstrap.json", &params, &ignored) == 0)
		address = json_get_string(params, "address");
	if (!address) {
		f->address = read_line(dir, "address");
	} else {
		f->address = strdup(address);
		if (json_number_value(json_object_get(params, "version")) >= 3)
			f->version = 3;
	}
	return f->address ? 0 : -ENOMEM;
}

static int grow(struct found_list *l)
{
	/* At every power of two. */
	if ((l->n & (l->n - 1)) == 0) {
		size_t room = l->n ? 2 * l->n : 1;
		struct found *more = reallocarray(l->found, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->found = more;
	}
	return 0;
}

static bool is_bundle(int dir)
{
	return faccessat(dir, "config.json", F_OK, 0) == 0 ||
	       faccessat(dir, "address", F_OK, 0) == 0;
}

struct place {
	const char *path; /* of the folder of bundles */
	const char *ns;
};

static int add_bundle(
	struct found_list *l, int parent, const struct place *at, const char *id, struct err *e)
{
	auto_fd int dir = openat(parent, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct found f = { 0 };

	if (dir < 0 || !is_bundle(dir))
		return 0; /* gone meanwhile, or something else */
	if (l->n == FIND_MAX)
		return err_set(e, STATUS_RESOURCE_EXHAUSTED, "there are more than %d containers",
			FIND_MAX);
	f.ns = strdup(at->ns);
	f.id = strdup(id);
	f.binary = read_line(dir, "shim-binary-path");
	if (asprintf(&f.bundle, "%s/%s", at->path, id) < 0)
		f.bundle = NULL;
	if (!f.ns || !f.id || !f.binary || !f.bundle || read_address(dir, &f) < 0 || grow(l) < 0) {
		found_one_fini(&f);
		return err_oom(e);
	}
	l->found[l->n++] = f;
	return 0;
}

/* All folders in @path with a legal name are handed to @each. A folder that is not there is empty.
 */
static int walk(const char *path, struct err *e,
	int (*each)(void *arg, int dir, const char *name, struct err *e), void *arg)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, "open %s", path);
	while (rc == 0 && (entry = readdir(d)))
		if (id_is_valid(entry->d_name))
			rc = each(arg, dirfd(d), entry->d_name, e);
	closedir(d);
	return rc;
}

struct search {
	struct found_list *list;
	const struct where *where;
	const char *path;
	const char *ns;
};

static int visit_bundle(void *arg, int dir, const char *name, struct err *e)
{
	const struct search *s = arg;

	return add_bundle(s->list, dir, &(struct place){ s->path, s->ns }, name, e);
}

static int search_folder(const struct search *s, const char *path, const char *ns, struct err *e)
{
	struct search in = { s->list, s->where, path, ns };

	if (s->where->ns && strcmp(s->where->ns, ns) != 0)
		return 0;
	return walk(path, e, visit_bundle, &in);
}

static int visit_namespace(void *arg, int dir, const char *name, struct err *e)
{
	const struct search *s = arg;
	auto_free char *path = NULL;

	(void)dir;
	if (asprintf(&path, "%s/%s", s->path, name) < 0) {
		path = NULL;
		return err_oom(e);
	}
	return search_folder(s, path, name, e);
}

static int search_state(struct search *s, const char *state, struct err *e)
{
	auto_free char *bundles = NULL;

	if (asprintf(&bundles, "%s/" BUNDLES, state) < 0) {
		bundles = NULL;
		return err_oom(e);
	}
	s->path = bundles;
	if (walk(bundles, e, visit_namespace, s) < 0)
		return -1;
	return search_folder(s, state, BELAY_NAMESPACE, e);
}

static int by_name(const void *a, const void *b)
{
	const struct found *x = a;
	const struct found *y = b;
	int c = strcmp(x->ns, y->ns);

	return c ? c : strcmp(x->id, y->id);
}

static int search_all(struct search *s, struct err *e)
{
	static const char *const defaults[] = { FIND_STATE_CONTAINERD, FIND_STATE_BELAY };
	const struct option_list *states = &s->where->states;

	for (size_t i = 0; i < states->n; i++) {
		if (access(states->word[i], R_OK | X_OK) < 0)
			return err_sys(e, "--state %s", states->word[i]);
		if (search_state(s, states->word[i], e) < 0)
			return -1;
	}
	for (size_t i = 0; states->n == 0 && i < ARRAY_LEN(defaults); i++)
		if (search_state(s, defaults[i], e) < 0)
			return -1;
	return 0;
}

int find_all(const struct where *where, struct found_list *ret, struct err *e)
{
	struct found_list list = FOUND_NONE;
	struct search s = { .list = &list, .where = where };

	if (search_all(&s, e) < 0) {
		found_fini(&list);
		return -1;
	}
	if (list.n)
		qsort(list.found, list.n, sizeof(*list.found), by_name);
	*ret = list;
	return 0;
}

enum match {
	MATCH_NONE,
	MATCH_BEGINNING,
	MATCH_WHOLE
};

static enum match match(const struct found *f, const char *word)
{
	const char *slash = strchr(word, '/');
	const char *id = slash ? slash + 1 : word;

	if (slash && (strlen(f->ns) != (size_t)(slash - word) ||
			     strncmp(f->ns, word, (size_t)(slash - word)) != 0))
		return MATCH_NONE;
	if (strcmp(f->id, id) == 0)
		return MATCH_WHOLE;
	return id[0] && strncmp(f->id, id, strlen(id)) == 0 ? MATCH_BEGINNING : MATCH_NONE;
}

/* " NS/ID, NS/ID and N more" of those that match at least that well. */
static void list_names(
	const struct found_list *l, const char *word, enum match least, char text[ERR_MSG_MAX])
{
	size_t n = 0, at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < l->n; i++) {
		const struct found *f = &l->found[i];

		if (match(f, word) < least || ++n > CANDIDATES_MAX)
			continue;
		at += (size_t)snprintf(
			text + at, ERR_MSG_MAX - at, "%s%s/%s", n > 1 ? ", " : "", f->ns, f->id);
		if (at >= ERR_MSG_MAX)
			return;
	}
	if (n > CANDIDATES_MAX)
		snprintf(text + at, ERR_MSG_MAX - at, " and %zu more", n - CANDIDATES_MAX);
}

static int complain(const struct found_list *l, const char *word, enum match best, struct err *e)
{
	char names[ERR_MSG_MAX];

	if (l->n == 0)
		return err_set(e, STATUS_NOT_FOUND,
			"there is no container '%s', nor any other; --state DIR says where "
			"containerd keeps them",
			word);
	list_names(l, word, best, names);
	if (best == MATCH_NONE)
		return err_set(e, STATUS_NOT_FOUND, "there is no container '%s'; there are: %s",
			word, names);
	return err_set(e, STATUS_INVALID_ARGUMENT,
		"'%s' could be any of: %s; give NAMESPACE/ID, or -n NS", word, names);
}

const struct found *found_pick(const struct found_list *l, const char *word, struct err *e)
{
	enum match best = MATCH_NONE;
	const struct found *f = NULL;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		enum match m = match(&l->found[i], word);

		if (m == MATCH_NONE || m < best)
			continue;
		n = m > best ? 1 : n + 1;
		best = m;
		f = &l->found[i];
	}
	if (n == 1)
		return f;
	complain(l, word, best, e);
	return NULL;
}
