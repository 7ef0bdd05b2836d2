/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/info.h"

#include "base/auto.h"
#include "base/fd.h"
#include "process/bundle.h"
#include "process/runtime/features.h"
#include "proto/any.h"
#include "proto/api/info.pb-c.h"
#include "proto/message.h"
#include "reaper/reaper.h"
#include "shim/convert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES_TYPE "types.containerd.io/opencontainers/runtime-spec/1/features/Features"
#define STDIN_MAX     (10u << 20)

struct inquiry {
	struct ev_loop *loop;
	struct reaper reaper;
	struct runtime runtime;
	struct features_query query;
};

static void answered(struct features_query *q)
{
	ev_break(q->at.loop, EVBREAK_ALL);
}

/* "io.containerd.NAME.VERSION" for containerd-shim-NAME-VERSION, however it is installed. */
static void runtime_name(const char *name, char *ret, size_t room)
{
	const char *prefix = "containerd-shim-";
	char *dash;

	snprintf(ret, room, "io.containerd.%s",
		strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : "belay-v2");
	dash = strrchr(ret, '-');
	if (dash)
		*dash = '.';
}

static int answer(const struct features *f, const char *name, Pb__Any *options, struct err *e)
{
	auto_buf struct buf out = BUF_INIT(STDIN_MAX + RUNTIME_OUTPUT_MAX + 4096);
	Pb__RuntimeInfo info = PB__RUNTIME_INFO__INIT;
	Pb__RuntimeVersion version = PB__RUNTIME_VERSION__INIT;
	Pb__Any features = PB__ANY__INIT;
	char runtime[128];
	int rc;

	runtime_name(name, runtime, sizeof(runtime));
	version.version = SHIM_VERSION;
	features.type_url = FEATURES_TYPE;
	features.value = (ProtobufCBinaryData){ f->text.len, f->text.data };
	info.name = runtime;
	info.version = &version;
	info.options = options;
	info.features = f->text.len > 0 ? &features : NULL;
	rc = message_pack(&info.base, &out);
	if (rc == 0)
		rc = fd_write_all(STDOUT_FILENO, out.data, out.len);
	return rc < 0 ? err_rc(e, rc, "print the runtime's info") : 0;
}

static int ask(struct inquiry *q, const char *binary, struct err *e)
{
	int rc;

	q->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!q->loop)
		return err_set(e, STATUS_UNKNOWN, "create event loop");
	rc = reaper_init(&q->reaper, q->loop);
	if (rc < 0)
		return err_rc(e, rc, "watch children");
	q->runtime = (struct runtime){ .reaper = &q->reaper, .binary = binary, .bundle_fd = -1 };
	features_query_init(
		&q->query, (struct features_place){ q->loop, FEATURES_CACHE_DIR }, &q->runtime);
	if (features_recall(&q->query))
		return 0;
	if (features_ask(&q->query, answered, e) < 0)
		return -1;
	ev_run(q->loop, 0);
	return 0;
}

static void forget(struct inquiry *q)
{
	if (!q->loop)
		return;
	features_query_fini(&q->query);
	reaper_fini(&q->reaper);
	ev_loop_destroy(q->loop);
}

int info_run(const char *name, struct err *e)
{
	struct inquiry q = { .query = { .call = RUNTIME_CALL_NONE } };
	auto_buf struct buf text = BUF_INIT(STDIN_MAX);
	auto_message Pb__Any *any = NULL;
	struct convert_create c = { 0 };
	struct err unread = ERR_INIT; /* Create gets the same, and says so */
	const char *binary = NULL;
	int rc = isatty(STDIN_FILENO) ? 0 : fd_read_all(STDIN_FILENO, &text);

	if (rc < 0)
		return err_rc(e, rc, "read stdin");
	if (text.len > 0)
		any = message_unpack(&pb__any__descriptor, text.data, text.len);
	if (convert_options(&c, any, &unread) == 0)
		binary = c.args.options.binary;
	rc = ask(&q, binary && binary[0] ? binary : RUNTIME_BINARY_DEFAULT, e);
	if (rc == 0)
		rc = answer(&q.query.answer, name, any, e);
	forget(&q);
	convert_create_fini(&c);
	return rc;
}
