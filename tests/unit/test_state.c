/* SPDX-License-Identifier: Apache-2.0 */
#include "process/state.h"

#include "tests/lib/test.h"

#include <string.h>

static const char *const verb_names[] = {
	[VERB_START] = "start",
	[VERB_DELETE] = "delete",
	[VERB_KILL] = "kill",
	[VERB_EXEC] = "exec",
	[VERB_PAUSE] = "pause",
	[VERB_RESUME] = "resume",
	[VERB_UPDATE] = "update",
	[VERB_CHECKPOINT] = "checkpoint",
};

/* The whole truth: what is allowed in which state. Everything else is refused. */
static const char *const allowed[N_STATES] = {
	[STATE_CREATED] = "start delete kill exec update",
	[STATE_CREATED_CHECKPOINT] = "start delete kill update",
	[STATE_RUNNING] = "kill exec pause update checkpoint",
	[STATE_PAUSED] = "kill resume update checkpoint",
	[STATE_STOPPED] = "delete kill",
	[STATE_DELETED] = "",
};

TEST(every_verb_is_allowed_exactly_where_the_reference_allows_it)
{
	for (int s = 0; s < N_STATES; s++)
		for (int v = 0; v < N_VERBS; v++) {
			struct err e = ERR_INIT;
			int rc = state_check((enum state)s, (enum verb)v, &e);

			if ((rc == 0) != (strstr(allowed[s], verb_names[v]) != NULL))
				fail_msg("%s in state %s: %d", verb_names[v],
					state_name((enum state)s), rc);
			assert_int_equal(err_is_set(&e), rc < 0);
		}
}

struct refusal {
	enum state state;
	enum verb verb;
	const char *words;
};

/* To the letter: clients match on these. */
static const struct refusal refusals[] = {
	{ STATE_RUNNING, VERB_START, "cannot start a running process" },
	{ STATE_PAUSED, VERB_START, "cannot start a paused process" },
	{ STATE_STOPPED, VERB_START, "cannot start a stopped process" },
	{ STATE_DELETED, VERB_START, "cannot start a deleted process" },
	{ STATE_DELETED, VERB_DELETE, "cannot delete a deleted process: not found" },
	{ STATE_DELETED, VERB_KILL, "cannot kill a deleted process: not found" },
	{ STATE_RUNNING, VERB_DELETE, "cannot delete a running process" },
	{ STATE_PAUSED, VERB_DELETE, "cannot delete a paused process" },
	{ STATE_CREATED_CHECKPOINT, VERB_EXEC, "cannot exec in a created state" },
	{ STATE_PAUSED, VERB_EXEC, "cannot exec in a paused state" },
	{ STATE_STOPPED, VERB_EXEC, "cannot exec in a stopped state" },
	{ STATE_DELETED, VERB_EXEC, "cannot exec in a deleted state" },
	{ STATE_CREATED, VERB_PAUSE, "cannot pause task in created state" },
	{ STATE_CREATED_CHECKPOINT, VERB_PAUSE, "cannot pause task in created state" },
	{ STATE_PAUSED, VERB_PAUSE, "cannot pause a paused container" },
	{ STATE_STOPPED, VERB_PAUSE, "cannot pause a stopped container" },
	{ STATE_DELETED, VERB_PAUSE, "cannot pause a deleted process" },
	{ STATE_CREATED, VERB_RESUME, "cannot resume task in created state" },
	{ STATE_CREATED_CHECKPOINT, VERB_RESUME, "cannot resume task in created state" },
	{ STATE_RUNNING, VERB_RESUME, "cannot resume a running process" },
	{ STATE_STOPPED, VERB_RESUME, "cannot resume a stopped container" },
	{ STATE_DELETED, VERB_RESUME, "cannot resume a deleted process" },
	{ STATE_STOPPED, VERB_UPDATE, "cannot update a stopped container" },
	{ STATE_DELETED, VERB_UPDATE, "cannot update a deleted process" },
	{ STATE_CREATED, VERB_CHECKPOINT, "cannot checkpoint a task in created state" },
	{ STATE_CREATED_CHECKPOINT, VERB_CHECKPOINT, "cannot checkpoint a task in created state" },
	{ STATE_STOPPED, VERB_CHECKPOINT, "cannot checkpoint a stopped container" },
	{ STATE_DELETED, VERB_CHECKPOINT, "cannot checkpoint a deleted process" },
};

static const struct refusal *find_refusal(enum state s, enum verb v)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (refusals[i].state == s && refusals[i].verb == v)
			return &refusals[i];
	return NULL;
}

TEST(every_refusal_has_the_references_words)
{
	for (int s = 0; s < N_STATES; s++)
		for (int v = 0; v < N_VERBS; v++) {
			struct err e = ERR_INIT;

			if (state_check((enum state)s, (enum verb)v, &e) == 0)
				continue;
			if (!find_refusal((enum state)s, (enum verb)v))
				fail_msg("nobody checks the words of: %s", e.msg);
		}
}

TEST(a_wrong_state_is_unknown_and_a_deleted_one_not_found)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct err e = ERR_INIT;

		assert_int_equal(state_check(r->state, r->verb, &e), -1);
		assert_string_equal(e.msg, r->words);
		assert_int_equal(e.status,
			strstr(r->words, "not found") ? STATUS_NOT_FOUND : STATUS_UNKNOWN);
	}
}

TEST(states_follow_each_other_only_forward_but_for_a_pause)
{
	/* Row: from; column: to; in the order of the enum. */
	static const char *const follows[N_STATES] = {
		[STATE_CREATED] = ".XX.XX",
		[STATE_CREATED_CHECKPOINT] = "..X..X",
		[STATE_RUNNING] = "...XX.",
		[STATE_PAUSED] = "..X.X.",
		[STATE_STOPPED] = ".....X",
		[STATE_DELETED] = "......",
	};

	for (int from = 0; from < N_STATES; from++)
		for (int to = 0; to < N_STATES; to++)
			if (state_may_follow((enum state)from, (enum state)to) !=
				(follows[from][to] == 'X'))
				fail_msg("%s to %s", state_name((enum state)from),
					state_name((enum state)to));
}

TEST(states_have_names)
{
	assert_string_equal(state_name(STATE_CREATED), "created");
	assert_string_equal(state_name(STATE_DELETED), "deleted");
}
