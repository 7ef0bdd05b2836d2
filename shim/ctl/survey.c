/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/survey.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/json.h"
#include "proto/api/debug.pb-c.h"
#include "shim/ctl/ask.h"
#include "shim/ctl/procfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *survey_status_name(Pb__ProcessStatus status)
{
	static const char *const name[] = {
		[PB__PROCESS_STATUS__UNKNOWN] = "unknown",
		[PB__PROCESS_STATUS__CREATED] = "created",
		[PB__PROCESS_STATUS__RUNNING] = "running",
		[PB__PROCESS_STATUS__STOPPED] = "stopped",
		[PB__PROCESS_STATUS__PAUSED] = "paused",
		[PB__PROCESS_STATUS__PAUSING] = "pausing",
	};

	return (size_t)status < ARRAY_LEN(name) ? name[status] : "unknown";
}

const char *survey_status(const struct seen *s)
{
	if (s->state)
		return survey_status_name(s->state->status);
	if (!s->found->address[0])
		return "no shim";
	return s->why.status == STATUS_NOT_FOUND ? "no task" : "no answer";
}

struct batch {
	struct seen *seen; /* borrowed; of the batch */
	struct ask ask[SURVEY_BATCH];
	size_t n;
};

static void take_state(struct seen *s, struct ask *a)
{
	s->state = ask_take(a, &pb__state_response__descriptor, &s->why);
}

static void take_connect(struct seen *s, struct ask *a)
{
	struct err ignored = ERR_INIT; /* then it has no pid here */
	auto_message Pb__ConnectResponse *reply =
		ask_take(a, &pb__connect_response__descriptor, &ignored);

	s->shim_pid = reply ? reply->shim_pid : 0;
}

/* The stock shim has no such service: then nobody knows. */
static void take_version(struct seen *s, struct ask *a)
{
	struct err ignored = ERR_INIT;
	auto_message Belay__VersionResponse *reply =
		ask_take(a, &belay__version_response__descriptor, &ignored);

	if (reply)
		snprintf(s->version, sizeof(s->version), "%s", reply->version);
}

static void take_usage(struct seen *s, struct ask *a)
{
	struct err ignored = ERR_INIT; /* a stopped one has none */
	auto_message Pb__StatsResponse *reply =
		ask_take(a, &pb__stats_response__descriptor, &ignored);

	s->has_usage = reply && usage_decode(reply->stats, &s->usage, &ignored) == 0;
}

static void ask_state(struct ask *a, const struct found *f)
{
	Pb__StateRequest req = PB__STATE_REQUEST__INIT;

	req.id = f->id;
	ask_begin(a, "State", &req.base, ASK_ANSWER_MAX_S);
}

static void ask_connect(struct ask *a, const struct found *f)
{
	Pb__ConnectRequest req = PB__CONNECT_REQUEST__INIT;

	req.id = f->id;
	ask_begin(a, "Connect", &req.base, ASK_ANSWER_MAX_S);
}

static void ask_version(struct ask *a, const struct found *f)
{
	Belay__VersionRequest req = BELAY__VERSION_REQUEST__INIT;

	(void)f;
	ask_begin_at(a, ASK_DEBUG_SERVICE, "Version", &req.base, ASK_ANSWER_MAX_S);
}

static void ask_usage(struct ask *a, const struct found *f)
{
	Pb__StatsRequest req = PB__STATS_REQUEST__INIT;

	req.id = f->id;
	ask_begin(a, "Stats", &req.base, ASK_ANSWER_MAX_S);
}

bool survey_has_answer(const struct seen *s)
{
	return !err_is_set(&s->why) || s->why.status == STATUS_NOT_FOUND;
}

/* One question to all of the batch that have answered so far. */
static void round_of(struct batch *b, void (*begin)(struct ask *a, const struct found *f),
	void (*take)(struct seen *s, struct ask *a))
{
	for (size_t i = 0; i < b->n; i++)
		if (ask_is_open(&b->ask[i]) && survey_has_answer(&b->seen[i]))
			begin(&b->ask[i], b->seen[i].found);
	for (size_t i = 0; i < b->n; i++) {
		if (!b->ask[i].call.service || !survey_has_answer(&b->seen[i]))
			continue;
		ask_await(&b->ask[i]);
		take(&b->seen[i], &b->ask[i]);
		/* One that hangs up now is not asked in the next round, nor is this answer taken
		 * again. */
		b->ask[i].call.service = NULL;
	}
}

/* By what runs: the file that containerd resolved may be a link, from the stock shim's name to
 * ours. */
static void name_shim(struct seen *s)
{
	char path[4096] = "";
	const char *slash;

	if (s->shim_pid)
		procfs_exe((pid_t)s->shim_pid, path, sizeof(path));
	if (!path[0])
		snprintf(path, sizeof(path), "%s", s->found->binary);
	slash = strrchr(path, '/');
	snprintf(s->shim_name, sizeof(s->shim_name), "%.63s", slash ? slash + 1 : path);
}

static int64_t age_of(const struct found *f)
{
	auto_free char *config = NULL;
	struct stat st;

	if (asprintf(&config, "%s/config.json", f->bundle) < 0) {
		config = NULL;
		return -1;
	}
	return stat(config, &st) < 0 ? -1 : (int64_t)(clock_wall().tv_sec - st.st_mtim.tv_sec);
}

static void finish_one(struct seen *s, unsigned what)
{
	s->age_s = age_of(s->found);
	if (!(what & SURVEY_SHIMS))
		return;
	name_shim(s);
	if (s->shim_pid)
		s->shim_pss = procfs_pss((pid_t)s->shim_pid);
}

static void survey_batch(struct batch *b, struct ev_loop *loop, unsigned what)
{
	for (size_t i = 0; i < b->n; i++) {
		b->ask[i] = (struct ask){ 0 };
		if (ask_open(&b->ask[i], loop, b->seen[i].found, &b->seen[i].why) < 0)
			ask_close(&b->ask[i]);
	}
	round_of(b, ask_state, take_state);
	if (what & SURVEY_SHIMS) {
		round_of(b, ask_connect, take_connect);
		round_of(b, ask_version, take_version);
	}
	if (what & SURVEY_USAGE)
		round_of(b, ask_usage, take_usage);
	for (size_t i = 0; i < b->n; i++) {
		ask_close(&b->ask[i]);
		finish_one(&b->seen[i], what);
	}
}

int survey_all(const struct found_list *l, struct ev_loop *loop, unsigned what, struct seen **ret,
	struct err *e)
{
	struct seen *seen = calloc(l->n + 1, sizeof(*seen));
	struct batch *b = calloc(1, sizeof(*b));

	if (!seen || !b) {
		free(seen);
		free(b);
		return err_oom(e);
	}
	for (size_t i = 0; i < l->n; i++) {
		seen[i].found = &l->found[i];
		seen[i].shim_pss = -1;
	}
	for (size_t i = 0; i < l->n; i += b->n) {
		b->seen = &seen[i];
		b->n = l->n - i < SURVEY_BATCH ? l->n - i : SURVEY_BATCH;
		survey_batch(b, loop, what);
	}
	free(b);
	*ret = seen;
	return 0;
}

void survey_free(struct seen *seen, size_t n)
{
	for (size_t i = 0; seen && i < n; i++)
		message_free((ProtobufCMessage *)seen[i].state);
	free(seen);
}
