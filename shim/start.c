/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/start.h"

#include "base/auto.h"
#include "base/fd.h"
#include "process/bundle.h"
#include "process/cgroup/cgroup.h"
#include "proto/any.h"
#include "proto/api/bootstrap.pb-c.h"
#include "proto/api/runtimeoptions.pb-c.h"
#include "proto/message.h"
#include "shim/convert.h"
#include "shim/daemon.h"
#include "shim/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What containerd may send on stdin, in bytes. The reference's limit. */
#define QUESTION_MAX (10u << 20)

/* linux/prctl.h of the build machine may be older than the kernel of the host. */
#define SCHED_CORE_OPTION 62 /* PR_SCHED_CORE, Linux 5.14 */
#define SCHED_CORE_CREATE 1
#define SCHED_CORE_GROUP  2 /* PIDTYPE_PGID */

enum dialect {
	DIALECT_PLAIN,
	DIALECT_JSON,
	DIALECT_PROTOBUF
};

struct question {
	enum dialect dialect;
	bool debug;
	char *socket_dir;    /* owned */
	char *ttrpc_address; /* owned */
	char *shim_cgroup;   /* owned; "": none */
};

static void question_fini(struct question *q)
{
	free(take_ptr(&q->socket_dir));
	free(take_ptr(&q->ttrpc_address));
	free(take_ptr(&q->shim_cgroup));
}

static char *copy_or(const char *s, const char *otherwise)
{
	return strdup(s && s[0] ? s : otherwise);
}

/* An old Any decodes as BootstrapParams and the other way round; only the ids tell. */
static bool is_bootstrap(const Pb__BootstrapParams *params, const struct args *a)
{
	return params && strcmp(params->instance_id, a->id) == 0 &&
	       strcmp(params->namespace_, a->ns) == 0;
}

/* Options that cannot be read are Create's to complain about: it gets the same. */
static char *find_shim_cgroup(const Pb__Any *any)
{
	struct convert_create c;
	struct err e = ERR_INIT;
	char *path;

	if (convert_options(&c, any, &e) < 0)
		return strdup("");
	path = copy_or(c.args.options.shim_cgroup, "");
	convert_create_fini(&c);
	return path;
}

/* Among the extensions the one that is a runtime's options. */
static const Pb__Any *find_options(const Pb__BootstrapParams *params)
{
	for (size_t i = 0; i < params->n_extensions; i++) {
		const Pb__Any *any = params->extensions[i]->value;

		if (any_is(any, runc__options__descriptor.name) ||
			any_is(any, runtimeoptions__options__descriptor.name))
			return any;
	}
	return NULL;
}

static int read_question(const struct args *a, struct question *ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(QUESTION_MAX);
	auto_message Pb__BootstrapParams *params = NULL;
	auto_message Pb__Any *any = NULL;
	struct question q = { .debug = a->debug };
	int rc = isatty(STDIN_FILENO) ? 0 : fd_read_all(STDIN_FILENO, &text);

	if (rc < 0 && rc != -EBADF) /* no stdin at all is an empty one */
		return err_rc(e, rc, "read stdin");
	if (text.len > 0)
		params = message_unpack(&pb__bootstrap_params__descriptor, text.data, text.len);
	q.dialect = a->knows_json ? DIALECT_JSON : DIALECT_PLAIN;
	if (is_bootstrap(params, a)) {
		q.dialect = DIALECT_PROTOBUF;
		q.debug |= params->log_level <= PB__LOG_LEVEL__DEBUG;
		q.socket_dir = copy_or(params->socket_dir, SOCKET_DIR_DEFAULT);
		q.ttrpc_address = copy_or(params->containerd_ttrpc_address, a->ttrpc_address);
		q.shim_cgroup = find_shim_cgroup(find_options(params));
	} else {
		q.socket_dir = strdup(SOCKET_DIR_DEFAULT);
		q.ttrpc_address = strdup(a->ttrpc_address);
		if (text.len > 0)
			any = message_unpack(&pb__any__descriptor, text.data, text.len);
		q.shim_cgroup = find_shim_cgroup(any);
	}
	if (!q.socket_dir || !q.ttrpc_address || !q.shim_cgroup) {
		question_fini(&q);
		return err_oom(e);
	}
	*ret = q;
	return 0;
}

static int answer_protobuf(const char *address, struct buf *out)
{
	Pb__BootstrapResult result = PB__BOOTSTRAP_RESULT__INIT;

	/* Protocol last: some daemons trim white space off the end, and 'c' is none. */
	result.version = 3;
	result.address = address;
	result.protocol = "ttrpc";
	return message_pack(&result.base, out);
}

static int write_address(const char *address, struct err *e)
{
	int rc = fd_replace_file(AT_FDCWD, "address", address, strlen(address), 0644);

	return rc < 0 ? err_rc(e, rc, "write address") : 0;
}

static int answer(enum dialect dialect, const char *address, struct err *e)
{
	auto_buf struct buf out = BUF_INIT(4096);
	int rc;

	if (dialect == DIALECT_PROTOBUF)
		rc = answer_protobuf(address, &out);
	else if (dialect == DIALECT_JSON)
		rc = buf_printf(
			&out, "{\"version\":2,\"address\":\"%s\",\"protocol\":\"ttrpc\"}", address);
	else
		rc = buf_printf(&out, "%s", address);
	if (rc == 0)
		rc = fd_write_all(STDOUT_FILENO, out.data, out.len);
	return rc < 0 ? err_rc(e, rc, "print the address") : 0;
}

#define SCORE_ROOM 24

/* A step likelier to be killed than containerd, as the reference has it; the kernel's maximum is
 * 1000. What it was is for our containers. */
static int adjust_oom_score(pid_t containerd, char before[SCORE_ROOM], struct err *e)
{
	auto_buf struct buf text = BUF_INIT(32);
	char name[64], score[SCORE_ROOM];
	auto_fd int fd = -1;
	long adj;
	int rc;

	snprintf(name, sizeof(name), "/proc/%d/oom_score_adj", (int)containerd);
	rc = fd_read_file(AT_FDCWD, name, &text);
	if (rc < 0 || !buf_text(&text))
		return err_rc(e, rc < 0 ? rc : -ENOMEM, "read %s", name);
	adj = strtol(buf_text(&text), NULL, 10);
	snprintf(before, SCORE_ROOM, "%ld", adj);
	snprintf(score, sizeof(score), "%ld", adj < 1000 ? adj + 1 : 1000);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	rc = fd < 0 ? -errno : fd_write_all(fd, score, strlen(score));
	if ((rc == -EPERM || rc == -EACCES) && geteuid() != 0)
		return 0;
	return rc < 0 ? err_rc(e, rc, "set oom_score_adj to %s", score) : 0;
}

/*
 * What ps shows: the words of `start` less the action. They lie one behind the
 * other in memory, and what is left out at the end becomes NULs.
 */
static void hide_action(char **argv)
{
	char **last = argv;

	while (last[1])
		last++;
	memset(*last, 0, strlen(*last));
}

/* Where the daemon keeps what it is given; everything else it may have inherited is closed. */
#define LISTEN_FD 3
#define READY_FD  4

/*
 * Nothing of containerd's stays open: a pipe that did would keep it waiting for
 * our end, and a container must not find in us what somebody once forgot.
 */
static int keep_descriptors(int listen_fd, int ready_fd, struct err *e)
{
	/* First out of the way: what one becomes, another may be. */
	int listening = fcntl(listen_fd, F_DUPFD_CLOEXEC, READY_FD + 1);
	int ready = fcntl(ready_fd, F_DUPFD_CLOEXEC, READY_FD + 1);
	int null = open("/dev/null", O_RDWR);

	if (listening < 0 || ready < 0 || null < 0)
		return err_sys(e, "arrange descriptors");
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return err_sys(e, "arrange descriptors");
	if (dup3(listening, LISTEN_FD, O_CLOEXEC) < 0 || dup3(ready, READY_FD, O_CLOEXEC) < 0 ||
		syscall(SYS_close_range, READY_FD + 1, ~0U, 0) < 0)
		return err_sys(e, "arrange descriptors");
	return 0;
}

static int join_cgroup(const char *path, struct err *e)
{
	int rc = path && path[0] ? cgroup_join(path) : 0;

	if (rc == -EINVAL)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"shim_cgroup '%s' is not a clean path below the root of the control groups",
			path);
	return rc < 0 ? err_rc(e, rc, "failed to join cgroup %s", path) : 0;
}

/* In the new process, which becomes the daemon. */
static int become_daemon(const struct args *a, const struct question *q, int listen_fd,
	int ready_fd, pid_t containerd)
{
	char score[SCORE_ROOM] = "";
	const struct daemon_conf conf = {
		.ns = a->ns,
		.id = a->id,
		.ttrpc_address = q->ttrpc_address,
		.oom_score_adj = score,
		.debug = q->debug,
	};
	struct err e = ERR_INIT;

	if (keep_descriptors(listen_fd, ready_fd, &e) < 0) {
		(void)!write(ready_fd, e.msg, strlen(e.msg)); /* nobody else to tell */
		return 1;
	}
	if (setpgid(0, 0) < 0)
		err_sys(&e, "make a process group");
	else if (join_cgroup(q->shim_cgroup, &e) == 0)
		(void)adjust_oom_score(containerd, score, &e); /* its error is told below */
	if (err_is_set(&e)) {
		(void)!write(READY_FD, e.msg, strlen(e.msg));
		return 1;
	}
	return daemon_run(&conf, LISTEN_FD, READY_FD);
}

/*
 * Waits until the daemon serves and says so, in one NUL, or says why not. One that was killed
 * says nothing.
 */
static int await_daemon(int fd, struct err *e)
{
	char why[ERR_MSG_MAX];
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, why + n, sizeof(why) - 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "wait for the daemon");
		if (got == 0)
			break;
		n += (size_t)got;
	}
	why[n] = '\0';
	if (n > 0 && !why[0])
		return 0;
	return err_set(e, STATUS_UNKNOWN, "%s", n > 0 ? why : "the daemon died before it served");
}

static int join_core_group(const struct args *a, struct err *e)
{
	if (a->sched_core &&
		prctl(SCHED_CORE_OPTION, SCHED_CORE_CREATE, 0, SCHED_CORE_GROUP, 0) < 0)
		return err_sys(e, "enable sched core support");
	return 0;
}

/*
 * Returns in the parent only: the daemon leaves from here. Its pid, or -1, even if it does not
 * serve; then *e is set.
 */
static pid_t launch(
	const struct args *a, char **argv, const struct question *q, int listen_fd, struct err *e)
{
	pid_t containerd = getppid();
	int ready[2];
	pid_t pid;

	if (join_core_group(a, e) < 0)
		return -1;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		hide_action(argv);
		_exit(become_daemon(a, q, listen_fd, ready[1], containerd));
	}
	if (pid < 0)
		err_sys(e, "start the daemon");
	close(ready[1]);
	if (pid > 0)
		(void)await_daemon(ready[0], e);
	close(ready[0]);
	return pid;
}

/* Where the new shim listens; borrowed. */
struct place {
	int listen_fd;
	const char *address;
};

static int launch_and_answer(const struct args *a, char **argv, const struct question *q,
	const struct place *at, struct err *e)
{
	pid_t pid = launch(a, argv, q, at->listen_fd, e);

	if (!err_is_set(e) && answer(q->dialect, at->address, e) == 0)
		return 0;
	/* Nobody would ever know of it. It is our child, and nobody waits for it: the number is
	 * still its own. */
	if (pid > 0)
		(void)kill(pid, SIGKILL);
	return -1;
}

static int find_group(const struct args *a, char **ret, struct err *e)
{
	auto_fd int bundle = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bundle_facts facts;

	if (bundle < 0)
		return err_sys(e, "open the bundle");
	if (bundle_read_facts(bundle, &facts, e) < 0)
		return -1;
	*ret = facts.group && facts.group[0] ? take_ptr(&facts.group) : strdup(a->id);
	bundle_facts_fini(&facts);
	return *ret ? 0 : err_oom(e);
}

static int start(const struct args *a, char **argv, const struct question *q, struct err *e)
{
	auto_free char *group = NULL;
	char path[SOCKET_PATH_MAX + 1], address[sizeof("unix://") + SOCKET_PATH_MAX];
	auto_fd int fd = -1;

	if (find_group(a, &group, e) < 0 ||
		socket_path(path, &(struct socket_name){ q->socket_dir, a->address, a->ns, group },
			e) < 0 ||
		socket_listen(path, &fd, e) < 0)
		return -1;
	snprintf(address, sizeof(address), "unix://%s", path);
	/* No descriptor: the shim of this group serves already. */
	if (fd < 0)
		return write_address(address, e) < 0 ? -1 : answer(q->dialect, address, e);
	/* What may fail comes before there is a daemon. */
	if (write_address(address, e) == 0 &&
		launch_and_answer(a, argv, q, &(struct place){ fd, address }, e) == 0)
		return 0;
	(void)unlink(path);
	return -1;
}

int start_run(const struct args *args, char **argv, struct err *e)
{
	struct question q = { 0 };
	int rc;

	if (read_question(args, &q, e) < 0)
		return -1;
	rc = start(args, argv, &q, e);
	question_fini(&q);
	return rc;
}
