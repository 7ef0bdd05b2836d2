/* SPDX-License-Identifier: Apache-2.0 */

/*
 * close.c - what a stage notes, and the end of a scene.
 */

#include "base/auto.h"
#include "proto/any.h"
#include "proto/api/events.pb-c.h"
#include "tests/parity/parity.h"
#include "tests/parity/words.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (64 * 1024)

void stage_name_pid(struct stage *s, const char *name, uint32_t pid)
{
	if (pid == 0 || s->n_pids == STAGE_PIDS_MAX)
		return;
	s->pids[s->n_pids].pid = pid;
	snprintf(s->pids[s->n_pids++].name, sizeof(s->pids[0].name), "%s", name);
}

static const char *name_of_pid(void *user, uint32_t pid)
{
	const struct stage *s = user;

	for (size_t i = s->n_pids; i-- > 0;)
		if (s->pids[i].pid == pid)
			return s->pids[i].name;
	return "somebody";
}

static void replace_all(char *text, size_t room, const char *from, const char *to)
{
	size_t n = strlen(from);
	char *at = text;

	while ((at = strstr(at, from))) {
		size_t rest = strlen(at + n);

		if ((size_t)(at - text) + strlen(to) + rest + 1 > room)
			return;
		memmove(at + strlen(to), at + n, rest + 1);
		memcpy(at, to, strlen(to));
		at += strlen(to);
	}
}

/* Paths, names of binaries and line ends are not what is compared. */
static void normalise(const struct stage *s, char *text, size_t room)
{
	size_t n;

	replace_all(text, room, s->bundle, "$BUNDLE");
	replace_all(text, room, s->dir, "$DIR");
	replace_all(text, room, strrchr(s->dir, '/') + 1, "$UNIQUE");
	replace_all(text, room, s->shim, "$SHIM");
	replace_all(text, room, strrchr(s->shim, '/') + 1, "$SHIM");
	replace_all(text, room, "io.containerd.runc.v2: ", "$SHIM: ");
	replace_all(text, room, "|", "!"); /* it ends a cell of the table */
	for (n = strlen(text); n > 0 && strchr(" \n", text[n - 1]); n--)
		text[n - 1] = '\0';
	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = ' ';
}

void stage_note(struct stage *s, const char *step, const char *fmt, ...)
{
	char full[128];
	char *text = malloc(TEXT_MAX);
	va_list ap;

	if (!text)
		give_up("out of memory");
	va_start(ap, fmt);
	vsnprintf(text, TEXT_MAX, fmt, ap);
	va_end(ap);
	normalise(s, text, TEXT_MAX);
	snprintf(full, sizeof(full), "%s: %s", s->scene, step);
	record_add(s->record, full, text);
	free(text);
}

static char *text_of(struct stage *s, const ProtobufCMessage *m)
{
	struct words w = { .text = BUF_INIT(TEXT_MAX), .name_of_pid = name_of_pid, .user = s };
	char *text;

	words_put(&w, m);
	text = buf_text(&w.text) ? strdup(buf_text(&w.text)) : NULL;
	buf_fini(&w.text);
	return text ? text : strdup("");
}

void stage_note_reply(struct stage *s, const char *step, const ProtobufCMessage *m)
{
	char *text = text_of(s, m);

	stage_note(s, step, "OK %s", text);
	free(text);
}

void stage_note_ran(struct stage *s, const char *step, struct ran *r)
{
	stage_note(s, step, "%d %s%s", r->code, r->output.len ? buf_text(&r->output) : "",
		r->errors.len ? buf_text(&r->errors) : "");
	ran_fini(r);
}

/* The stock shim may log something first. */
static const char *last_line(struct buf *b)
{
	const char *text = buf_text(b) ? buf_text(b) : "";
	const char *at = strrchr(text, '\n');

	return at && at[1] ? at + 1 : text;
}

static void note_delete(struct stage *s, const char *step)
{
	struct ran r = stage_run(s, "delete");
	Pb__DeleteResponse *reply =
		message_unpack(&pb__delete_response__descriptor, r.output.data, r.output.len);

	if (r.code == 0 && reply)
		stage_note_reply(s, step, &reply->base);
	else
		stage_note(s, step, "%d %s", r.code, last_line(&r.errors));
	if (!s->is_stock && r.errors.len > 0) /* containerd logs it as a warning */
		give_up("%s: delete said: %s", s->scene, buf_text(&r.errors));
	if (reply)
		message_free(&reply->base);
	ran_fini(&r);
}

static void note_news(struct stage *s)
{
	auto_buf struct buf all = BUF_INIT(TEXT_MAX);
	struct words w = { .text = BUF_INIT(TEXT_MAX), .name_of_pid = name_of_pid, .user = s };

	for (size_t i = 0; i < s->n_news; i++) {
		words_put(&w, &s->news[i]->envelope->base);
		if (buf_printf(&all, "%s; ", s->news[i]->envelope->topic) < 0)
			give_up("out of memory");
		message_free(&s->news[i]->base);
	}
	stage_note(s, "topics", "%s", all.len ? buf_text(&all) : "none");
	stage_note(s, "events", "%s", w.text.len ? buf_text(&w.text) : "none");
	buf_fini(&w.text);
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
}

static void note_files(struct stage *s)
{
	auto_buf struct buf all = BUF_INIT(TEXT_MAX);
	struct dirent **entry = NULL;
	int n = scandir(s->bundle, &entry, is_shown, alphasort);

	for (int i = 0; i < n; i++) {
		if (buf_printf(&all, "%s ", entry[i]->d_name) < 0)
			give_up("out of memory");
		free(entry[i]);
	}
	free(entry);
	stage_note(s, "files in the bundle", "%s", buf_text(&all));
}

static void note_socket(struct stage *s)
{
	struct stat st;

	stage_note(s, "socket", "%s", stat(s->address, &st) < 0 ? "gone" : "there");
}

void stage_kill_shim(struct stage *s)
{
	(void)child_signal(&s->daemon, SIGKILL);
	stage_run_until(s, &s->daemon_ended, "end of the shim");
}

void stage_close_killed(struct stage *s)
{
	note_news(s);
	note_delete(s, "delete");
	note_delete(s, "delete again");
	note_files(s);
	note_socket(s);
	server_fini(&s->ear);
	client_close(&s->client);
	reaper_sweep(&s->reaper);
	reaper_fini(&s->reaper);
	ev_loop_destroy(s->loop);
	free(s->address);
	close(s->log_fd);
	if (chdir("/") < 0)
		give_up("no root");
}

void stage_close(struct stage *s)
{
	Pb__ShutdownRequest req = PB__SHUTDOWN_REQUEST__INIT;
	bool has_container = quietly(s, "State", NULL);
	struct answer a;

	/* The stock shim of 2.1 may end without telling the last of them; ours must not. */
	if (s->is_stock && !has_container)
		stage_await_news(s, s->n_due);
	req.id = STAGE_ID;
	ask_begin(s, &a, "Shutdown", &req.base);
	stage_run_until(s, &a.is_over, "answer to Shutdown");
	/* The stock shim may be gone before its answer is, and containerd takes that for one. */
	if (!a.reply && a.err.status != STATUS_UNAVAILABLE)
		give_up("%s, %s: Shutdown: %s", s->shim, s->scene, a.err.msg);
	if (a.reply)
		message_free(a.reply);
	if (has_container)
		(void)child_signal(&s->daemon, SIGKILL); /* it stays for that, and rightly */
	stage_run_until(s, &s->daemon_ended, "end of the shim");
	stage_note(s, "status of the shim", "%d", s->daemon_code);
	stage_close_killed(s);
}
