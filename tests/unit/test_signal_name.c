/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/signal_name.h"
#include "tests/lib/test.h"

#include <signal.h>

TEST(a_signal_has_a_name_with_or_without_sig_in_any_case_or_a_number)
{
	assert_int_equal(signal_of("KILL"), SIGKILL);
	assert_int_equal(signal_of("SIGKILL"), SIGKILL);
	assert_int_equal(signal_of("sigusr1"), SIGUSR1);
	assert_int_equal(signal_of("9"), 9);
	assert_int_equal(signal_of("64"), 64);
	assert_int_equal(signal_of("RTMIN"), SIGRTMIN);
	assert_int_equal(signal_of("SIGRTMIN+3"), SIGRTMIN + 3);
	assert_int_equal(signal_of("rtmax-1"), SIGRTMAX - 1);
}

TEST(what_is_no_signal_is_not_guessed)
{
	const char *const no[] = { "", "SIG", "0", "65", "-9", "+9", " 9", "9x", "KILLER",
		"RTMIN+31", "RTMIN+", "RTMAX-", "SIGSIGKILL" };

	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (signal_of(no[i]) != -1)
			fail_msg("'%s' is %d", no[i], signal_of(no[i]));
}
