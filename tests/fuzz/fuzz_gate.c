/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_gate.c - what a runtime prints as its features, and a config.json: two documents, a line
 * with nothing but "--" between them.
 */

#include "base/auto.h"
#include "process/gate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char between[] = "\n--\n";
	const uint8_t *middle = memmem(data, n, between, sizeof(between) - 1);
	size_t first = middle ? (size_t)(middle - data) : n;
	size_t second = middle ? first + sizeof(between) - 1 : n;
	struct features f = { .text = BUF_INIT(RUNTIME_OUTPUT_MAX), .name = "runtime 1.0" };
	auto_json json_t *config =
		json_loadb((const char *)data + second, n - second, JSON_DECODE_INT_AS_REAL, NULL);
	const struct gate g = { .config = config, .cgroup_v2 = true, .systemd_cgroup = true };
	struct err e = ERR_INIT;
	int rc;

	if (buf_add(&f.text, data, first) < 0)
		return 0;
	rc = gate_check(&g, &f, &e);
	if ((rc < 0) != err_is_set(&e) || strnlen(e.msg, sizeof(e.msg)) == sizeof(e.msg))
		abort();
	buf_fini(&f.text);
	return 0;
}
