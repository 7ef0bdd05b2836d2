/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fuzz_bundle.c - the files of a bundle, whoever wrote them. The first byte says which:
 * config.json, options.json, exitstatus.json, a pid file, the process of an exec.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"
#include "process/bundle.h"
#include "process/runtime/runtime.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void config(int dir, const uint8_t *data, size_t n)
{
	auto_json json_t *doc = json_loadb((const char *)data, n, JSON_DECODE_INT_AS_REAL, NULL);
	struct affinity affinity = { 0 };
	struct bundle_facts facts;
	struct err e = ERR_INIT;

	if (bundle_read_facts(dir, &facts, &e) == 0)
		bundle_facts_fini(&facts);
	e = ERR_INIT;
	if ((affinity_read(&affinity, doc, &e) < 0) != err_is_set(&e))
		abort();
	affinity_fini(&affinity);
}

static void options(int dir, const uint8_t *data, size_t n)
{
	auto_json json_t *owner = NULL;
	struct container_options o;
	struct err e = ERR_INIT;

	(void)data;
	(void)n;
	if (bundle_read_options(dir, &o, &owner, &e) == 0 && bundle_write_options(dir, &o, &e) < 0)
		abort();
}

static void exit_file(int dir, const uint8_t *data, size_t n)
{
	struct exit_file x;

	(void)data;
	(void)n;
	if (bundle_read_exit(dir, &x) == 0 && bundle_write_exit(dir, &x) < 0)
		abort();
}

static void pid_file(int dir, const uint8_t *data, size_t n)
{
	struct err e = ERR_INIT;
	pid_t pid = 0;

	(void)data;
	(void)n;
	if (runtime_read_pid(dir, "init.pid", &pid, &e) == 0 && pid <= 1)
		abort();
}

static void process(int dir, const uint8_t *data, size_t n)
{
	auto_buf struct buf text = BUF_INIT(4u << 20);
	auto_json json_t *doc = NULL;
	struct cpu_wish wish = { 0 };
	struct err e = ERR_INIT;

	(void)dir;
	if (json_parse((const char *)data, n, "process spec", &doc, &e) < 0)
		return;
	if ((cpu_wish_read(&wish, doc, "process.", &e) < 0) != err_is_set(&e))
		abort();
	(void)json_copy_with_bool((const char *)data, n, "terminal", true, &text);
	cpu_wish_fini(&wish);
}

static const struct {
	const char *file;
	void (*read)(int dir, const uint8_t *data, size_t n);
} kinds[] = {
	{ "config.json", config },
	{ "options.json", options },
	{ "exitstatus.json", exit_file },
	{ "init.pid", pid_file },
	{ "process.json", process },
};

static char path[] = "/tmp/belay-fuzz.XXXXXX";

static void clean_up(void)
{
	(void)rmdir(path); /* each input has taken its files with it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int dir = -1;
	size_t kind;

	if (n == 0)
		return 0;
	if (dir < 0) {
		if (!mkdtemp(path) || (dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			abort();
		atexit(clean_up);
	}
	kind = data[0] % ARRAY_LEN(kinds);
	if (fd_replace_file(dir, kinds[kind].file, data + 1, n - 1, 0600) < 0)
		abort();
	kinds[kind].read(dir, data + 1, n - 1);
	(void)unlinkat(dir, kinds[kind].file, 0);
	(void)unlinkat(dir, "runtime", 0);
	return 0;
}
