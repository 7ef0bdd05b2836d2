/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_cpus.c - a list of processors; the same text as the command line of a kernel; and a
 * runtime's name.
 */

#include "base/auto.h"
#include "process/affinity.h"
#include "process/runtime/version.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Spelled again, processor by processor, it is the same set. */
static void check_list(const char *text)
{
	static char again[CPUS_MAX * sizeof("8191,")];
	struct cpus c, second;
	size_t at = 0;

	if (cpus_parse(&c, text) < 0)
		return;
	again[0] = '\0';
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		if (cpus_has(&c, cpu))
			at += (size_t)snprintf(
				again + at, sizeof(again) - at, "%s%d", at > 0 ? "," : "", cpu);
	if (cpus_parse(&second, again) < 0 || memcmp(&c, &second, sizeof(c)) != 0)
		abort();
}

static void check_cmdline(const uint8_t *data, size_t n)
{
	auto_fd int fd = memfd_create("cmdline", MFD_CLOEXEC);
	struct cpus isolated;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		return;
	/* Whichever of the two files it is. */
	(void)!affinity_read_isolated(&isolated, &(struct affinity_place){ path, "/nowhere" });
	(void)!affinity_read_isolated(&isolated, &(struct affinity_place){ "/nowhere", path });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	check_list(text);
	check_cmdline(data, n);
	(void)version_is_at_least(text, "runc", (struct version){ 1, 3, 0 });
	free(text);
	return 0;
}
