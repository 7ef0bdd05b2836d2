/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mount-gate - a program whose mounts wait until they may.
 *
 *	mount-gate COMMAND PROGRAM [ARGUMENT...]
 *
 * Becomes PROGRAM. Each mount(2) of it, and of all that it starts, waits for a
 * run of "sh -c COMMAND" to end. Who waits can be killed: it sleeps in seccomp
 * (SECCOMP_RET_USER_NOTIF, Linux 5.0). What runs the commands is an orphan that
 * ends when nobody is left whose mounts could wait.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "mount-gate: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, ": %s\n", strerror(saved));
	va_end(ap);
	_exit(127);
}

/* The listener of mount(2) in the calling process and its children to come. */
static int filter_mounts(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mount, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	long fd = syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);

	if (fd < 0)
		die("seccomp");
	return (int)fd;
}

static void serve(int listener, const char *command)
{
	struct pollfd watch = { .fd = listener, .events = POLLIN };

	while (poll(&watch, 1, -1) >= 0 && !(watch.revents & POLLHUP)) {
		struct seccomp_notif asked = { 0 };
		struct seccomp_notif_resp answer = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
			continue; /* who asked is gone */
		(void)!system(command);
		answer.id = asked.id;
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

/* Holds nothing of whoever waits for the end of the program's output. */
static void let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	for (int i = 0; i < 3; i++)
		dup2(null, i);
}

/* Must not be under the filter itself, so it takes the listener out of the program to be. */
static __attribute__((noreturn)) void guard(
	pid_t program, int numbers, int done, const char *command)
{
	long pidfd, listener;
	int number;

	if (read(numbers, &number, sizeof(number)) != sizeof(number))
		_exit(1);
	close(numbers);
	pidfd = syscall(SYS_pidfd_open, program, 0);
	listener = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (listener < 0)
		die("pidfd_getfd");
	close((int)pidfd);
	let_go();
	if (write(done, "", 1) != 1)
		_exit(1);
	close(done);
	serve((int)listener, command);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t program = getpid();
	int numbers[2], done[2], listener;
	char byte;

	if (argc < 3) {
		fprintf(stderr, "usage: mount-gate COMMAND PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	if (pipe2(numbers, O_CLOEXEC) < 0 || pipe2(done, O_CLOEXEC) < 0)
		die("pipe2");
	/* Nobody's child, least of all the program's. */
	if (fork() == 0) {
		if (fork() == 0)
			guard(program, numbers[0], done[1], argv[1]);
		_exit(0);
	}
	wait(NULL);
	close(done[1]);
	listener = filter_mounts();
	if (write(numbers[1], &listener, sizeof(listener)) != sizeof(listener) ||
		read(done[0], &byte, 1) != 1)
		die("%s", "the guard has ended");
	close(listener);
	execv(argv[2], argv + 2);
	die("%s", argv[2]);
}
