/* SPDX-License-Identifier: Apache-2.0 */
#include "process/admit.h"

#include "base/auto.h"
#include "base/log.h"
#include "process/gate.h"
#include "process/runtime/handover.h"

#include <string.h>

void admission_init(struct admission *a, struct container *ct)
{
	const struct features_place at = { ct->set->loop, ct->set->features_dir };

	*a = (struct admission){ .ct = ct };
	features_query_init(&a->features, at, &ct->runtime);
}

void admission_take_config(struct admission *a, json_t *config)
{
	a->config = config;
}

static int pass(const struct admission *a, struct err *e)
{
	const struct gate gate = {
		.config = a->config,
		.systemd_cgroup = a->ct->runtime.systemd_cgroup,
		.cgroup_v2 = cgroup_is_unified(CGROUP_ROOT),
	};

	return gate_check(&gate, &a->features.answer, e);
}

/*
 * Whose init is a process of the host, in the control group we know, and whose
 * pause is the freezer and nothing else. A sandbox's may be more.
 */
static bool only_freezes(const char *name)
{
	static const char *const known[] = { "runc", "crun", "youki" };
	size_t n = strcspn(name, " ");

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == n && strncmp(known[i], name, n) == 0)
			return true;
	return false;
}

/* What was parsed is the largest thing this process ever held: it goes before anything is started.
 */
static enum op_next settle(struct admission *a, int rc)
{
	if (rc == 0 && a->features.answer.text.len == 0)
		log_warn("features",
			"id=%s runtime=\"%s\" error=\"it has no command 'features'\", "
			"letting pass what cannot be checked",
			a->ct->id, a->features.answer.name);
	affinity_know_runtime(&a->ct->affinity, a->features.answer.name);
	a->ct->uses_freezer = a->ct->may_freeze && only_freezes(a->features.answer.name);
	a->ct->runtime.hands_pidfds =
		version_is_at_least(a->features.answer.name, "runc", HANDOVER_RUNC);
	admission_fini(a);
	return rc < 0 ? OP_FAIL : OP_DONE;
}

static void answered(struct features_query *q)
{
	struct admission *a = container_of(q, struct admission, features);
	struct op *op = a->op;
	bool gave_up = err_is_set(&op->err); /* and admission_stop() waits for this */

	op_resume(op, settle(a, gave_up ? 0 : pass(a, &op->err)));
	/* a may be gone */
}

enum op_next admission_check(struct admission *a, struct op *op)
{
	struct err ignored = ERR_INIT;

	if (!a->config)
		return OP_DONE;
	if (features_recall(&a->features) && pass(a, &ignored) == 0)
		return settle(a, 0);
	a->op = op;
	if (features_ask(&a->features, answered, &ignored) == 0)
		return OP_WAIT; /* answered() goes on */
	admission_fini(a);
	return OP_DONE;
}

enum op_next admission_stop(struct admission *a)
{
	return features_kill(&a->features) ? OP_WAIT : OP_DONE;
}

void admission_fini(struct admission *a)
{
	json_decref(take_ptr(&a->config));
	features_query_fini(&a->features);
}

void admission_doubt(struct container *ct, const struct err *complaint)
{
	const struct features_place at = { ct->set->loop, ct->set->features_dir };

	if (!ct->runtime.hands_pidfds || !strstr(complaint->msg, "pidfd-socket"))
		return;
	ct->runtime.hands_pidfds = false;
	features_forget(&at, &ct->runtime);
}
