/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/leaks.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void list_fds(bool open[LEAKS_MAX_FD])
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;

	memset(open, 0, LEAKS_MAX_FD * sizeof(*open));
	while (d && (entry = readdir(d))) {
		long fd = strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && fd != dirfd(d) && fd < LEAKS_MAX_FD)
			open[fd] = true;
	}
	if (d)
		closedir(d);
}

static int count_mounts(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	int c, lines = 0;

	if (!f)
		return -1;
	while ((c = getc(f)) != EOF)
		lines += c == '\n';
	fclose(f);
	return lines;
}

void leaks_note(struct leaks *before)
{
	list_fds(before->open);
	before->mounts = count_mounts();
}

static int report_fds(const struct leaks *before)
{
	bool now[LEAKS_MAX_FD];
	int complaints = 0;

	list_fds(now);
	for (int fd = 0; fd < LEAKS_MAX_FD; fd++) {
		char link[64], to[256] = "";

		if (now[fd] == before->open[fd])
			continue;
		complaints++;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (now[fd] && readlink(link, to, sizeof(to) - 1) >= 0)
			fprintf(stderr, "descriptor %d was left open: %s\n", fd, to);
		else
			fprintf(stderr, "descriptor %d was open before the test and is not now\n",
				fd);
	}
	return complaints;
}

static int report_children(void)
{
	siginfo_t si = { 0 };

	if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
		return 0;
	if (si.si_pid == 0)
		fprintf(stderr, "a child was left running\n");
	else
		fprintf(stderr, "a child was left unreaped: pid %d\n", (int)si.si_pid);
	return 1;
}

static int report_mounts(const struct leaks *before)
{
	int now = count_mounts();

	if (now == before->mounts)
		return 0;
	fprintf(stderr, "%d mounts before the test, %d after it\n", before->mounts, now);
	return 1;
}

int leaks_report(const struct leaks *before)
{
	return report_fds(before) + report_children() + report_mounts(before);
}

/* One generation: its children become ours, we are a subreaper. */
static int kill_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	siginfo_t si;
	int pid, killed = 0;

	while (f && fscanf(f, "%d", &pid) == 1) {
		/* A child of ours, alive or not: the number cannot be anybody else's. */
		si.si_pid = 0;
		waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT);
		killed += si.si_pid == 0;
		kill(pid, SIGKILL);
	}
	if (f)
		fclose(f);
	return killed;
}

int leaks_kill_descendants(void)
{
	siginfo_t si;
	int killed = kill_children();

	while (waitid(P_ALL, 0, &si, WEXITED) == 0)
		killed += kill_children();
	return killed;
}
