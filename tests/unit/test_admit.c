/* SPDX-License-Identifier: Apache-2.0 */
#include "process/admit.h"

#include "tests/unit/process_rig.h"

#include <stdio.h>

#define IDMAPPED                                                                                   \
	"{\"process\":{\"args\":[\"sh\",\"-c\",\"exec sleep "                                      \
	"1000\"]},\"mounts\":[{\"uidMappings\":[{}]}],"                                            \
	"\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}}"

TEST(what_the_runtime_would_ignore_is_refused_and_nothing_is_started)
{
	struct rig r;

	rig_init(&r);
	rig_write(&r, "config.json", IDMAPPED);
	rig_expect_no_create(&r, STATUS_FAILED_PRECONDITION,
		"config.json: mounts[0].uidMappings is for an id-mapped mount");
	assert_int_equal(rig_count_calls(&r, "create"), 0);
	assert_null(rig_read(&r, "options.json"));
	rig_fini(&r);
}

/* The binary may be a wrapper, and what it runs another one since. */
TEST(nothing_is_refused_on_what_was_recalled)
{
	char dir[RIG_PATH_MAX];
	struct rig r;

	rig_init(&r);
	snprintf(dir, sizeof(dir), "%s/features", r.dir.path);
	r.set.features_dir = dir;
	rig_runtime_script(&r, "[ $1 = features ] && exec cat $B/features; exec \"$FAKE\" \"$@\"");
	rig_write(&r, "features", "{}");
	rig_delete(&r, rig_create(&r));
	rig_write(
		&r, "features", "{\"linux\":{\"mountExtensions\":{\"idmap\":{\"enabled\":true}}}}");
	rig_write(&r, "config.json", IDMAPPED);
	rig_delete(&r, rig_create(&r));
	rig_write(&r, "features", "not asked again");
	rig_delete(&r, rig_create(&r));
	rig_fini(&r);
}

TEST(a_runtime_that_does_not_say_what_it_can_is_ended_by_the_deadline)
{
	struct deed d;
	struct rig r;

	rig_init(&r);
	rig_runtime_script(&r, "exec sleep 1000");
	r.args.deadline_s = 0.1;
	rig_begin_create(&r, &d);
	rig_await(&r, &d);
	deed_expect(&d, STATUS_DEADLINE_EXCEEDED, "create: timed out in step 'check features'");
	rig_fini(&r);
}
