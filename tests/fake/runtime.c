/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fake-runtime - the command line of runc, and nothing behind it but obedience.
 *
 *	fake-runtime --root R --log L --log-format json create --bundle B --pid-file P ID
 *
 * A shell script will not do in its place: a shell reaps its background jobs,
 * and a real runtime never waits for the container it leaves behind.
 */

#include "tests/fake/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct option_name {
	const char *name;
	size_t to; /* offset in struct call */
};

/* clang-format off */
static const struct option_name with_value[] = {
	{ "root",           offsetof(struct call, root) },
	{ "log",            offsetof(struct call, log) },
	{ "bundle",         offsetof(struct call, bundle) },
	{ "pid-file",       offsetof(struct call, pid_file) },
	{ "console-socket", offsetof(struct call, console_socket) },
	{ "pidfd-socket",   offsetof(struct call, pidfd_socket) },
	{ "process",        offsetof(struct call, process) },
	{ "image-path",     offsetof(struct call, image_path) },
};
static const struct option_name flags[] = {
	{ "force",          offsetof(struct call, force) },
	{ "leave-running",  offsetof(struct call, leave_running) },
	{ "detach",         offsetof(struct call, detach) },
};
/* Accepted, taken with its value, and of no consequence here. */
static const char *const ignored_with_value[] = {
	"log-format", "criu", "work-path", "parent-path", "empty-ns", "format",
	"manage-cgroups-mode",
};
/* clang-format on */

void die(const struct call *c, const char *fmt, ...)
{
	char text[1024], when[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	f = c->log ? fopen(c->log, "ae") : NULL;
	if (f) {
		json_t *record = json_pack("{ssssss}", "level", "error", "msg", text, "time", when);

		json_dumpf(record, f, JSON_COMPACT);
		fputc('\n', f);
		fclose(f);
	} else {
		fprintf(stderr, "%s\n", text);
	}
	_exit(1);
}

static const struct option_name *find_option(
	const struct option_name *table, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(table[i].name) == len && strncmp(table[i].name, name, len) == 0)
			return &table[i];
	return NULL;
}

static bool takes_ignored_value(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ignored_with_value); i++)
		if (strcmp(ignored_with_value[i], name) == 0)
			return true;
	return false;
}

/* "--name value", "--name=value" or "--flag". Returns how many arguments it took. */
static int parse_option(struct call *c, char **argv)
{
	const char *name = argv[0] + strspn(argv[0], "-");
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct option_name *o = find_option(with_value, ARRAY_LEN(with_value), name, len);

	if (o) {
		*(const char **)(void *)((char *)c + o->to) = equals ? equals + 1 : argv[1];
		return equals ? 1 : 2;
	}
	o = find_option(flags, ARRAY_LEN(flags), name, len);
	if (o)
		*(bool *)(void *)((char *)c + o->to) = true;
	return takes_ignored_value(name) ? 2 : 1;
}

static struct call parse(int argc, char **argv)
{
	struct call c = { 0 };
	const char **positional[] = { &c.verb, &c.id, &c.last };
	size_t n = 0;

	for (int i = 1; i < argc && argv[i];) {
		/* A lone "-" and a signal number are arguments. */
		if (argv[i][0] == '-' && argv[i][1] != '\0')
			i += parse_option(&c, argv + i);
		else if (n < ARRAY_LEN(positional))
			*positional[n++] = argv[i++];
		else
			die(&c, "too many arguments");
	}
	return c;
}

static void make_root(const struct call *c)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s", c->root);
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(path, 0711);
		*p = '/';
	}
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		die(c, "mkdir %s: %s", path, strerror(errno));
}

/* In one write, so that calls that overlap do not mix. */
static void note_call(const struct call *c, int argc, char **argv)
{
	char line[4096], path[4096];
	size_t at = 0;
	int fd;

	for (int i = 1; i < argc && at < sizeof(line) - 2; i++)
		at += (size_t)snprintf(
			line + at, sizeof(line) - at, "%s%s", i > 1 ? " " : "", argv[i]);
	if (at > sizeof(line) - 2)
		at = sizeof(line) - 2;
	line[at++] = '\n';
	snprintf(path, sizeof(path), "%s/calls.log", c->root);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, at) != (ssize_t)at)
		die(c, "write %s: %s", path, strerror(errno));
	close(fd);
}

/* With FAKE_HANDS_PIDFDS in the environment it is as runc since 1.2, else as before. */
static bool hands_pidfds(void)
{
	return getenv("FAKE_HANDS_PIDFDS") != NULL;
}

/* What needs no container and no root. */
static bool answer_about_itself(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		puts("fake-runtime version 1.0.0\nspec: 1.0.2");
	else if (argc == 2 && strcmp(argv[1], "features") == 0)
		printf("{\"ociVersionMin\":\"1.0.0\",\"ociVersionMax\":\"1.0.2\",%s"
		       "\"linux\":{\"namespaces\":[\"mount\",\"pid\"]}}\n",
			hands_pidfds() ? "\"annotations\":{\"org.opencontainers.runc.version\":"
					 "\"1.3.0\"},"
				       : "");
	else
		return false;
	return true;
}

static void run(const struct call *c)
{
	const struct verb *v = verbs;
	struct misdeeds m = { 0 };
	struct state s = { 0 };
	bool known;

	while (v->name && strcmp(v->name, c->verb) != 0)
		v++;
	if (!v->name)
		die(c, "unknown command \"%s\"", c->verb);
	known = state_load(c, &s);
	misdeeds_begin(c, v->makes ? c->bundle : s.bundle, &m);
	if (m.lie)
		return;
	if (v->makes && known)
		die(c, "container with given ID already exists");
	if (!v->makes && !known) {
		/* What a delete that was killed has left goes too, as with runc. */
		if (strcmp(c->verb, "delete") == 0)
			state_remove(&s);
		if (c->force)
			return;
		die(c, "container \"%s\" does not exist", c->id);
	}
	v->run(c, &s, &m);
	if (m.after_fail[0])
		die(c, "%s", m.after_fail);
}

int main(int argc, char **argv)
{
	struct call c;

	if (answer_about_itself(argc, argv))
		return 0;
	c = parse(argc, argv);
	if (!c.root || !c.verb || !c.id)
		die(&c, "usage: fake-runtime --root R --log L VERB [OPTIONS] ID");
	make_root(&c);
	if (c.pidfd_socket && !hands_pidfds())
		die(&c, "flag provided but not defined: -pidfd-socket");
	note_call(&c, argc, argv);
	run(&c);
	fflush(stdout);
	_exit(0); /* what we hold goes with us: a leak checker has nothing to say here */
}
