/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpus.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct cpus cpus_all = {
	.word = { [0 ... CPUS_MAX / CPUS_WORD_BITS - 1] = ~0UL },
};

static void add(struct cpus *c, long cpu)
{
	c->word[(size_t)cpu / CPUS_WORD_BITS] |= 1UL << ((size_t)cpu % CPUS_WORD_BITS);
}

/* Digits only: strtol() would take a sign and white space too. */
static int parse_number(const char **at, long *ret)
{
	long n = 0;

	if (**at < '0' || **at > '9')
		return -EINVAL;
	for (; **at >= '0' && **at <= '9'; (*at)++)
		if (n < CPUS_MAX)
			n = n * 10 + (**at - '0');
	*ret = n;
	return n < CPUS_MAX ? 0 : -ERANGE;
}

/* "7" or "0-3". */
static int parse_range(const char **at, struct cpus *c)
{
	long first, last;
	int rc = parse_number(at, &first);

	if (rc < 0)
		return rc;
	last = first;
	if (**at == '-') {
		(*at)++;
		rc = parse_number(at, &last);
	}
	if (rc < 0)
		return rc;
	if (last < first)
		return -EINVAL;
	for (long cpu = first; cpu <= last; cpu++)
		add(c, cpu);
	return 0;
}

int cpus_parse(struct cpus *ret, const char *list)
{
	struct cpus c = { { 0 } };
	const char *at = list;

	while (*at) {
		int rc = parse_range(&at, &c);

		if (rc < 0)
			return rc;
		if (*at && (*at != ',' || !at[1]))
			return -EINVAL;
		at += *at == ',';
	}
	*ret = c;
	return 0;
}

void cpus_set_one(struct cpus *ret, int cpu)
{
	*ret = (struct cpus){ { 0 } };
	add(ret, cpu);
}

bool cpus_has(const struct cpus *c, int cpu)
{
	return cpu >= 0 && cpu < CPUS_MAX &&
	       (c->word[(size_t)cpu / CPUS_WORD_BITS] >> ((size_t)cpu % CPUS_WORD_BITS) & 1);
}

int cpus_first(const struct cpus *c, const struct cpus *without)
{
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		if (cpus_has(c, cpu) && !(without && cpus_has(without, cpu)))
			return cpu;
	return -1;
}

bool cpus_meet(const struct cpus *a, const struct cpus *b)
{
	for (size_t i = 0; i < sizeof(a->word) / sizeof(a->word[0]); i++)
		if (a->word[i] & b->word[i])
			return true;
	return false;
}

int cpus_apply(const struct cpus *c, pid_t pid)
{
	char path[32];
	struct dirent *entry;
	int rc = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (rc == 0 && (entry = readdir(d))) {
		long tid = strtol(entry->d_name, NULL, 10);

		/* Not sched_setaffinity(): libc's is for sets of 1024. */
		if (tid > 0 && syscall(SYS_sched_setaffinity, tid, sizeof(c->word), c->word) < 0 &&
			errno != ESRCH)
			rc = -errno;
	}
	closedir(d);
	return rc;
}
