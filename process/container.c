/* SPDX-License-Identifier: Apache-2.0 */
#include "process/container.h"

#include "base/auto.h"
#include "base/id.h"
#include "base/log.h"
#include "process/bundle.h"
#include "process/cgroup/freezer.h"
#include "process/observer.h"
#include "reaper/reaper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void containers_init(struct containers *set)
{
	*set = (struct containers){ .cpus_at = AFFINITY_PLACE };
	list_init(&set->all);
}

void containers_fini(struct containers *set)
{
	userns_cache_fini(&set->userns);
}

static struct container *find_any(const struct containers *set, const char *id)
{
	list_each (it, &set->all) {
		struct container *ct = container_of(it, struct container, link);

		if (strcmp(ct->id, id) == 0)
			return ct;
	}
	return NULL;
}

bool container_exists(const struct containers *set, const char *id)
{
	return find_any(set, id) != NULL;
}

struct container *container_find(const struct containers *set, const char *id, struct err *e)
{
	struct container *ct = find_any(set, id);

	if (ct && ct->is_created)
		return ct;
	err_set(e, STATUS_NOT_FOUND, "container not created: not found");
	return NULL;
}

struct process *container_process(struct container *ct, const char *exec_id, struct err *e)
{
	if (!exec_id || !exec_id[0])
		return &ct->init;
	list_each (it, &ct->execs) {
		struct process *p = container_of(it, struct process, link);

		if (strcmp(p->exec_id, exec_id) == 0)
			return p;
	}
	err_set(e, STATUS_NOT_FOUND, "process does not exist %s: not found", exec_id);
	return NULL;
}

static int set_runtime(struct container *ct, const struct container_options *o)
{
	ct->binary = strdup(o->binary && o->binary[0] ? o->binary : RUNTIME_BINARY_DEFAULT);
	ct->root = bundle_runtime_root(o, ct->set->ns);
	ct->criu = strdup(o->criu_path ? o->criu_path : "");
	if (!ct->binary || !ct->root || !ct->criu)
		return -ENOMEM;
	ct->runtime = (struct runtime){
		.reaper = ct->set->reaper,
		.binary = ct->binary,
		.root = ct->root,
		.bundle = ct->bundle,
		.bundle_fd = ct->bundle_fd,
		.id = ct->id,
		.criu = ct->criu,
		.systemd_cgroup = o->systemd_cgroup,
		.oom_score_adj = ct->set->oom_score_adj,
	};
	ct->no_pivot = o->no_pivot;
	ct->no_new_keyring = o->no_new_keyring;
	ct->io_uid = o->io_uid;
	ct->io_gid = o->io_gid;
	return 0;
}

static int fill(struct container *ct, const struct container_plan *plan, struct err *e)
{
	ct->id = strdup(plan->id);
	ct->bundle = strdup(plan->bundle);
	if (!ct->id || !ct->bundle)
		return err_oom(e);
	if (plan->bundle[0] != '/')
		return err_set(e, STATUS_INVALID_ARGUMENT, "bundle '%s' is not an absolute path",
			plan->bundle);
	ct->bundle_fd = open(plan->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ct->bundle_fd < 0)
		return err_sys(e, "open bundle %s", plan->bundle);
	return set_runtime(ct, plan->options) < 0 ? err_oom(e) : 0;
}

struct container *container_new(
	struct containers *set, const struct container_plan *plan, struct err *e)
{
	struct container *ct;

	if (!id_is_valid(plan->id)) {
		err_set(e, STATUS_INVALID_ARGUMENT, "container id '%s' is not legal", plan->id);
		return NULL;
	}
	if (container_exists(set, plan->id)) {
		err_set(e, STATUS_ALREADY_EXISTS, "container '%s': already exists", plan->id);
		return NULL;
	}
	ct = calloc(1, sizeof(*ct));
	if (!ct) {
		err_oom(e);
		return NULL;
	}
	ct->set = set;
	ct->bundle_fd = -1;
	ct->cgroup = CGROUP_NONE;
	ct->oom = OOM_WATCH_NONE;
	list_init(&ct->execs);
	list_init(&ct->queue);
	list_init(&ct->under_way);
	list_append(&set->all, &ct->link);
	if (process_init(&ct->init, ct, NULL, plan->io) < 0)
		err_oom(e);
	else if (fill(ct, plan, e) == 0)
		return ct;
	return container_free(ct);
}

static void drop_queue(struct container *ct)
{
	struct err gone = ERR_INIT;
	struct list *first;

	err_set(&gone, STATUS_NOT_FOUND, "container not created: not found");
	while ((first = list_first(&ct->queue))) {
		struct job *j = container_of(first, struct job, link);

		list_remove(first);
		j->drop(j, &gone);
	}
}

struct container *container_free(struct container *ct)
{
	if (!ct)
		return NULL;
	assert(list_is_empty(&ct->under_way)); /* they hold on to it */
	list_remove(&ct->link);
	drop_queue(ct);
	list_each (it, &ct->execs) {
		struct process *p = container_of(it, struct process, link);

		process_release_waiters(p); /* of one that was never started */
		process_free(p);
	}
	process_release_waiters(&ct->init); /* of one that was never restored */
	process_fini(&ct->init);
	container_forget_cgroup(ct);
	affinity_fini(&ct->affinity);
	free(ct->image.path);
	free(ct->image.work);
	free(ct->image.parent);
	fd_drop(&ct->bundle_fd);
	free(ct->id);
	free(ct->bundle);
	free(ct->binary);
	free(ct->root);
	free(ct->criu);
	free(ct);
	return NULL;
}

int container_enqueue(struct container *ct, struct job *j, struct err *e)
{
	list_init(&j->link);
	if (ct->queued == CONTAINER_QUEUE_MAX)
		return err_set(e, STATUS_RESOURCE_EXHAUSTED,
			"container '%s': %d operations are waiting already", ct->id,
			CONTAINER_QUEUE_MAX);
	if (!ct->current) {
		ct->current = j;
		j->begin(j);
		/* ct may be gone */
		return 0;
	}
	list_append(&ct->queue, &j->link);
	ct->queued++;
	return 0;
}

void container_job_done(struct container *ct, struct job *j)
{
	struct list *next = list_first(&ct->queue);

	assert(ct->current == j);
	ct->current = NULL;
	if (!next)
		return;
	list_remove(next);
	ct->queued--;
	ct->current = container_of(next, struct job, link);
	ct->current->begin(ct->current);
	/* ct may be gone */
}

void container_run(
	struct container *ct, struct op *op, const struct op_plan *plan, double deadline_s)
{
	op_start_in(&ct->under_way, op, ct->set->loop, plan, deadline_s);
}

static void report_init_if_due(struct container *ct)
{
	/* Not bounded by a timer: an exec in uninterruptible sleep is still running. */
	if (ct->init_exited && !ct->init.exit.is_set && ct->running_execs == 0)
		process_report_exit(&ct->init);
	/* ct may be gone */
}

/* Without a pid namespace of its own the kernel kills nobody when an init dies. */
static void kill_the_rest(struct container *ct)
{
	int reached = cgroup_signal(&ct->cgroup, SIGKILL);

	list_each (it, &ct->execs)
		(void)child_signal(&container_of(it, struct process, link)->child, SIGKILL);
	if (reached < 0)
		log_warn("kill all", "id=%s error=\"%s\", its execs only", ct->id,
			strerror(-reached));
	else if (reached > 0)
		log_info("kill all", "id=%s processes=%d", ct->id, reached);
}

void container_tell_oom(struct container *ct)
{
	if (!ct->oom_is_due || ct->init.news_held > 0)
		return;
	ct->oom_is_due = false;
	ct->set->observer->oom(ct->set->observer, ct);
}

void container_on_oom(struct oom_watch *w)
{
	struct container *ct = container_of(w, struct container, oom);

	ct->had_oom = ct->oom_is_due = true;
	log_warn("oom", "id=%s kills=%llu", ct->id, (unsigned long long)w->kills);
	container_tell_oom(ct);
}

void container_find_cgroup(struct container *ct)
{
	int rc = cgroup_open(&ct->cgroup, ct->init.pid);

	if (rc < 0) {
		log_warn("cgroup", "id=%s error=\"%s\", going by its known processes", ct->id,
			strerror(-rc));
		return;
	}
	rc = cgroup_enable_controllers(&ct->cgroup);
	if (rc < 0)
		log_debug("cgroup",
			"id=%s error=\"enable controllers: %s\", some figures may be "
			"missing",
			ct->id, strerror(-rc));
	rc = oom_begin(&ct->oom, ct->set->loop, &ct->cgroup, container_on_oom);
	if (rc < 0)
		log_debug("oom", "id=%s error=\"%s\", telling of none", ct->id, strerror(-rc));
}

void container_forget_cgroup(struct container *ct)
{
	oom_end(&ct->oom);
	cgroup_close(&ct->cgroup);
}

/* If we should die before it is deleted, `delete` can say how it ended. */
static void keep_exit(const struct process *init)
{
	const struct exit_file x = { init->pid, init->seen.code, init->seen.at };
	int rc = bundle_write_exit(init->ct->bundle_fd, &x);

	if (rc < 0)
		log_warn("exit", "id=%s error=\"write exitstatus.json: %s\", going on without",
			init->ct->id, strerror(-rc));
}

void container_process_exited(struct process *p)
{
	struct container *ct = p->ct;

	oom_check(&ct->oom); /* first the cause, then the exit */
	if (p == &ct->init) {
		ct->init_exited = true;
		keep_exit(p);
		if (!ct->own_pidns)
			kill_the_rest(ct);
		/* Whoever has killed it while it was paused has not thawed it. */
		if (p->state == STATE_PAUSED || ct->is_pausing)
			(void)freezer_let_die(&ct->cgroup);
	} else {
		process_report_exit(p);
		ct->running_execs--;
	}
	report_init_if_due(ct);
	/* ct may be gone */
}

void container_exec_failed(struct container *ct)
{
	ct->running_execs--;
	report_init_if_due(ct);
	/* ct may be gone */
}

void container_exec_delete_done(struct container *ct)
{
	if (--ct->exec_deletes == 0 && ct->exec_deletes_awaited_by)
		op_resume(ct->exec_deletes_awaited_by, OP_DONE);
	/* ct may be gone */
}

/* What we follow ourselves, for a container whose cgroup we cannot read. */
static int known_pids(struct container *ct, pid_t **ret, size_t *ret_n)
{
	pid_t *pid = calloc(1 + ct->running_execs, sizeof(*pid));
	size_t n = 0;

	if (!pid)
		return -ENOMEM;
	if (child_is_tracked(&ct->init.child))
		pid[n++] = ct->init.pid;
	list_each (it, &ct->execs) {
		struct process *p = container_of(it, struct process, link);

		if (child_is_tracked(&p->child))
			pid[n++] = p->pid;
	}
	*ret = pid;
	*ret_n = n;
	return 0;
}

int container_pids(struct container *ct, pid_t **ret, size_t *ret_n, struct err *e)
{
	int rc = ct->cgroup.dir < 0 ? -ENOENT : cgroup_pids(&ct->cgroup, ret, ret_n);

	/* containerd takes an error here for a container that is lost, and deletes it. */
	if (rc < 0)
		rc = known_pids(ct, ret, ret_n);
	return rc < 0 ? err_oom(e) : 0;
}
