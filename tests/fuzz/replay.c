/* SPDX-License-Identifier: Apache-2.0 */

/*
 * replay.c - main() of a fuzz target in an ordinary build: each file of the
 * corpus once, and each of its beginnings, for what is cut short is what
 * parsers get wrong.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1 << 20)

/* A larger input is cut in fewer places. */
#define CUTS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A copy of just that size, so that the sanitizer sees a read beyond it. */
static void try(const uint8_t *data, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);

	if (!exact)
		abort();
	memcpy(exact, data, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static void replay(const uint8_t *data, size_t n)
{
	size_t step = n / CUTS_MAX + 1;

	for (size_t cut = 0; cut < n; cut += step)
		try(data, cut);
	try(data, n);
}

static int replay_file(const char *dir, const char *name, uint8_t *room)
{
	char path[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f) {
		perror(path);
		return -1;
	}
	n = fread(room, 1, INPUT_MAX, f);
	fclose(f);
	printf("%s, %zu bytes\n", name, n);
	fflush(stdout); /* if it crashes, this was the one */
	replay(room, n);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	uint8_t *room = malloc(INPUT_MAX);
	struct dirent *entry;
	int files = 0, rc = 0;

	if (!d || !room) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return EXIT_FAILURE;
	}
	while (rc == 0 && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		rc = replay_file(argv[1], entry->d_name, room);
		files++;
	}
	closedir(d);
	free(room);
	if (rc < 0 || files == 0) {
		printf("FAILED corpus: %d files in %s\n", files, argv[1]);
		return EXIT_FAILURE;
	}
	printf("ok corpus of %d files\n", files);
	return EXIT_SUCCESS;
}
