/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mayfly - the shortest life a process can have that is told from all others.
 *
 *	mayfly FOLDER NAME CODE MILLISECONDS
 *
 * Writes its pid to FOLDER/NAME, lives for a while (-1: until it is killed),
 * and exits with CODE. Linked statically: what counts is how many there are in
 * a second.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void sign(const char *folder, const char *name)
{
	char path[512], text[16];
	int fd, n = snprintf(text, sizeof(text), "%d", (int)getpid());

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, (size_t)n) != n)
		_exit(254);
	close(fd);
}

int main(int argc, char **argv)
{
	long ms;

	if (argc != 5)
		return 254;
	ms = strtol(argv[4], NULL, 10);
	if (strcmp(argv[2], "-") != 0)
		sign(argv[1], argv[2]);
	while (ms < 0)
		pause();
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
	_exit((int)strtol(argv[3], NULL, 10));
}
