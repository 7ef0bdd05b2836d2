/* SPDX-License-Identifier: Apache-2.0 */
#include "process/runtime/argv.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct runtime runtime(void)
{
	return (struct runtime){
		.binary = "runc", .root = "/run/runc/k8s.io", .bundle = "/b", .id = "c1"
	};
}

/* Global flags in go-runc's order: wrappers look for --log where it has always been. */
#define GLOBAL "runc --root /run/runc/k8s.io --log /b/log.json --log-format json "

#define EXEC "runc --root /run/runc/k8s.io --log /b/e1.log --log-format json "

static void expect(const struct argv *a, const char *line)
{
	char words[1024] = "";

	assert_null(a->word[a->n]);
	for (size_t i = 0; i < a->n; i++)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s",
			i > 0 ? " " : "", a->word[i]);
	assert_string_equal(words, line);
}

TEST(create_names_bundle_and_pid_file)
{
	struct runtime_create_args args = { .stdio = { -1, -1, -1 } };
	struct runtime rt = runtime();
	struct argv a;

	assert_int_equal(argv_create(&a, &rt, &args), 0);
	expect(&a, GLOBAL "create --bundle /b --pid-file /b/init.pid c1");
	args.no_pivot = args.no_new_keyring = true;
	assert_int_equal(argv_create(&a, &rt, &args), 0);
	expect(&a, GLOBAL "create --bundle /b --pid-file /b/init.pid --no-pivot "
			  "--no-new-keyring c1");
}

TEST(a_checkpoint_says_where_to_and_what_may_be_open)
{
	static const char *const empty[] = { "network", "ipc" };
	struct runtime_checkpoint_args args = {
		.image = "/i", .work = "/w", .leave_running = true
	};
	struct runtime rt = runtime();
	struct argv a;

	assert_int_equal(argv_checkpoint(&a, &rt, &args), 0);
	expect(&a, GLOBAL "checkpoint --image-path /i --work-path /w --leave-running c1");
	args = (struct runtime_checkpoint_args){
		.image = "/i",
		.work = "/w",
		.parent = "/p",
		.cgroups_mode = "strict",
		.empty_ns = empty,
		.n_empty_ns = 2,
		.tcp = true,
		.unix_sockets = true,
		.terminal = true,
		.file_locks = true,
	};
	assert_int_equal(argv_checkpoint(&a, &rt, &args), 0);
	expect(&a, GLOBAL "checkpoint --image-path /i --work-path /w --parent-path /p "
			  "--tcp-established --ext-unix-sk --shell-job --file-locks "
			  "--manage-cgroups-mode strict --empty-ns network --empty-ns ipc c1");
}

TEST(a_restore_is_detached_and_names_bundle_and_pid_file)
{
	struct runtime_restore_args args = { .image = "/i", .work = "/w", .parent = "" };
	struct runtime rt = runtime();
	struct argv a;

	assert_int_equal(argv_restore(&a, &rt, &args), 0);
	expect(&a, GLOBAL "restore --image-path /i --work-path /w --detach "
			  "--pid-file /b/init.pid --bundle /b c1");
	args.parent = "/p";
	args.console_socket = "/tmp/pty";
	args.no_pivot = true;
	assert_int_equal(argv_restore(&a, &rt, &args), 0);
	expect(&a, GLOBAL "restore --image-path /i --work-path /w --parent-path /p --detach "
			  "--pid-file /b/init.pid --console-socket /tmp/pty --no-pivot "
			  "--bundle /b c1");
}

TEST(the_longest_command_line_has_room)
{
	static const char *const empty[RUNTIME_EMPTY_NS_MAX] = { "1", "2", "3", "4", "5", "6", "7",
		"8" };
	struct runtime_checkpoint_args args = {
		.image = "/i",
		.work = "/w",
		.parent = "/p",
		.cgroups_mode = "strict",
		.empty_ns = empty,
		.n_empty_ns = RUNTIME_EMPTY_NS_MAX,
		.tcp = true,
		.unix_sockets = true,
		.terminal = true,
		.file_locks = true,
		.leave_running = true,
	};
	struct runtime rt = runtime();
	struct argv a;

	rt.systemd_cgroup = true;
	rt.criu = "/usr/sbin/criu";
	assert_int_equal(argv_checkpoint(&a, &rt, &args), 0);
	assert_int_equal(a.n, 41);
	assert_string_equal(a.word[7], "--criu"); /* where containerd 1.6 has it */
}

TEST(a_terminal_brings_its_socket)
{
	struct runtime_create_args create = { .console_socket = "/tmp/pty", .no_pivot = true };
	struct runtime_exec_args exec = {
		.process_file = "e1.json",
		.pid_file = "e1.pid",
		.log_file = "e1.log",
		.console_socket = "/tmp/pty",
	};
	struct runtime rt = runtime();
	struct argv a;

	assert_int_equal(argv_create(&a, &rt, &create), 0);
	expect(&a, GLOBAL "create --bundle /b --pid-file /b/init.pid --console-socket /tmp/pty "
			  "--no-pivot c1");
	assert_int_equal(argv_exec(&a, &rt, &exec), 0);
	expect(&a, EXEC "exec --process /b/e1.json --console-socket /tmp/pty --detach "
			"--pid-file /b/e1.pid c1");
}

TEST(exec_is_detached_and_reads_its_process_from_the_bundle)
{
	struct runtime_exec_args args = {
		.process_file = "e1.json", .pid_file = "e1.pid", .log_file = "e1.log"
	};
	struct runtime rt = runtime();
	struct argv a;

	assert_int_equal(argv_exec(&a, &rt, &args), 0);
	expect(&a, EXEC "exec --process /b/e1.json --detach --pid-file /b/e1.pid c1");
}

TEST(other_verbs_take_the_id_alone)
{
	struct runtime rt = runtime();
	struct argv a;

	assert_int_equal(argv_verb(&a, &rt, "start"), 0);
	expect(&a, GLOBAL "start c1");
	assert_int_equal(argv_delete(&a, &rt, false), 0);
	expect(&a, GLOBAL "delete c1");
	assert_int_equal(argv_delete(&a, &rt, true), 0);
	expect(&a, GLOBAL "delete --force c1");
	assert_int_equal(argv_update(&a, &rt), 0);
	expect(&a, GLOBAL "update --resources=- c1");
}

TEST(systemds_cgroups_are_a_global_flag_before_the_verb)
{
	struct runtime rt = runtime();
	struct argv a;

	rt.systemd_cgroup = true;
	assert_int_equal(argv_verb(&a, &rt, "pause"), 0);
	expect(&a, GLOBAL "--systemd-cgroup pause c1");
}

TEST(a_bundle_whose_files_have_no_room_is_an_error)
{
	struct runtime_create_args args = { .stdio = { -1, -1, -1 } };
	struct runtime rt = runtime();
	char *path = malloc(PATH_MAX);
	struct argv a;

	memset(path, 'x', PATH_MAX);
	path[0] = '/';
	path[PATH_MAX - 1] = '\0';
	rt.bundle = path;
	assert_int_equal(argv_create(&a, &rt, &args), -ENAMETOOLONG);
	assert_int_equal(argv_verb(&a, &rt, "start"), -ENAMETOOLONG);
	path[PATH_MAX - sizeof("/log.json")] = '\0'; /* now it does */
	assert_int_equal(argv_verb(&a, &rt, "start"), 0);
	assert_int_equal(strlen(a.log), PATH_MAX - 1);
	free(path);
}
