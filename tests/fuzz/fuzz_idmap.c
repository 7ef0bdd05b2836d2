/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_idmap.c - the text of a uidmap= option, and that of a lowerdir=.
 */

#include "process/rootfs/idmap.h"
#include "process/rootfs/layers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What was taken has three numbers on each line, and as many lines as there were ranges. */
static void check_map(const char *text)
{
	auto_buf struct buf map = BUF_INIT(IDMAP_TEXT_MAX);
	struct err e = ERR_INIT;
	size_t commas = 0, lines = 0, spaces = 0;

	if (idmap_parse(text, &map, &e) < 0) {
		if (!err_is_set(&e))
			abort();
		return;
	}
	for (; *text; text++)
		commas += *text == ',';
	for (size_t i = 0; i < map.len; i++) {
		lines += map.data[i] == '\n';
		spaces += map.data[i] == ' ';
	}
	if (lines != commas + 1 || spaces != 2 * lines || lines > IDMAP_EXTENTS_MAX)
		abort();
}

/* Joined and parted again they are the same layers. */
static void check_layers(const char *text)
{
	auto_buf struct buf joined = BUF_INIT(SIZE_MAX);
	struct layers l, again;
	size_t common;

	if (layers_split(text, &l) < 0)
		return;
	common = layers_common(&l);
	for (size_t i = 0; i < l.n; i++)
		if (strncmp(l.path[i], l.path[0], common) != 0 || !l.path[i][common])
			abort();
	if (layers_join(&l, 0, &joined) < 0 || layers_split(buf_text(&joined), &again) < 0)
		abort();
	if (again.n != l.n)
		abort();
	for (size_t i = 0; i < l.n; i++)
		if (strcmp(l.path[i], again.path[i]) != 0)
			abort();
	layers_fini(&l);
	layers_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	check_map(text);
	check_layers(text);
	free(text);
	return 0;
}
