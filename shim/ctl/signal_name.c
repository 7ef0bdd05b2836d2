/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/signal_name.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int number(const char *word, int low, int high)
{
	char *end;
	long n = strtol(word, &end, 10);

	return word[0] >= '0' && word[0] <= '9' && *end == '\0' && n >= low && n <= high ? (int)n
											 : -1;
}

/* RTMIN, RTMIN+1..., RTMAX, RTMAX-1... */
static int real_time(const char *word)
{
	int span = SIGRTMAX - SIGRTMIN;
	int n;

	if (strcasecmp(word, "RTMIN") == 0)
		return SIGRTMIN;
	if (strcasecmp(word, "RTMAX") == 0)
		return SIGRTMAX;
	if (strncasecmp(word, "RTMIN+", 6) == 0 && (n = number(word + 6, 0, span)) >= 0)
		return SIGRTMIN + n;
	if (strncasecmp(word, "RTMAX-", 6) == 0 && (n = number(word + 6, 0, span)) >= 0)
		return SIGRTMAX - n;
	return -1;
}

int signal_of(const char *word)
{
	int n = number(word, 1, SIGRTMAX);

	if (n >= 0)
		return n;
	if (strncasecmp(word, "SIG", 3) == 0)
		word += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(name, word) == 0)
			return i;
	}
	return real_time(word);
}
