/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One run of the runtime, and the verdict on it. The runtime is a script here.
 */

#include "base/auto.h"
#include "base/buf.h"
#include "process/runtime/runtime.h"
#include "tests/lib/tmpdir.h"
#include "tests/unit/reaper_rig.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct office {
	struct rig rig;
	struct tmpdir dir;
	char binary[TMPDIR_PATH_MAX + 16];
	struct runtime rt;
	struct runtime_call call;
	bool over;
	int calls;
};

static void call_over(struct runtime_call *c)
{
	struct office *o = container_of(c, struct office, call);

	o->over = true;
	o->calls++;
}

static void office_open(struct office *o, const char *script)
{
	char text[1024];

	memset(o, 0, sizeof(*o));
	rig_init(&o->rig);
	tmpdir_open(&o->dir);
	setenv("B", o->dir.path, 1);
	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	tmpdir_write(&o->dir, "runtime", text);
	assert_int_equal(fchmodat(o->dir.fd, "runtime", 0755, 0), 0);
	snprintf(o->binary, sizeof(o->binary), "%s/runtime", o->dir.path);
	o->call = RUNTIME_CALL_NONE;
	o->rt = (struct runtime){
		.reaper = &o->rig.reaper,
		.binary = o->binary,
		.root = "/nowhere",
		.bundle = o->dir.path,
		.bundle_fd = o->dir.fd,
		.id = "c1",
	};
}

static void office_close(struct office *o)
{
	runtime_call_fini(&o->call);
	rig_fini(&o->rig);
	tmpdir_close(&o->dir);
}

static void office_start(struct office *o)
{
	struct err e = ERR_INIT;

	o->over = false;
	assert_int_equal(runtime_start(&o->call, &o->rt, call_over, &e), 0);
	loop_run_until(o->rig.loop, &o->over);
}

/* "..." at the beginning stands for the binary; NULL is success. */
static void expect_verdict(struct office *o, const char *words)
{
	struct err e = ERR_INIT;
	char wanted[1200];

	assert_int_equal(runtime_verdict(&o->call, &e), words ? -1 : 0);
	if (!words)
		return;
	snprintf(wanted, sizeof(wanted), "%s%s", strncmp(words, "...", 3) == 0 ? o->binary : "",
		strncmp(words, "...", 3) == 0 ? words + 3 : words);
	assert_string_equal(e.msg, wanted);
	assert_int_equal(e.status, STATUS_UNKNOWN);
}

TEST(code_0_is_success_whatever_was_said)
{
	struct office o;

	office_open(&o, "echo '{\"level\":\"error\",\"msg\":\"just kidding\"}' >>$B/log.json");
	office_start(&o);
	expect_verdict(&o, NULL);
	assert_int_equal(o.calls, 1);
	office_close(&o);
}

TEST(the_last_error_of_this_call_is_the_verdict)
{
	struct office o;

	office_open(&o, "echo '{\"level\":\"error\",\"msg\":\"new\"}' >>$B/log.json; exit 1");
	tmpdir_write(&o.dir, "log.json", "{\"level\":\"error\",\"msg\":\"old\"}\n");
	office_start(&o);
	expect_verdict(&o, "new");
	office_close(&o);
}

TEST(without_a_record_it_is_the_code_and_what_was_printed)
{
	struct office o;

	office_open(&o, "echo out; echo err >&2; exit 3");
	tmpdir_write(&o.dir, "log.json", "");
	office_start(&o);
	expect_verdict(&o, "... did not terminate successfully: exit status 3: out\nerr\n");
	office_close(&o);
}

TEST(without_a_log_that_is_said_too)
{
	char words[512];
	struct office o;

	office_open(&o, "exit 3");
	office_start(&o);
	snprintf(words, sizeof(words),
		"unable to retrieve OCI runtime error (open %s/log.json: no such file or "
		"directory): %s did not terminate successfully: exit status 3",
		o.dir.path, o.binary);
	expect_verdict(&o, words);
	office_close(&o);
}

TEST(nobody_asks_the_log_for_a_plain_verdict)
{
	struct err e = ERR_INIT;
	struct office o;

	office_open(
		&o, "echo '{\"level\":\"error\",\"msg\":\"x\"}' >>$B/log.json; echo no; exit 4");
	office_start(&o);
	assert_int_equal(runtime_plain_verdict(&o.call, &e), -1);
	assert_non_null(strstr(e.msg, "did not terminate successfully: exit status 4: no\n"));
	office_close(&o);
}

/* dd says so itself, and the test sees both: no growth, no hang. */
TEST(output_is_kept_up_to_its_limit_and_refused_beyond)
{
	auto_buf struct buf text = BUF_INIT(RUNTIME_OUTPUT_MAX);
	struct office o;

	office_open(&o, "dd if=/dev/zero bs=64k count=100 2>$B/dd | tr '\\0' x\nexit 5");
	office_start(&o);
	assert_int_equal(runtime_output(&o.call, &text), 0);
	assert_int_equal(text.len, RUNTIME_OUTPUT_MAX);
	assert_int_equal(o.call.status.code, 5);
	office_close(&o);
}

TEST(a_runtime_that_cannot_be_started_is_told_at_once)
{
	struct err e = ERR_INIT;
	struct office o;

	office_open(&o, "");
	tmpdir_write(&o.dir, "log.json", "");
	o.rt.binary = "no-runc";
	assert_int_equal(runtime_start(&o.call, &o.rt, call_over, &e), -1);
	assert_string_equal(e.msg, "exec: \"no-runc\": executable file not found in $PATH");
	o.rt.binary = "/nowhere/runc";
	assert_int_equal(runtime_start(&o.call, &o.rt, call_over, &e), -1);
	assert_string_equal(e.msg, "fork/exec /nowhere/runc: no such file or directory");
	assert_int_equal(fchmodat(o.dir.fd, "runtime", 0600, 0), 0);
	o.rt.binary = o.binary;
	assert_int_equal(runtime_start(&o.call, &o.rt, call_over, &e), -1);
	assert_non_null(strstr(e.msg, "permission denied"));
	assert_false(runtime_kill(&o.call));
	assert_int_equal(o.calls, 0);
	office_close(&o);
}

TEST(one_that_is_killed_has_failed_and_on_exit_still_comes)
{
	struct err e = ERR_INIT;
	struct office o;

	office_open(&o, "exec sleep 1000");
	tmpdir_write(&o.dir, "log.json", "");
	assert_int_equal(runtime_start(&o.call, &o.rt, call_over, &e), 0);
	assert_true(runtime_kill(&o.call));
	loop_run_until(o.rig.loop, &o.over);
	expect_verdict(&o, "... did not terminate successfully: exit status 137");
	assert_false(runtime_kill(&o.call));
	office_close(&o);
}

TEST(a_call_may_be_used_again_and_forgets_the_last_time)
{
	struct office o;

	office_open(&o, "[ -e $B/second ] && exit 0; echo said; >$B/second; exit 1");
	tmpdir_write(&o.dir, "log.json", "");
	office_start(&o);
	expect_verdict(&o, "... did not terminate successfully: exit status 1: said\n");
	office_start(&o);
	expect_verdict(&o, NULL);
	office_close(&o);
}

TEST(create_hands_the_containers_streams_to_the_runtime)
{
	struct runtime_create_args args = { .stdio = { -1, -1, -1 } };
	struct err e = ERR_INIT;
	char got[16] = "";
	struct office o;
	int fds[2];

	office_open(&o, "cat >$B/in; echo out; echo err >&2");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	args.stdio[1] = args.stdio[2] = fds[1];
	assert_int_equal(runtime_create(&o.call, &o.rt, &args, call_over, &e), 0);
	loop_run_until(o.rig.loop, &o.over);
	expect_verdict(&o, NULL);
	assert_int_equal(o.call.output, -1);
	assert_int_equal(read(fds[0], got, sizeof(got)), 8);
	assert_string_equal(got, "out\nerr\n");
	close(fds[0]);
	close(fds[1]);
	office_close(&o);
}

TEST(update_reads_the_resources_from_stdin)
{
	auto_fd int fd = memfd_create("resources", MFD_CLOEXEC);
	struct err e = ERR_INIT;
	struct office o;
	char *text;

	office_open(&o, "cat >$B/in; echo \"$*\" >$B/args");
	assert_int_equal(write(fd, "{\"pids\":{}}", 11), 11);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(runtime_update(&o.call, &o.rt, fd, call_over, &e), 0);
	loop_run_until(o.rig.loop, &o.over);
	text = tmpdir_read(&o.dir, "in");
	assert_string_equal(text, "{\"pids\":{}}");
	free(text);
	office_close(&o);
}

TEST(a_bundle_whose_files_have_no_room_is_an_error_and_nothing_runs)
{
	char path[PATH_MAX];
	struct err e = ERR_INIT;
	struct office o;

	office_open(&o, "");
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	o.rt.bundle = path;
	assert_int_equal(runtime_start(&o.call, &o.rt, call_over, &e), -1);
	assert_string_equal(e.msg, "command line of the runtime: file name too long");
	office_close(&o);
}

TEST(a_call_that_never_began_can_be_ended_and_says_nothing)
{
	struct runtime_call c = RUNTIME_CALL_NONE;

	assert_false(runtime_kill(&c));
	runtime_call_fini(&c);
	runtime_call_fini(&c);
}
