/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/prometheus.h"

#include "base/attr.h"

#include <stddef.h>

/* Counted in nanoseconds here, told in seconds, which is Prometheus' unit. */
#define NS_PER_S 1e9

struct metric {
	const char *name, *type, *help;
	size_t at; /* of a uint64_t in struct usage */
	double unit;
};

#define AT(member) offsetof(struct usage, member)

static const struct metric metrics[] = {
	{ "belay_container_cpu_seconds_total", "counter", "Processor time used.", AT(cpu_ns),
		NS_PER_S },
	{ "belay_container_cpu_user_seconds_total", "counter", "Of it, outside the kernel.",
		AT(user_ns), NS_PER_S },
	{ "belay_container_cpu_system_seconds_total", "counter", "Of it, in the kernel.",
		AT(system_ns), NS_PER_S },
	{ "belay_container_cpu_throttled_seconds_total", "counter",
		"Time it was kept from running by its limit.", AT(throttled_ns), NS_PER_S },
	{ "belay_container_memory_bytes", "gauge", "Memory in use, cache included.", AT(memory),
		1 },
	{ "belay_container_memory_limit_bytes", "gauge", "Its limit, if it has one.",
		AT(memory_limit), 1 },
	{ "belay_container_memory_cache_bytes", "gauge", "Of memory in use, pages of files.",
		AT(cache), 1 },
	{ "belay_container_processes", "gauge", "Processes and threads.", AT(pids), 1 },
	{ "belay_container_read_bytes_total", "counter", "Read from block devices.", AT(read_bytes),
		1 },
	{ "belay_container_written_bytes_total", "counter", "Written to block devices.",
		AT(written_bytes), 1 },
	{ "belay_container_oom_kills_total", "counter", "Processes killed for want of memory.",
		AT(oom_kills), 1 },
};

static void print_head(const char *name, const char *type, const char *help, FILE *to)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Ids and namespaces are letters, digits and ".-_" (base/id.h): nothing to escape. */
static void print_labels(const char *name, const struct found *f, FILE *to)
{
	fprintf(to, "%s{namespace=\"%s\",id=\"%s\"} ", name, f->ns, f->id);
}

static void print_metric(const struct metric *m, const struct seen *seen, size_t n, FILE *to)
{
	print_head(m->name, m->type, m->help, to);
	for (size_t i = 0; i < n; i++) {
		uint64_t value;

		if (!seen[i].has_usage)
			continue;
		value = *(const uint64_t *)(const void *)((const char *)&seen[i].usage + m->at);
		if (value == USAGE_NO_LIMIT)
			continue;
		print_labels(m->name, seen[i].found, to);
		fprintf(to, "%.17g\n", (double)value / m->unit);
	}
}

static void print_shims(const struct seen *seen, size_t n, FILE *to)
{
	print_head("belay_shim_pss_bytes", "gauge",
		"Memory of the shim, its share of what it shares.", to);
	for (size_t i = 0; i < n; i++)
		if (seen[i].shim_pss >= 0) {
			print_labels("belay_shim_pss_bytes", seen[i].found, to);
			fprintf(to, "%lld\n", (long long)seen[i].shim_pss);
		}
	print_head("belay_shim_up", "gauge", "1 if the shim answered.", to);
	for (size_t i = 0; i < n; i++) {
		print_labels("belay_shim_up", seen[i].found, to);
		fprintf(to, "%d\n", seen[i].state != NULL);
	}
}

void prometheus_print(const struct seen *seen, size_t n, FILE *to)
{
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		print_metric(&metrics[i], seen, n, to);
	print_shims(seen, n, to);
}
