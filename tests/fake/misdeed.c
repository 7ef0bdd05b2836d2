/* SPDX-License-Identifier: Apache-2.0 */

/*
 * misdeed.c - lines of BUNDLE/fake, `VERB BEHAVIOUR [ARGUMENT]`, any number:
 *
 *	create hang             for ever
 *	create hang-ms 300      for a while, then goes on
 *	create noise 100000     bytes on stderr, then goes on
 *	create fail TEXT        nothing done, TEXT in the log, code 1
 *	create die 11           nothing done, killed by that signal
 *	create lie              nothing done, code 0
 *	create after-fail TEXT  all done, then as `fail`
 *	create dead-init        init exits 42 before create does (exec, restore too)
 *	create orphan 3         init is an orphan for so many ms before create ends
 *	create half-pid         the pid file is empty
 *	create stranger-pid     the pid file names pid 1
 *	create no-pidfd         nothing comes over the pidfd socket (exec too)
 *	create wrong-pidfd      the runtime's own does
 *	create false-pidfd      something that is no pidfd does
 *	create mute-console     no terminal comes, and the init holds on to the socket (exec too)
 */

#include "tests/fake/runtime.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FOR_EVER (-1L)

void misdeed_hang(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	if (ms == FOR_EVER)
		for (;;)
			pause();
	nanosleep(&ts, NULL);
}

/* @n bytes, in lines: a system call for each byte would take half a second for a megabyte. */
static void make_noise(long n)
{
	char line[80];

	memset(line, '.', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (; n > 0; n -= (long)sizeof(line)) {
		size_t part = n < (long)sizeof(line) ? (size_t)n : sizeof(line);

		(void)!fwrite(line + sizeof(line) - part, 1, part, stderr);
	}
}

static void die_by(int signo)
{
	signal(signo, SIG_DFL); /* the sanitizer's handler would exit */
	raise(signo);
	_exit(99); /* that signal does not kill */
}

static void act(const struct call *c, const char *what, const char *arg, struct misdeeds *m)
{
	if (strcmp(what, "hang") == 0)
		misdeed_hang(FOR_EVER);
	else if (strcmp(what, "hang-ms") == 0)
		misdeed_hang(strtol(arg, NULL, 10));
	else if (strcmp(what, "noise") == 0)
		make_noise(strtol(arg, NULL, 10));
	else if (strcmp(what, "fail") == 0)
		die(c, "%s", arg);
	else if (strcmp(what, "die") == 0)
		die_by((int)strtol(arg, NULL, 10));
	else if (strcmp(what, "lie") == 0)
		m->lie = true;
	else if (strcmp(what, "after-fail") == 0)
		snprintf(m->after_fail, sizeof(m->after_fail), "%s", arg);
	else if (strcmp(what, "dead-init") == 0)
		m->dead_init = true;
	else if (strcmp(what, "orphan") == 0)
		m->orphan_ms = strtol(arg, NULL, 10);
	else if (strcmp(what, "half-pid") == 0)
		m->half_pid = true;
	else if (strcmp(what, "stranger-pid") == 0)
		m->stranger_pid = true;
	else if (strcmp(what, "no-pidfd") == 0)
		m->no_pidfd = true;
	else if (strcmp(what, "wrong-pidfd") == 0)
		m->wrong_pidfd = true;
	else if (strcmp(what, "false-pidfd") == 0)
		m->false_pidfd = true;
	else if (strcmp(what, "mute-console") == 0)
		m->mute_console = true;
	else
		die(c, "the fake runtime knows no misdeed '%s'", what);
}

void misdeeds_begin(const struct call *c, const char *bundle, struct misdeeds *ret)
{
	char path[4096], verb[32], what[32], arg[512], line[1024];
	FILE *f;

	if (!bundle || !*bundle)
		return;
	snprintf(path, sizeof(path), "%s/fake", bundle);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		arg[0] = '\0';
		if (sscanf(line, "%31s %31s %511[^\n]", verb, what, arg) >= 2 &&
			strcmp(verb, c->verb) == 0)
			act(c, what, arg, ret);
	}
	if (f)
		fclose(f);
}
