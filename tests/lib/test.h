/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_TEST_H
#define TESTS_LIB_TEST_H

/*
 * test.h - TEST(a_sentence_that_is_true) { ... }. No list to keep: tests register themselves.
 *
 * cmocka asserts and reports; this adds what it lacks. Each test runs in a
 * process of its own, as root also in a mount namespace of its own, and is
 * killed when its time is up. A test that passed must also have left nothing
 * behind: no descriptor, no child, no descendant, no mount. What a failed test
 * leaves running is killed. A test's output is shown only when it fails.
 *
 * main() is in the library: `test_thing` runs all tests, `test_thing NAME...` these.
 */

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST_SECONDS 60 /* for one test; TEST_WITHIN names another limit */
#define TEST_SKIPPED 77 /* exit code, as ctest and automake have it */

/* One row of the registry; the fields are private. */
struct test {
	const char *name;
	void (*run)(void);
	int seconds;
	struct test *next;
};

void test_register(struct test *t);

/*
 * The rest of this test needs something this machine has not got: prints the
 * sentence and ends the test as skipped. Open descriptors and running children
 * are nobody's business then.
 */
void test_skip(const char *why, ...) PRINTF_LIKE(1, 2) NORETURN;

#define TEST(id) TEST_WITHIN(TEST_SECONDS, id)

#define TEST_WITHIN(limit, id)                                                                     \
	static void test_##id(void);                                                               \
	__attribute__((constructor)) static void register_##id(void)                               \
	{                                                                                          \
		static struct test row = { #id, test_##id, limit, NULL };                          \
                                                                                                   \
		test_register(&row);                                                               \
	}                                                                                          \
	static void test_##id(void)

#endif
