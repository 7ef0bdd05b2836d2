/* SPDX-License-Identifier: Apache-2.0 */

/*
 * state.c - what fake-runtime remembers, as small files in ROOT/ID/.
 */

#include "tests/fake/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_dir(const struct call *c, struct state *s)
{
	snprintf(s->dir, sizeof(s->dir), "%s/%s", c->root, c->id);
}

void state_make(const struct call *c, struct state *s)
{
	set_dir(c, s);
	snprintf(s->bundle, sizeof(s->bundle), "%s", c->bundle);
	if (mkdir(s->dir, 0700) < 0)
		die(c, "mkdir %s: %s", s->dir, strerror(errno));
	state_save(s, "bundle", s->bundle);
}

static FILE *open_in(const struct state *s, const char *name, const char *mode)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return fopen(path, mode);
}

void state_save(const struct state *s, const char *name, const char *text)
{
	FILE *f = open_in(s, name, "we");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

void state_append(const struct state *s, const char *name, const char *text)
{
	FILE *f = open_in(s, name, "ae");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

bool state_read(const struct state *s, const char *name, char *ret_text, size_t room)
{
	FILE *f = open_in(s, name, "re");
	size_t n;

	if (!f)
		return false;
	n = fread(ret_text, 1, room - 1, f);
	ret_text[n] = '\0';
	fclose(f);
	return true;
}

/* Fields 3 and 22 of /proc/PID/stat; the name before them may hold anything. */
static bool read_stat(pid_t pid, char *ret_state, char ret_started[32])
{
	char path[64], text[1024] = "", *after_name;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	after_name = strrchr(text, ')');
	return after_name &&
	       sscanf(after_name,
		       ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		       "%*s %31s",
		       ret_state, ret_started) == 2;
}

/* The number alone may be somebody else's by now. */
bool pid_is_alive(pid_t pid, const char *started)
{
	char state, now[32];

	return pid > 0 && read_stat(pid, &state, now) && state != 'Z' && strcmp(now, started) == 0;
}

void pid_started(pid_t pid, char ret_started[32])
{
	char state;

	if (!read_stat(pid, &state, ret_started))
		ret_started[0] = '\0';
}

bool state_load(const struct call *c, struct state *s)
{
	char pid[32] = "", started[32] = "";

	set_dir(c, s);
	if (!state_read(s, "bundle", s->bundle, sizeof(s->bundle)))
		return false;
	state_read(s, "status", s->status, sizeof(s->status));
	state_read(s, "started", started, sizeof(started));
	if (state_read(s, "pid", pid, sizeof(pid)))
		s->pid = (pid_t)strtol(pid, NULL, 10);
	if (!pid_is_alive(s->pid, started))
		strcpy(s->status, "stopped");
	return true;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

void state_remove(const struct state *s)
{
	nftw(s->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
