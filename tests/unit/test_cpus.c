/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpus.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_list(const char *list, const int *cpus, size_t n)
{
	struct cpus c;
	size_t found = 0;

	assert_int_equal(cpus_parse(&c, list), 0);
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		if (cpus_has(&c, cpu)) {
			assert_true(found < n);
			assert_int_equal(cpu, cpus[found++]);
		}
	assert_int_equal(found, n);
}

TEST(a_list_is_numbers_and_ranges)
{
	expect_list("", NULL, 0);
	expect_list("0", (int[]){ 0 }, 1);
	expect_list("0-3,7", (int[]){ 0, 1, 2, 3, 7 }, 5);
	expect_list("7,2-2,007", (int[]){ 2, 7 }, 2);
	expect_list("63-65,8191", (int[]){ 63, 64, 65, 8191 }, 4);
}

TEST(what_is_no_list_is_refused_and_changes_nothing)
{
	static const char *const bad[] = { ",", "1,", ",1", "1,,2", "-", "1-", "-1", "1-2-3", "3-1",
		" 1", "1 ", "1, 2", "+1", "0x1", "a", "all", "0-N", "0-7:1/2", "1\n", "(null)" };
	struct cpus c;

	cpus_set_one(&c, 5);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cpus_parse(&c, bad[i]), -EINVAL);
	assert_int_equal(cpus_first(&c, NULL), 5);
}

TEST(beyond_the_limit_is_out_of_range_however_long_the_number)
{
	struct cpus c;

	assert_int_equal(cpus_parse(&c, "8192"), -ERANGE);
	assert_int_equal(cpus_parse(&c, "0-8192"), -ERANGE);
	assert_int_equal(cpus_parse(&c, "1,99999999999999999999999999999999999"), -ERANGE);
	assert_int_equal(cpus_parse(&c, "18446744073709551616"), -ERANGE);
}

TEST(sets_are_compared_by_what_they_have)
{
	struct cpus a, b;

	assert_int_equal(cpus_parse(&a, "2-5,100"), 0);
	assert_int_equal(cpus_parse(&b, "2-4"), 0);
	assert_int_equal(cpus_first(&a, NULL), 2);
	assert_int_equal(cpus_first(&a, &b), 5);
	assert_int_equal(cpus_first(&b, &a), -1);
	assert_true(cpus_meet(&a, &b));
	assert_int_equal(cpus_parse(&b, "6-99"), 0);
	assert_false(cpus_meet(&a, &b));
	assert_false(cpus_has(&a, -1));
	assert_false(cpus_has(&a, CPUS_MAX));
}

TEST(a_process_is_moved_and_one_that_is_gone_is_none)
{
	struct cpus one, none;
	cpu_set_t seen;
	pid_t pid;

	assert_int_equal(sched_getaffinity(0, sizeof(seen), &seen), 0);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &seen))
			cpus_set_one(&one, (int)cpu);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(cpus_apply(&one, pid), 0);
	assert_int_equal(sched_getaffinity(pid, sizeof(seen), &seen), 0);
	assert_int_equal(CPU_COUNT(&seen), 1);
	assert_int_equal(cpus_apply(&cpus_all, pid), 0);
	cpus_set_one(&none, CPUS_MAX - 1);
	assert_int_equal(cpus_apply(&none, pid), -EINVAL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(cpus_apply(&one, pid), 0);
}
