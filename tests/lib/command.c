/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/command.h"

#include "base/auto.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static char *read_back(int fd)
{
	struct stat st;
	char *text;

	assert_int_equal(fstat(fd, &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)st.st_size, 0), st.st_size);
	return text;
}

/* Into memory, not through a pipe: what the command leaves behind may keep it open for ever. */
struct command command_run(const char *fmt, ...)
{
	auto_fd int output = memfd_create("output", MFD_CLOEXEC);
	char line[LINE_MAX_BYTES];
	int status;
	va_list ap;
	pid_t pid;

	va_start(ap, fmt);
	assert_in_range(vsnprintf(line, sizeof(line), fmt, ap), 1, sizeof(line) - 1);
	va_end(ap);
	pid = fork();
	if (pid == 0) {
		dup2(output, STDOUT_FILENO);
		dup2(output, STDERR_FILENO);
		execl("/bin/sh", "sh", "-c", line, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (struct command){
		.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
		.output = read_back(output),
	};
}

void command_fini(struct command *c)
{
	free(c->output);
	c->output = NULL;
}
