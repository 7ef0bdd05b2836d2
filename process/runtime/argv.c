/* SPDX-License-Identifier: Apache-2.0 */
#include "process/runtime/argv.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

static void add(struct argv *a, const char *word)
{
	assert(a->n < ARGV_MAX);
	a->word[a->n++] = word;
	a->word[a->n] = NULL;
}

static void add_if(struct argv *a, bool wanted, const char *word)
{
	if (wanted)
		add(a, word);
}

static void add_value(struct argv *a, const char *flag, const char *value)
{
	if (value && value[0]) {
		add(a, flag);
		add(a, value);
	}
}

static void add_sockets(struct argv *a, const char *console, const char *pidfd)
{
	add_value(a, "--console-socket", console);
	add_value(a, "--pidfd-socket", pidfd);
}

static int in_bundle(char *path, size_t room, const struct runtime *rt, const char *name)
{
	int n = snprintf(path, room, "%s/%s", rt->bundle, name);

	return n < 0 || (size_t)n >= room ? -ENAMETOOLONG : 0;
}

static int begin_with_log(
	struct argv *a, const struct runtime *rt, const char *verb, const char *log)
{
	a->n = 0;
	add(a, rt->binary);
	add(a, "--root");
	add(a, rt->root);
	add(a, "--log");
	add(a, a->log);
	add(a, "--log-format");
	add(a, "json");
	add_value(a, "--criu", rt->criu);
	add_if(a, rt->systemd_cgroup, "--systemd-cgroup");
	add(a, verb);
	return in_bundle(a->log, sizeof(a->log), rt, log);
}

static int begin(struct argv *a, const struct runtime *rt, const char *verb)
{
	return begin_with_log(a, rt, verb, ARGV_LOG);
}

int argv_create(struct argv *a, const struct runtime *rt, const struct runtime_create_args *args)
{
	int rc = begin(a, rt, "create");

	if (rc == 0)
		rc = in_bundle(a->pid_file, sizeof(a->pid_file), rt, "init.pid");
	add(a, "--bundle");
	add(a, rt->bundle);
	add(a, "--pid-file");
	add(a, a->pid_file);
	add_sockets(a, args->console_socket, args->pidfd_socket);
	add_if(a, args->no_pivot, "--no-pivot");
	add_if(a, args->no_new_keyring, "--no-new-keyring");
	add(a, rt->id);
	return rc;
}

int argv_verb(struct argv *a, const struct runtime *rt, const char *verb)
{
	int rc = begin(a, rt, verb);

	add(a, rt->id);
	return rc;
}

int argv_delete(struct argv *a, const struct runtime *rt, bool force)
{
	int rc = begin(a, rt, "delete");

	add_if(a, force, "--force");
	add(a, rt->id);
	return rc;
}

int argv_exec(struct argv *a, const struct runtime *rt, const struct runtime_exec_args *args)
{
	int rc = begin_with_log(a, rt, "exec", args->log_file);

	if (rc == 0)
		rc = in_bundle(a->process_file, sizeof(a->process_file), rt, args->process_file);
	if (rc == 0)
		rc = in_bundle(a->pid_file, sizeof(a->pid_file), rt, args->pid_file);
	add(a, "--process");
	add(a, a->process_file);
	add_sockets(a, args->console_socket, args->pidfd_socket);
	add(a, "--detach");
	add(a, "--pid-file");
	add(a, a->pid_file);
	add(a, rt->id);
	return rc;
}

int argv_checkpoint(
	struct argv *a, const struct runtime *rt, const struct runtime_checkpoint_args *args)
{
	int rc = begin(a, rt, "checkpoint");

	add_value(a, "--image-path", args->image);
	add_value(a, "--work-path", args->work);
	add_value(a, "--parent-path", args->parent);
	add_if(a, args->tcp, "--tcp-established");
	add_if(a, args->unix_sockets, "--ext-unix-sk");
	add_if(a, args->terminal, "--shell-job");
	add_if(a, args->file_locks, "--file-locks");
	add_value(a, "--manage-cgroups-mode", args->cgroups_mode);
	for (size_t i = 0; i < args->n_empty_ns; i++)
		add_value(a, "--empty-ns", args->empty_ns[i]);
	add_if(a, args->leave_running, "--leave-running");
	add(a, rt->id);
	return rc;
}

/*
 * Not --no-subreaper, which go-runc adds: crun does not know it, and runc, which
 * exits at once with --detach, leaves what it restored to us with or without.
 */
int argv_restore(struct argv *a, const struct runtime *rt, const struct runtime_restore_args *args)
{
	int rc = begin(a, rt, "restore");

	if (rc == 0)
		rc = in_bundle(a->pid_file, sizeof(a->pid_file), rt, "init.pid");
	add_value(a, "--image-path", args->image);
	add_value(a, "--work-path", args->work);
	add_value(a, "--parent-path", args->parent);
	add(a, "--detach");
	add(a, "--pid-file");
	add(a, a->pid_file);
	add_sockets(a, args->console_socket, NULL); /* runc 1.3 has none for pidfds here */
	add_if(a, args->no_pivot, "--no-pivot");
	add(a, "--bundle");
	add(a, rt->bundle);
	add(a, rt->id);
	return rc;
}

int argv_update(struct argv *a, const struct runtime *rt)
{
	int rc = begin(a, rt, "update");

	add(a, "--resources=-");
	add(a, rt->id);
	return rc;
}
