/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which processors a runtime is started on and what its processes end with: the rule, and execs
 * in a container of the fake runtime that has a cpuset of our making.
 */

#include "process/affinity.h"

#include "base/json.h"
#include "tests/unit/process_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int pick(const char *cpuset, const char *isolated)
{
	struct cpus c, i;

	assert_int_equal(cpus_parse(&c, cpuset), 0);
	assert_int_equal(cpus_parse(&i, isolated), 0);
	return affinity_pick(&c, &i);
}

TEST(without_a_cpuset_or_isolated_processors_there_is_nothing_to_pick)
{
	assert_int_equal(pick("", ""), -1);
	assert_int_equal(pick("", "0-3"), -1);
	assert_int_equal(pick("0-3", ""), -1);
	assert_int_equal(pick("0-3", "4-7"), -1);
}

TEST(of_isolated_processors_only_the_first_is_picked)
{
	assert_int_equal(pick("4-7", "4-7"), 4);
	assert_int_equal(pick("6,5", "0-63"), 5);
}

TEST(of_a_mixed_cpuset_the_first_that_is_not_isolated_is_picked)
{
	assert_int_equal(pick("2-7", "2-4"), 5);
	assert_int_equal(pick("0-7", "4-7"), 0);
	assert_int_equal(pick("3,9", "1-8"), 9);
}

/* What is isolated according to two files, NULL for one that is not there: the lowest, or -errno.
 */
static int isolated(const char *cmdline, const char *nohz_full)
{
	char first[TMPDIR_PATH_MAX + 16], second[TMPDIR_PATH_MAX + 16];
	struct tmpdir dir;
	struct cpus c;
	int rc;

	tmpdir_open(&dir);
	snprintf(first, sizeof(first), "%s/cmdline", dir.path);
	snprintf(second, sizeof(second), "%s/nohz_full", dir.path);
	if (cmdline)
		tmpdir_write(&dir, "cmdline", cmdline);
	if (nohz_full)
		tmpdir_write(&dir, "nohz_full", nohz_full);
	rc = affinity_read_isolated(&c, &(struct affinity_place){ first, second });
	tmpdir_close(&dir);
	return rc < 0 ? rc : cpus_first(&c, NULL);
}

#define NOBODY (-1)

TEST(the_command_line_of_the_kernel_is_asked_first)
{
	assert_int_equal(isolated("ro nohz_full=4-7 quiet\n", "2\n"), 4);
	assert_int_equal(isolated("nohz_full=5\n", NULL), 5);
	assert_int_equal(isolated("a=\"b nohz_full=1\" nohz_full=6\n", "2\n"), 6);
	assert_int_equal(isolated("xnohz_full=1 nohz_full\n", "2\n"), 2);
	assert_int_equal(isolated("quiet -- nohz_full=1\n", "2\n"), 2);
	assert_int_equal(isolated("nohz_full=4-N\n", "3-7\n"), 3);
	assert_int_equal(isolated(NULL, "3-7\n"), 3);
}

TEST(a_kernel_that_isolates_nobody_says_so_in_four_ways)
{
	assert_int_equal(isolated("quiet\n", NULL), NOBODY);
	assert_int_equal(isolated("quiet\n", "\n"), NOBODY);
	assert_int_equal(isolated("quiet\n", ""), NOBODY);
	assert_int_equal(isolated("quiet\n", "(null)\n"), NOBODY);
	assert_int_equal(isolated("quiet\n", "some\n"), -EINVAL);
}

TEST(only_runtimes_of_a_known_age_are_left_to_it)
{
	struct affinity a = { 0 };

	affinity_know_runtime(&a, "runc 1.1.5+ds1");
	assert_ptr_equal(affinity_of_runtime(&a), &cpus_all);
	affinity_know_runtime(&a, "runc 1.3.0");
	assert_true(a.runtime_takes_wish && a.runtime_takes_config && !a.runtime_resets);
	affinity_know_runtime(&a, "runc 1.3.6+ds1");
	assert_null(affinity_of_runtime(&a));
	affinity_know_runtime(&a, "crun version 1.8.1");
	assert_false(a.runtime_takes_wish || a.runtime_resets);
	affinity_know_runtime(&a, "crun 1.19");
	assert_true(a.runtime_takes_wish && !a.runtime_takes_config && !a.runtime_resets);
	affinity_know_runtime(&a, "crun 1.28");
	assert_true(a.runtime_resets && !a.runtime_takes_config);
	affinity_know_runtime(&a, "a-wrapper");
	assert_false(a.runtime_takes_wish || a.runtime_takes_config || a.runtime_resets);
}

/*
 * A host with two processors, which this test has to itself: a container on both of them, made by
 * a runtime that notes where it was started and that says it is @version.
 */
struct scene {
	struct rig rig;
	struct container *ct;
	struct process *p;
	char cmdline[RIG_PATH_MAX + 16], root[RIG_PATH_MAX], proc[RIG_PATH_MAX];
	bool done;
	struct err err;
};

#define CONFIG(process, more)                                                                      \
	"{\"process\":{\"args\":[\"sleep\",\"1000\"]" process                                      \
	"},\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}" more "}"
#define ANNOTATED(word) CONFIG("", ",\"annotations\":{\"" AFFINITY_ANNOTATION "\":\"" word "\"}")

static void confine(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void need_two_processors(void)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	if (!CPU_ISSET(0, &set) || !CPU_ISSET(1, &set))
		test_skip("needs processors 0 and 1");
}

/* A version 1 group with @cpuset; that of the fake's processes is nowhere. */
static void give_cpuset(struct scene *s, const char *cpuset)
{
	static const char *const folders[] = { "cg", "cg/devices", "cg/devices/c1", "cg/cpuset",
		"cg/cpuset/c1", "proc", "proc/self", "proc/7" };

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		assert_int_equal(mkdirat(s->rig.dir.fd, folders[i], 0755), 0);
	tmpdir_write(&s->rig.dir, "cg/cpuset/c1/cpuset.effective_cpus", cpuset);
	tmpdir_write(&s->rig.dir, "proc/self/cgroup", "2:cpuset:/o\n1:devices:/o\n");
	tmpdir_write(&s->rig.dir, "proc/7/cgroup", "2:cpuset:/c1\n1:devices:/c1\n");
	snprintf(s->root, sizeof(s->root), "%s/cg", s->rig.dir.path);
	snprintf(s->proc, sizeof(s->proc), "%s/proc", s->rig.dir.path);
	container_forget_cgroup(s->ct);
	assert_int_equal(cgroup_open_at(&s->ct->cgroup, s->root, s->proc, 7), 0);
}

static void scene_set(struct scene *s, const char *config, const char *version)
{
	char script[1024];

	need_two_processors();
	setenv("FAKE_HANDS_PIDFDS", "1", 1); /* as runc of those versions does */
	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	rig_write(&s->rig, "config.json", config);
	snprintf(script, sizeof(script),
		"[ \"$1\" = features ] && echo "
		"'{\"annotations\":{\"org.opencontainers.runc.version\":"
		"\"%s\"}}' && exit\n"
		"sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status >>$B/cpus\n"
		"exec \"$FAKE\" \"$@\"",
		version);
	rig_runtime_script(&s->rig, script);
	tmpdir_write(&s->rig.dir, "cmdline", "quiet nohz_full=1\n");
	snprintf(s->cmdline, sizeof(s->cmdline), "%s/cmdline", s->rig.dir.path);
	s->rig.set.cpus_at.cmdline = s->cmdline;
	confine(0);
}

static void create(struct scene *s, const char *cpuset)
{
	s->ct = rig_create(&s->rig);
	rig_start(&s->rig, s->ct);
	give_cpuset(s, cpuset);
	rig_write(&s->rig, "cpus", "");
}

static void on_started(void *user, struct process *p, const struct err *e)
{
	struct scene *s = user;

	(void)p;
	s->done = true;
	s->err = *e;
}

static void begin_exec(struct scene *s, const char *spec)
{
	struct exec_args args = { .exec_id = "e1", .spec = spec, .spec_len = strlen(spec) };
	struct err e = ERR_INIT;

	s->p = exec_add(s->ct, &args, &e);
	if (!s->p)
		fail_msg("%s", e.msg);
	exec_start_begin(s->p, 0, on_started, s);
	loop_run_until(s->rig.loop, &s->done);
}

#define SLEEP "\"args\":[\"sleep\",\"1000\"]"

static void exec(struct scene *s, const char *spec)
{
	begin_exec(s, spec);
	if (err_is_set(&s->err))
		fail_msg("%s", s->err.msg);
}

/* Where the last runtime was started, and where the exec's process may run now. */
static void expect_cpus(struct scene *s, const char *runtime, const char *process)
{
	auto_free char *noted = rig_read(&s->rig, "cpus");
	cpu_set_t set;
	char is[8] = "";

	noted[strcspn(noted, "\n")] = '\0';
	assert_string_equal(noted, runtime);
	assert_int_equal(sched_getaffinity(s->p->pid, sizeof(set), &set), 0);
	snprintf(is, sizeof(is), "%s%s%s", CPU_ISSET(0, &set) ? "0" : "",
		CPU_COUNT(&set) == 2 ? "-" : "", CPU_ISSET(1, &set) ? "1" : "");
	assert_string_equal(is, process);
}

static void scene_strike(struct scene *s)
{
	if (child_signal(&s->p->child, SIGKILL) == 0)
		rig_await_exit(&s->rig);
	s->rig.exited = false;
	rig_kill(&s->rig, s->ct);
	rig_delete(&s->rig, s->ct);
	rig_fini(&s->rig);
}

static void expect_exec(const char *config, const char *version, const char *cpuset,
	const char *spec, const char *const cpus[2])
{
	struct scene s;

	scene_set(&s, config, version);
	create(&s, cpuset);
	exec(&s, spec);
	expect_cpus(&s, cpus[0], cpus[1]);
	scene_strike(&s);
}

#define CPUS(runtime, process) ((const char *const[2]){ runtime, process })

TEST(an_init_has_all_its_processors_whatever_ours_are)
{
	struct scene s;
	cpu_set_t set;

	scene_set(&s, CONFIG("", ""), "1.1.5");
	s.ct = rig_create(&s.rig);
	assert_int_equal(sched_getaffinity(s.ct->init.pid, sizeof(set), &set), 0);
	assert_true(CPU_ISSET(0, &set) && CPU_ISSET(1, &set));
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_int_equal(CPU_COUNT(&set), 1);
	rig_delete(&s.rig, s.ct);
	rig_fini(&s.rig);
}

TEST(an_exec_has_all_its_processors_whatever_ours_are)
{
	expect_exec(CONFIG("", ""), "1.1.5", "0-1\n", "{" SLEEP "}", CPUS("0-1", "0-1"));
}

/* The fake one does not, so that one can tell. */
TEST(a_runtime_that_sees_to_that_itself_stays_where_we_are)
{
	expect_exec(CONFIG("", ""), "1.3.6+ds1", "0-1\n", "{" SLEEP "}", CPUS("0", "0"));
}

TEST(a_temporary_transition_pins_the_runtime_and_frees_the_process)
{
	expect_exec(ANNOTATED("temporary"), "1.1.5", "1\n", "{" SLEEP "}", CPUS("1", "0-1"));
}

TEST(a_definitive_transition_leaves_the_process_where_its_runtime_was)
{
	expect_exec(ANNOTATED("definitive"), "1.1.5", "1\n", "{" SLEEP "}", CPUS("1", "1"));
}

TEST(a_mixed_cpuset_takes_the_runtime_to_the_processor_that_is_not_isolated)
{
	expect_exec(ANNOTATED("definitive"), "1.3.6", "0-1\n", "{" SLEEP "}", CPUS("0", "0"));
}

TEST(where_no_transition_is_due_definitive_is_as_if_not_said)
{
	expect_exec(ANNOTATED("definitive"), "1.1.5", "0\n", "{" SLEEP "}", CPUS("0-1", "0-1"));
}

TEST(any_other_word_for_a_transition_is_an_error_that_names_it)
{
	struct scene s;

	scene_set(&s, ANNOTATED("sometimes"), "1.1.5");
	rig_expect_no_create(&s.rig, STATUS_INVALID_ARGUMENT,
		"config.json: annotation " AFFINITY_ANNOTATION
		" is \"sometimes\", which is neither temporary nor definitive");
	rig_fini(&s.rig);
}

#define WISH(initial, final)                                                                       \
	",\"execCPUAffinity\":{\"initial\":\"" initial "\",\"final\":\"" final "\"}"

TEST(a_wish_of_the_exec_is_granted_for_runtimes_that_do_not_know_it)
{
	expect_exec(CONFIG("", ""), "1.1.5", "0-1\n", "{" SLEEP WISH("1", "0") "}", CPUS("1", "0"));
}

TEST(an_initial_wish_alone_leaves_the_process_its_cpuset)
{
	expect_exec(CONFIG("", ""), "1.1.5", "0-1\n",
		"{" SLEEP ",\"execCPUAffinity\":{\"initial\":\"1\"}}", CPUS("1", "0-1"));
}

TEST(a_wish_in_the_config_is_for_execs_that_have_none_and_goes_before_the_annotation)
{
	expect_exec(CONFIG(WISH("1", "1"),
			    ",\"annotations\":{\"" AFFINITY_ANNOTATION "\":\"temporary\"}"),
		"1.1.5", "0-1\n", "{" SLEEP "}", CPUS("1", "1"));
}

TEST(a_runtime_that_knows_the_wish_is_left_to_it)
{
	expect_exec(CONFIG("", ""), "1.3.6", "0-1\n", "{" SLEEP WISH("1", "1") "}", CPUS("0", "0"));
}

TEST(a_wish_that_is_no_list_is_refused_by_its_name)
{
	static const char spec[] = "{" SLEEP WISH("", "0-N") "}";
	struct exec_args args = { .exec_id = "e1", .spec = spec, .spec_len = strlen(spec) };
	struct err e = ERR_INIT;
	struct scene s;

	scene_set(&s, CONFIG(WISH("1,", ""), ""), "1.1.5");
	rig_expect_no_create(&s.rig, STATUS_INVALID_ARGUMENT,
		"config.json: process.execCPUAffinity.initial is \"1,\", which is no list of "
		"processors such as 0-3,7");
	rig_write(&s.rig, "config.json", CONFIG("", ""));
	create(&s, "0-1\n");
	assert_null(exec_add(s.ct, &args, &e));
	assert_string_equal(e.msg, "process.execCPUAffinity.final is \"0-N\", which is no list of "
				   "processors such as 0-3,7");
	rig_kill(&s.rig, s.ct);
	rig_delete(&s.rig, s.ct);
	rig_fini(&s.rig);
}

TEST(a_wish_nobody_can_grant_fails_the_exec_and_names_itself)
{
	struct scene s;

	scene_set(&s, CONFIG("", ""), "1.1.5");
	create(&s, "0-1\n");
	begin_exec(&s, "{" SLEEP WISH("8000", "") "}");
	assert_non_null(
		strstr(s.err.msg, "exec failed: with its processors from execCPUAffinity:"));
	assert_non_null(strstr(s.err.msg, "invalid argument"));
	scene_strike(&s);
}

TEST(a_final_wish_nobody_can_grant_fails_the_exec_and_ends_its_process)
{
	struct scene s;

	scene_set(&s, CONFIG("", ""), "1.1.5");
	create(&s, "0-1\n");
	begin_exec(&s, "{" SLEEP WISH("", "8000") "}");
	assert_string_equal(
		s.err.msg, "give it its processors, from execCPUAffinity: invalid argument");
	scene_strike(&s);
}
