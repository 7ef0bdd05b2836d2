/* SPDX-License-Identifier: Apache-2.0 */

/*
 * probe - says what it was born with, one `key: value` a line, then exits with
 * the code in $CODE. Built without sanitizers, which bring handlers of their own.
 */

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void say_links(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char to[256] = "";

		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(d))
			continue;
		if (readlinkat(dirfd(d), entry->d_name, to, sizeof(to) - 1) > 0)
			printf("fd %s: %s\n", entry->d_name, to);
	}
	if (d)
		closedir(d);
}

/* A line of its own for a small file of /proc/self. */
static void say_file(const char *name)
{
	char path[64], line[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f))
		printf("%s: %s", name, line);
	if (f)
		fclose(f);
}

static void say_signals(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if ((strncmp(line, "Sig", 3) == 0 && strncmp(line, "SigQ", 4) != 0) ||
			strncmp(line, "Cpus_allowed_list", 17) == 0)
			fputs(line, stdout);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	const char *code = getenv("CODE");
	int pdeathsig = -1;

	for (int i = 0; i < argc; i++)
		printf("arg %d: %s\n", i, argv[i]);
	for (char **e = environ; *e; e++)
		printf("env: %s\n", *e);
	prctl(PR_GET_PDEATHSIG, &pdeathsig);
	printf("pdeathsig: %d\n", pdeathsig);
	say_file("oom_score_adj");
	say_signals();
	say_links();
	fflush(stdout);
	return code ? atoi(code) : 0;
}
