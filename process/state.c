/* SPDX-License-Identifier: Apache-2.0 */
#include "process/state.h"

static const char *const names[] = {
	[STATE_CREATED] = "created",
	[STATE_CREATED_CHECKPOINT] = "createdCheckpoint",
	[STATE_RUNNING] = "running",
	[STATE_PAUSED] = "paused",
	[STATE_STOPPED] = "stopped",
	[STATE_DELETED] = "deleted",
};
_Static_assert(ARRAY_LEN(names) == N_STATES, "a state has no name");

/* Why not; NULL where it is allowed. containerd's init_state.go, as a table. */
static const char *const refusals[N_STATES][N_VERBS] = {
	[STATE_CREATED] = {
		[VERB_PAUSE] = "cannot pause task in created state",
		[VERB_RESUME] = "cannot resume task in created state",
		[VERB_CHECKPOINT] = "cannot checkpoint a task in created state",
	},
	[STATE_CREATED_CHECKPOINT] = {
		[VERB_EXEC] = "cannot exec in a created state",
		[VERB_PAUSE] = "cannot pause task in created state",
		[VERB_RESUME] = "cannot resume task in created state",
		[VERB_CHECKPOINT] = "cannot checkpoint a task in created state",
	},
	[STATE_RUNNING] = {
		[VERB_START] = "cannot start a running process",
		[VERB_DELETE] = "cannot delete a running process",
		[VERB_RESUME] = "cannot resume a running process",
	},
	[STATE_PAUSED] = {
		[VERB_START] = "cannot start a paused process",
		[VERB_DELETE] = "cannot delete a paused process",
		[VERB_EXEC] = "cannot exec in a paused state",
		[VERB_PAUSE] = "cannot pause a paused container",
	},
	[STATE_STOPPED] = {
		[VERB_START] = "cannot start a stopped process",
		[VERB_EXEC] = "cannot exec in a stopped state",
		[VERB_PAUSE] = "cannot pause a stopped container",
		[VERB_RESUME] = "cannot resume a stopped container",
		[VERB_UPDATE] = "cannot update a stopped container",
		[VERB_CHECKPOINT] = "cannot checkpoint a stopped container",
	},
	[STATE_DELETED] = {
		[VERB_START] = "cannot start a deleted process",
		[VERB_DELETE] = "cannot delete a deleted process: not found",
		[VERB_KILL] = "cannot kill a deleted process: not found",
		[VERB_EXEC] = "cannot exec in a deleted state",
		[VERB_PAUSE] = "cannot pause a deleted process",
		[VERB_RESUME] = "cannot resume a deleted process",
		[VERB_UPDATE] = "cannot update a deleted process",
		[VERB_CHECKPOINT] = "cannot checkpoint a deleted process",
	},
};

static const bool follows[N_STATES][N_STATES] = {
	[STATE_CREATED] = { [STATE_CREATED_CHECKPOINT] = true,
		[STATE_RUNNING] = true,
		[STATE_STOPPED] = true,
		[STATE_DELETED] = true },
	[STATE_CREATED_CHECKPOINT] = { [STATE_RUNNING] = true, [STATE_DELETED] = true },
	[STATE_RUNNING] = { [STATE_PAUSED] = true, [STATE_STOPPED] = true },
	[STATE_PAUSED] = { [STATE_RUNNING] = true, [STATE_STOPPED] = true },
	[STATE_STOPPED] = { [STATE_DELETED] = true },
};

const char *state_name(enum state s)
{
	return names[s];
}

int state_check(enum state s, enum verb v, struct err *e)
{
	bool is_gone = s == STATE_DELETED && (v == VERB_DELETE || v == VERB_KILL);

	if (!refusals[s][v])
		return 0;
	return err_set(e, is_gone ? STATUS_NOT_FOUND : STATUS_UNKNOWN, "%s", refusals[s][v]);
}

bool state_may_follow(enum state from, enum state to)
{
	return follows[from][to];
}
