/* SPDX-License-Identifier: Apache-2.0 */
#include "process/runtime/features.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void features_query_init(
	struct features_query *q, struct features_place at, const struct runtime *rt)
{
	*q = (struct features_query){
		.answer = { .text = BUF_INIT(RUNTIME_OUTPUT_MAX) },
		.at = at,
		.rt = rt,
		.call = RUNTIME_CALL_NONE,
	};
	ev_init(&q->deadline, NULL);
}

int features_find_binary(const char *binary, char path[PATH_MAX])
{
	const char *dir = getenv("PATH");

	if (strchr(binary, '/'))
		return snprintf(path, PATH_MAX, "%s", binary) < PATH_MAX ? 0 : -ENAMETOOLONG;
	while (dir && *dir) {
		int n = (int)strcspn(dir, ":");

		if (snprintf(path, PATH_MAX, "%.*s/%s", n, dir, binary) < PATH_MAX &&
			access(path, X_OK) == 0)
			return 0;
		dir += dir[n] ? n + 1 : n;
	}
	return -ENOENT;
}

/* What a binary is: another content, or the same one replaced, has another key. */
static int cache_key(const char *binary, char key[FEATURES_KEY_ROOM])
{
	char path[PATH_MAX];
	struct stat st;
	int rc = features_find_binary(binary, path);

	if (rc < 0)
		return rc;
	if (stat(path, &st) < 0)
		return -errno;
	snprintf(key, FEATURES_KEY_ROOM, "%jx-%jx-%jx-%jx.%09ld", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino, (uintmax_t)st.st_size, (uintmax_t)st.st_mtim.tv_sec,
		st.st_mtim.tv_nsec);
	return 0;
}

/* The answers decide what may be started: they come from a folder that only we could have filled.
 */
static int open_cache(const char *dir)
{
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid == geteuid() && (st.st_mode & 077) == 0 ? take_fd(&fd) : -EPERM;
}

static void make_cache(const char *dir)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(dir, '/');

	/* What cannot be made cannot be opened either, and that is looked at. */
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - dir), dir);
	(void)mkdir(parent, 0700);
	(void)mkdir(dir, 0700);
}

/* A line with the name, then the text. */
static bool take_kept(struct features *f, const struct buf *kept)
{
	const char *start = (const char *)kept->data;
	const char *newline = kept->len > 0 ? memchr(start, '\n', kept->len) : NULL;
	size_t n = newline ? (size_t)(newline - start) : 0;

	if (!newline || n >= sizeof(f->name))
		return false;
	memcpy(f->name, start, n);
	f->name[n] = '\0';
	return buf_add(&f->text, newline + 1, kept->len - n - 1) == 0;
}

bool features_recall(struct features_query *q)
{
	auto_buf struct buf kept = BUF_INIT(FEATURES_NAME_ROOM + RUNTIME_OUTPUT_MAX);
	auto_fd int dir = q->at.cache_dir ? open_cache(q->at.cache_dir) : -1;
	char key[FEATURES_KEY_ROOM];

	return dir >= 0 && cache_key(q->rt->binary, key) == 0 &&
	       fd_read_file(dir, key, &kept) == 0 && take_kept(&q->answer, &kept);
}

void features_forget(const struct features_place *at, const struct runtime *rt)
{
	auto_fd int dir = at->cache_dir ? open_cache(at->cache_dir) : -1;
	char key[FEATURES_KEY_ROOM];

	if (dir >= 0 && cache_key(rt->binary, key) == 0)
		(void)unlinkat(dir, key, 0); /* forgotten by another is as good */
}

static void keep(const struct features_query *q)
{
	auto_buf struct buf text = BUF_INIT(FEATURES_NAME_ROOM + RUNTIME_OUTPUT_MAX);
	auto_fd int dir = -1;
	int rc;

	if (!q->at.cache_dir || !q->key[0])
		return;
	make_cache(q->at.cache_dir);
	dir = open_cache(q->at.cache_dir);
	rc = dir < 0 ? dir : 0;
	if (rc == 0)
		rc = buf_printf(&text, "%s\n", q->answer.name);
	if (rc == 0)
		rc = buf_add(&text, q->answer.text.data, q->answer.text.len);
	if (rc == 0)
		rc = fd_replace_file(dir, q->key, text.data, text.len, 0600);
	if (rc < 0)
		log_debug("features", "runtime=%s dir=%s error=\"%s\", asking again next time",
			q->rt->binary, q->at.cache_dir, strerror(-rc));
}

/* How runtimes tell their version among the annotations of their features. */
static const struct {
	const char *key, *runtime;
} versions[] = {
	{ "run.oci.crun.version", "crun" },
	{ "org.opencontainers.runc.version", "runc" },
};

static void name_by_features(struct features *f, const char *binary, json_t *doc)
{
	json_t *annotations = json_get(doc, "annotations", NULL);
	const char *slash = strrchr(binary, '/');

	snprintf(f->name, sizeof(f->name), "%s", slash ? slash + 1 : binary);
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		const char *version = json_get_string(annotations, versions[i].key);

		if (version) {
			snprintf(f->name, sizeof(f->name), "%s %s", versions[i].runtime, version);
			break;
		}
	}
	f->name[strcspn(f->name, "\n")] = '\0';
}

/* Its first line: "crun version 1.8.1". */
static void name_by_version(struct features *f, struct buf *printed, const char *binary)
{
	const char *text = printed->len > 0 ? buf_text(printed) : NULL;

	snprintf(f->name, sizeof(f->name), "%.*s", (int)(text ? strcspn(text, "\n") : 0),
		text ? text : "");
	if (!f->name[0])
		name_by_features(f, binary, NULL);
}

static void done(struct features_query *q)
{
	ev_timer_stop(q->at.loop, &q->deadline);
	if (q->is_whole)
		keep(q);
	q->on_done(q);
	/* q may be gone */
}

static void on_version(struct runtime_call *call)
{
	struct features_query *q = container_of(call, struct features_query, call);
	auto_buf struct buf printed = BUF_INIT(RUNTIME_OUTPUT_MAX);

	q->is_whole &= call->status.signal == 0;
	if (call->status.code == 0)
		(void)runtime_output(call, &printed); /* no name is as good as an empty one */
	name_by_version(&q->answer, &printed, q->rt->binary);
	done(q);
	/* q may be gone */
}

/* What is no JSON object is no answer: runtimes without the command print a usage. */
static void on_features(struct runtime_call *call)
{
	struct features_query *q = container_of(call, struct features_query, call);
	struct features *f = &q->answer;
	auto_json json_t *doc = NULL;
	struct err e = ERR_INIT;

	q->is_whole = call->status.signal == 0;
	if (call->status.code == 0 && runtime_output(call, &f->text) == 0 && f->text.len > 0 &&
		json_parse((const char *)f->text.data, f->text.len, "features", &doc, &e) == 0) {
		name_by_features(f, q->rt->binary, doc);
		done(q);
		return; /* q may be gone */
	}
	buf_fini(&f->text);
	if (q->is_whole && runtime_version(call, q->rt, on_version, &e) == 0)
		return;
	name_by_version(f, &f->text, q->rt->binary);
	done(q);
	/* q may be gone */
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct features_query *q = container_of(timer, struct features_query, deadline);

	(void)loop;
	(void)revents;
	log_warn("features", "runtime=%s waited=%.0fs, killing it and going on without",
		q->rt->binary, FEATURES_DEADLINE_S);
	(void)runtime_kill(&q->call); /* it ends as one that was killed: nothing is kept */
}

int features_ask(struct features_query *q, void (*on_done)(struct features_query *q), struct err *e)
{
	buf_fini(&q->answer.text);
	q->on_done = on_done;
	/* Before it runs: what replaces it meanwhile has not been asked. */
	if (cache_key(q->rt->binary, q->key) < 0)
		q->key[0] = '\0';
	if (runtime_features(&q->call, q->rt, on_features, e) < 0)
		return -1;
	ev_timer_init(&q->deadline, on_deadline, FEATURES_DEADLINE_S, 0.);
	ev_timer_start(q->at.loop, &q->deadline);
	return 0;
}

bool features_kill(struct features_query *q)
{
	return runtime_kill(&q->call);
}

void features_query_fini(struct features_query *q)
{
	if (q->at.loop)
		ev_timer_stop(q->at.loop, &q->deadline);
	runtime_call_fini(&q->call);
	buf_fini(&q->answer.text);
}
