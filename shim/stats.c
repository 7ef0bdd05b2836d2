/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stats.h"

#include "base/buf.h"
#include "shim/stats_kinds.h"

int stats_collect(const struct cgroup *cg, struct buf *bytes, Pb__Any *ret, struct err *e)
{
	int rc;

	if (cg->dir < 0)
		return err_set(e, STATUS_NOT_FOUND, "cgroup does not exist: not found");
	rc = cg->is_v2 ? stats_collect_v2(cg, bytes, ret) : stats_collect_v1(cg, bytes, ret);
	return rc < 0 ? err_oom(e) : 0;
}
