/* SPDX-License-Identifier: Apache-2.0 */
#include "reaper/run.h"

#include "base/auto.h"

#include <errno.h>
#include <sys/wait.h>

int run_program(const struct spawn *s, struct exit_status *ret)
{
	auto_fd int pidfd = -1;
	siginfo_t si = { 0 };
	pid_t pid;
	int rc = spawn_program(s, &pid, &pidfd);

	if (rc < 0)
		return rc;
	while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &si, WEXITED) < 0) {
		if (errno != EINTR) {
			*ret = (struct exit_status){ .code = EXIT_CODE_UNKNOWN };
			return 0;
		}
	}
	exit_status_decode(&si, ret);
	return 0;
}
