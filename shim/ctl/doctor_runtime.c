/* SPDX-License-Identifier: Apache-2.0 */

/*
 * doctor_runtime.c - what a runtime says it honours, as belay will ask it.
 */

#include "base/buf.h"
#include "base/json.h"
#include "process/runtime/features.h"
#include "reaper/reaper.h"
#include "shim/ctl/doctor.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

#define SECTION "runtimes"

static void on_answer(struct features_query *q)
{
	ev_break(q->at.loop, EVBREAK_ALL);
}

static bool is_on(json_t *features, const char *group, const char *name)
{
	return json_is_true(json_get(features, "linux", group, name, "enabled", NULL));
}

static bool lists(json_t *list, const char *word)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), word) == 0)
			return true;
	}
	return false;
}

static void tell_features(
	struct doctor *d, const char *binary, const struct features *f, const char *path)
{
	auto_json json_t *features = NULL;
	struct err e = ERR_INIT;
	json_t *mounts;

	if (f->text.len == 0) {
		doctor_tell(d, VERDICT_NOTE, SECTION, binary,
			"%s, %s: has no `features`, so config.json passes unchecked but for what "
			"is "
			"newer than it",
			f->name, path);
		return;
	}
	if (json_parse((const char *)f->text.data, f->text.len, "features", &features, &e) < 0) {
		doctor_tell(d, VERDICT_NOTE, SECTION, binary, "%s, %s: %s", f->name, path, e.msg);
		return;
	}
	mounts = json_object_get(features, "mountOptions");
	doctor_tell(d, VERDICT_OK, SECTION, binary,
		"%s, %s: config.json up to %s; id-mapped volumes %s, recursive read-only %s, "
		"seccomp %s",
		f->name, path, json_get_string(features, "ociVersionMax"),
		is_on(features, "mountExtensions", "idmap") ? "yes" : "no",
		lists(mounts, "rro") ? "yes" : "no",
		json_is_true(json_get(features, "linux", "seccomp", "enabled", NULL)) ? "yes"
										      : "no");
}

static int ask(struct features_query *q, struct reaper *reaper, struct err *e)
{
	int rc = reaper_init(reaper, q->at.loop);

	if (rc < 0)
		return err_rc(e, rc, "watch children");
	if (features_ask(q, on_answer, e) == 0)
		ev_run(q->at.loop, 0);
	else
		rc = -1;
	return rc;
}

void doctor_runtime(struct doctor *d, const char *binary)
{
	const struct features_place place = { .loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL) };
	struct reaper reaper = { .signal_fd = -1 };
	const struct runtime rt = { .reaper = &reaper, .binary = binary };
	struct features_query q;
	struct err e = ERR_INIT;
	char path[PATH_MAX];

	if (features_find_binary(binary, path) < 0) {
		if (place.loop)
			ev_loop_destroy(place.loop);
		doctor_tell(d, VERDICT_NOTE, SECTION, binary, "is not in $PATH");
		return;
	}
	if (!place.loop)
		return;
	features_query_init(&q, place, &rt);
	if (ask(&q, &reaper, &e) < 0)
		doctor_tell(d, VERDICT_BAD, SECTION, binary, "%s: %s", path, e.msg);
	else
		tell_features(d, binary, &q.answer, path);
	features_query_fini(&q);
	reaper_fini(&reaper);
	ev_loop_destroy(place.loop);
}
