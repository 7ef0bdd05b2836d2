/* SPDX-License-Identifier: Apache-2.0 */

/*
 * flood - a client that means harm costs bounded memory, and others are served.
 *
 *	flood SHIM ROUNDS STREAMS
 *
 * Frames of 100 MB, more streams on one connection than calls are allowed, fields
 * nobody knows by the million, JSON without a bottom; each ROUNDS times, while
 * another client asks, and is served.
 * What the shim needed at most is read off the kernel, as is what it keeps.
 */

#include "base/attr.h"
#include "base/auto.h"
#include "base/fd.h"
#include "proto/api/ttrpc.pb-c.h"
#include "proto/frame.h"
#include "proto/message.h"
#include "tests/proof/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A message's budget, the frame it came in, and as much again for what is around it. */
#define PEAK_MAX_KIB ((long)(MESSAGE_BUDGET_MAX + 4 * FRAME_DATA_MAX) / 1024)

/* What arenas may waver by. */
#define KEPT_MAX_KIB 256

/* How many answers it may give, at most, before it has told its last events. */
#define SETTLE_CALLS_MAX 1000

#define HUGE_BYTES (100u << 20)

struct flood {
	struct stage stage;
	struct vessel base;
	long rounds, streams;
	int fd;
	uint32_t stream;
};

static int join(struct flood *f)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", f->stage.socket);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		give_up("%s: %s", f->stage.socket, strerror(errno));
	f->stream = 1;
	return fd;
}

/* Sends all, and throws away what is answered: who does not read is not read from. */
static void pour(struct flood *f, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	char answers[65536];

	while (n > 0) {
		struct pollfd p = { .fd = f->fd, .events = POLLIN | POLLOUT };
		ssize_t sent = send(f->fd, at, n, MSG_NOSIGNAL);

		if (sent > 0) {
			at += sent;
			n -= (size_t)sent;
		} else if (errno != EAGAIN) {
			stage_broken(&f->stage, "thrown out: %s", strerror(errno));
		}
		while (recv(f->fd, answers, sizeof(answers), 0) > 0)
			;
		if (sent <= 0 && poll(&p, 1, 15000) == 0)
			stage_broken(&f->stage, "it neither reads nor answers");
	}
}

static void pour_request(struct flood *f, const char *method, const void *payload, size_t n)
{
	Ttrpc__Request request = TTRPC__REQUEST__INIT;
	struct frame frame = { .stream = f->stream, .type = FRAME_REQUEST };
	auto_buf struct buf bytes = BUF_INIT(FRAME_DATA_MAX);
	uint8_t header[FRAME_HEADER_LEN];

	f->stream += 2;
	request.service = "containerd.task.v3.Task";
	request.method = method;
	request.payload = (ProtobufCBinaryData){ n, (uint8_t *)payload };
	if (message_pack(&request.base, &bytes) < 0)
		give_up("out of memory, or a frame that is too long");
	frame.len = (uint32_t)bytes.len;
	frame_encode(&frame, header);
	pour(f, header, sizeof(header));
	pour(f, bytes.data, bytes.len);
}

/* --- the scenes --- */

static void huge_frames(struct flood *f)
{
	const struct frame frame = {
		.len = HUGE_BYTES, .stream = f->stream, .type = FRAME_REQUEST
	};
	auto_free uint8_t *junk = calloc(1, HUGE_BYTES);
	uint8_t header[FRAME_HEADER_LEN];

	if (!junk)
		give_up("out of memory");
	f->stream += 2;
	frame_encode(&frame, header);
	pour(f, header, sizeof(header));
	pour(f, junk, HUGE_BYTES);
}

static void many_streams(struct flood *f)
{
	Pb__StateRequest wait = PB__STATE_REQUEST__INIT;
	uint8_t payload[64];
	size_t n;

	wait.id = f->base.id;
	n = pb__state_request__pack(&wait, payload);
	for (long i = 0; i < f->streams; i++)
		pour_request(f, "Wait", payload, n);
}

/* Two bytes each: field 15, a varint. */
static void unknown_fields(struct flood *f)
{
	size_t n = FRAME_DATA_MAX - 128;
	auto_free uint8_t *payload = malloc(n);

	if (!payload)
		give_up("out of memory");
	for (size_t i = 0; i < n; i++)
		payload[i] = i % 2 ? 1 : 15 << 3;
	pour_request(f, "State", payload, n);
}

static void deep_json(struct flood *f)
{
	Pb__ExecProcessRequest exec = PB__EXEC_PROCESS_REQUEST__INIT;
	auto_buf struct buf payload = BUF_INIT(FRAME_DATA_MAX);
	size_t n = FRAME_DATA_MAX - 256;
	auto_free char *text = malloc(n);
	Pb__Any any = PB__ANY__INIT;

	if (!text)
		give_up("out of memory");
	memset(text, '[', n);
	any.value = (ProtobufCBinaryData){ n, (uint8_t *)text };
	exec.id = f->base.id;
	exec.exec_id = "deep";
	exec.spec = &any;
	if (message_pack(&exec.base, &payload) < 0)
		give_up("out of memory");
	pour_request(f, "Exec", payload.data, payload.len);
}

static const struct scene {
	const char *name;
	void (*play)(struct flood *f);
} scenes[] = {
	{ "frames of 100 MB", huge_frames },
	{ "more streams than calls", many_streams },
	{ "fields nobody knows", unknown_fields },
	{ "JSON without a bottom", deep_json },
};

/* --- what it costs --- */

static long peak_kib(struct flood *f, bool forget)
{
	char path[64];
	auto_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)f->stage.daemon.pid);
	fd = forget ? open(path, O_WRONLY | O_CLOEXEC) : -1;
	if (forget && (fd < 0 || write(fd, "5", 1) != 1))
		give_up("%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)f->stage.daemon.pid);
	return read_number(path, "\nVmHWM:");
}

static void expect_served(struct flood *f)
{
	struct err e;

	if (!ask_of(&f->stage.caller, "State", f->base.id, "", &e))
		stage_broken(&f->stage, "State: %s", e.msg);
}

static void must_end(struct flood *f, struct ask *a)
{
	if (!ask_await(&f->stage.caller, a))
		stage_broken(&f->stage, "%s: %s", a->about, a->err.msg);
	ask_fini(a);
}

static void create(struct flood *f, const struct vessel *v)
{
	struct ask a;

	vessel_prepare(v);
	ask_begin_create(&f->stage.caller, &a, v);
	must_end(f, &a);
}

static void destroy(struct flood *f, const struct vessel *v)
{
	struct ask a;

	ask_begin_of(&f->stage.caller, &a, "Delete", v->id, "", NULL);
	must_end(f, &a);
}

/* Until the shim has seen us go; then it tells events, and after those it gives memory back. */
static struct holdings settle(struct flood *f, const struct holdings *before)
{
	struct vessel brief = f->base;
	struct holdings h;

	do {
		(void)ask_of(&f->stage.caller, "State", f->base.id, "", NULL);
		h = holdings_of(f->stage.daemon.pid);
	} while (h.fds != before->fds);
	snprintf(brief.id, sizeof(brief.id), "brief");
	create(f, &brief);
	destroy(f, &brief);
	for (int i = 0; i < SETTLE_CALLS_MAX; i++) {
		expect_served(f);
		h = holdings_of(f->stage.daemon.pid);
		if (h.anon_kib - before->anon_kib <= KEPT_MAX_KIB)
			break;
	}
	return h;
}

static void play(struct flood *f, const struct scene *scene)
{
	struct holdings before = holdings_of(f->stage.daemon.pid);
	long peak = peak_kib(f, true);
	long kept;

	f->fd = join(f);
	for (long i = 0; i < f->rounds; i++) {
		scene->play(f);
		expect_served(f);
	}
	peak = peak_kib(f, false) - peak;
	fd_drop(&f->fd);
	kept = settle(f, &before).anon_kib - before.anon_kib;
	printf("%-24s at most %6ld KiB, keeps %4ld\n", scene->name, peak, kept);
	if (peak > PEAK_MAX_KIB || kept > KEPT_MAX_KIB)
		stage_broken(&f->stage, "%s: that is too much", scene->name);
}

int main(int argc, char **argv)
{
	static const char *const forever[] = { MAYFLY, "-", "-", "0", "-1", NULL };
	struct flood f = { .fd = -1 };

	if (argc != 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0); /* broken() ends us as we are */
	f.rounds = strtol(argv[2], NULL, 10);
	f.streams = strtol(argv[3], NULL, 10);
	stage_open(&f.stage, argv[1]);
	f.base = (struct vessel){ .dir = f.stage.dir, .id = "base", .argv = forever };
	create(&f, &f.base);
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&f, &scenes[i]);
	destroy(&f, &f.base);
	stage_close(&f.stage);
	return 0;
}
