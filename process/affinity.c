/* SPDX-License-Identifier: Apache-2.0 */
#include "process/affinity.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "process/cgroup/cgroup.h"
#include "process/runtime/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Of a list, and of the command line of a kernel, which is a page at most. */
#define LIST_MAX 8192

static int read_list(char **ret, json_t *object, const char *key, const char *what, struct err *e)
{
	const char *list = json_get_string(object, key);
	struct cpus parsed;
	int rc;

	if (!list || !list[0])
		return 0;
	rc = cpus_parse(&parsed, list);
	if (rc < 0)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"%sexecCPUAffinity.%s is \"%.64s\", which %s", what, key, list,
			rc == -ERANGE ? "has a number beyond any processor's"
				      : "is no list of processors such as 0-3,7");
	*ret = strdup(list);
	return *ret ? 0 : err_oom(e);
}

int cpu_wish_read(struct cpu_wish *ret, json_t *process, const char *what, struct err *e)
{
	json_t *object = json_get(process, "execCPUAffinity", NULL);
	struct cpu_wish w = { 0 };

	if (read_list(&w.initial, object, "initial", what, e) < 0 ||
		read_list(&w.final, object, "final", what, e) < 0) {
		cpu_wish_fini(&w);
		return -1;
	}
	*ret = w;
	return 0;
}

void cpu_wish_fini(struct cpu_wish *w)
{
	free(take_ptr(&w->initial));
	free(take_ptr(&w->final));
}

static int read_transition(enum transition *ret, json_t *config, struct err *e)
{
	const char *word =
		json_get_string(json_get(config, "annotations", NULL), AFFINITY_ANNOTATION);

	*ret = TRANSITION_NONE;
	if (!word || !word[0])
		return 0;
	if (strcmp(word, "temporary") == 0)
		*ret = TRANSITION_TEMPORARY;
	else if (strcmp(word, "definitive") == 0)
		*ret = TRANSITION_DEFINITIVE;
	else
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"config.json: annotation " AFFINITY_ANNOTATION
			" is \"%.64s\", which is neither temporary nor definitive",
			word);
	return 0;
}

int affinity_read(struct affinity *a, json_t *config, struct err *e)
{
	if (read_transition(&a->transition, config, e) < 0)
		return -1;
	return cpu_wish_read(
		&a->wish, json_get(config, "process", NULL), "config.json: process.", e);
}

void affinity_fini(struct affinity *a)
{
	cpu_wish_fini(&a->wish);
}

void affinity_know_runtime(struct affinity *a, const char *name)
{
	bool is_runc = version_is_at_least(name, "runc", (struct version){ 1, 3, 0 });

	a->runtime_resets = version_is_at_least(name, "runc", (struct version){ 1, 3, 1 }) ||
			    version_is_at_least(name, "crun", (struct version){ 1, 25, 0 });
	a->runtime_takes_wish =
		is_runc || version_is_at_least(name, "crun", (struct version){ 1, 19, 0 });
	a->runtime_takes_config = is_runc;
}

const struct cpus *affinity_of_runtime(const struct affinity *a)
{
	return a->runtime_resets ? NULL : &cpus_all;
}

int affinity_pick(const struct cpus *cpuset, const struct cpus *isolated)
{
	int housekeeping;

	if (!cpus_meet(cpuset, isolated))
		return -1;
	housekeeping = cpus_first(cpuset, isolated);
	return housekeeping >= 0 ? housekeeping : cpus_first(cpuset, NULL);
}

/* A file with a list and a newline. */
static int read_list_file(struct cpus *ret, struct buf *text)
{
	char *list;

	if (!buf_text(text))
		return -ENOMEM;
	list = (char *)text->data;
	list[strcspn(list, "\n")] = '\0';
	return cpus_parse(ret, strcmp(list, "(null)") == 0 ? "" : list);
}

/* The end of the parameter at @at: white space, but not within quotes. */
static char *end_of_parameter(char *at)
{
	bool quoted = false;

	for (; *at && (quoted || !strchr(" \t\n", *at)); at++)
		quoted ^= *at == '"';
	return at;
}

/* -ENOENT when the command line does not say. What is behind "--" is init's. */
static int read_cmdline(struct cpus *ret, const char *path)
{
	static const char key[] = "nohz_full=";
	auto_buf struct buf text = BUF_INIT(LIST_MAX);
	int rc = fd_read_file(AT_FDCWD, path, &text);
	char *at;

	if (rc < 0 || !buf_text(&text))
		return rc < 0 ? rc : -ENOMEM;
	at = (char *)text.data;
	while (*(at += strspn(at, " \t\n"))) {
		char *end = end_of_parameter(at);
		char *next = end + (*end != '\0');

		*end = '\0';
		if (strcmp(at, "--") == 0)
			break;
		if (strncmp(at, key, sizeof(key) - 1) == 0)
			return cpus_parse(ret, at + sizeof(key) - 1);
		at = next;
	}
	return -ENOENT;
}

int affinity_read_isolated(struct cpus *ret, const struct affinity_place *at)
{
	auto_buf struct buf text = BUF_INIT(LIST_MAX);
	int rc = read_cmdline(ret, at->cmdline);

	if (rc == 0)
		return 0;
	rc = fd_read_file(AT_FDCWD, at->nohz_full, &text);
	if (rc == -ENOENT)
		return cpus_parse(ret, ""); /* a kernel that knows no such thing */
	return rc < 0 ? rc : read_list_file(ret, &text);
}

/* Those it really has, whoever set them: its own file or that of a group above. */
static int read_cpuset(struct cpus *ret, const struct cgroup *cg)
{
	auto_buf struct buf text = BUF_INIT(LIST_MAX);
	int rc = cgroup_read(
		cg, "cpuset", cg->is_v2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus", &text);

	if (rc == -ENOENT)
		return cpus_parse(ret, ""); /* it has none */
	return rc < 0 ? rc : read_list_file(ret, &text);
}

static int plan_transition(
	struct affinity_plan *p, const struct affinity_case *given, struct err *e)
{
	struct cpus cpuset, isolated;
	int cpu;
	int rc = affinity_read_isolated(&isolated, given->at);

	if (rc < 0)
		return err_rc(e, rc, "find the isolated processors, for " AFFINITY_ANNOTATION);
	rc = read_cpuset(&cpuset, given->cg);
	if (rc < 0)
		return err_rc(e, rc, "read the cpuset, for " AFFINITY_ANNOTATION);
	cpu = affinity_pick(&cpuset, &isolated);
	if (cpu < 0)
		return 0;
	p->for_runtime = p->for_process = true;
	cpus_set_one(&p->runtime, cpu);
	p->process = given->container->transition == TRANSITION_DEFINITIVE ? p->runtime : cpus_all;
	p->from = AFFINITY_ANNOTATION;
	return 0;
}

/* What was read once can be parsed again. */
static int plan_wish(struct affinity_plan *p, const struct cpu_wish *w, struct err *e)
{
	p->for_process = true;
	p->process = cpus_all;
	p->from = "execCPUAffinity";
	if ((w->initial && cpus_parse(&p->runtime, w->initial) < 0) ||
		(w->final && cpus_parse(&p->process, w->final) < 0))
		return err_set(e, STATUS_INTERNAL, "execCPUAffinity was a list and is none");
	p->for_runtime |= w->initial != NULL;
	return 0;
}

static bool is_wish(const struct cpu_wish *w)
{
	return w->initial || w->final;
}

int affinity_plan_exec(struct affinity_plan *ret, const struct affinity_case *given, struct err *e)
{
	const struct affinity *a = given->container;
	bool is_own = is_wish(given->wish);

	*ret = (struct affinity_plan){ .for_runtime = !a->runtime_resets, .runtime = cpus_all };
	if (is_own || is_wish(&a->wish)) {
		if (is_own ? a->runtime_takes_wish : a->runtime_takes_config) {
			ret->for_runtime = false;
			return 0;
		}
		return plan_wish(ret, is_own ? given->wish : &a->wish, e);
	}
	return a->transition == TRANSITION_NONE ? 0 : plan_transition(ret, given, e);
}
