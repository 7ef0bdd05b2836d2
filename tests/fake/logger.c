/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fake-logger - a logging binary (binary://) that does as its arguments say.
 *
 *	?file=PATH    writes what it reads from 3 and 4 there, each line after "out: " or "err: "
 *	?ready=never  says nothing and keeps the pipe open
 *	?ready=close  closes the pipe without a byte, as older loggers do
 *	?ready=exit   exits before it is ready
 *	?end=ignore   does not care for SIGTERM and stays
 *
 * What it finds in its environment and its descriptors goes to PATH.env and PATH.fds.
 */

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *option(int argc, char **argv, const char *key)
{
	for (int i = 1; i + 1 < argc; i += 2)
		if (strcmp(argv[i], key) == 0)
			return argv[i + 1];
	return "";
}

static FILE *beside(const char *file, const char *suffix)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s%s", file, suffix);
	return fopen(path, "we");
}

static void describe_self(const char *file)
{
	FILE *env = beside(file, ".env");
	FILE *fds;
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;
	char **e;

	for (e = environ; env && *e; e++)
		fprintf(env, "%s\n", *e);
	if (env)
		fclose(env);
	fds = beside(file, ".fds");
	while (d && fds && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(d) &&
			atoi(entry->d_name) != fileno(fds))
			fprintf(fds, "%s\n", entry->d_name);
	if (fds)
		fclose(fds);
	if (d)
		closedir(d);
}

static void copy_lines(FILE *from, const char *prefix, FILE *to)
{
	char line[4096];

	while (fgets(line, sizeof(line), from))
		fprintf(to, "%s%s", prefix, line);
	fflush(to);
}

int main(int argc, char **argv)
{
	const char *file = option(argc, argv, "file");
	const char *ready = option(argc, argv, "ready");
	FILE *to;

	if (strcmp(option(argc, argv, "end"), "ignore") == 0)
		signal(SIGTERM, SIG_IGN);
	if (strcmp(ready, "exit") == 0)
		return 3;
	describe_self(file);
	to = fopen(file, "ae");
	if (!to)
		return 3;
	if (strcmp(ready, "never") == 0)
		pause();
	if (strcmp(ready, "close") != 0 && write(5, "", 1) != 1)
		return 4;
	close(5);
	copy_lines(fdopen(3, "r"), "out: ", to);
	copy_lines(fdopen(4, "r"), "err: ", to);
	if (strcmp(option(argc, argv, "end"), "ignore") == 0)
		pause();
	return fclose(to) != 0;
}
