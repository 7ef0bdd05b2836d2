/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/socket.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Appends @part, or takes the last one away for "..". Returns the new length. */
static size_t clean_part(char *to, size_t at, const char *part)
{
	if (part[0] == '\0' || strcmp(part, ".") == 0)
		return at;
	if (strcmp(part, "..") == 0) {
		while (at > 0 && to[--at] != '/')
			;
		return at;
	}
	to[at++] = '/';
	memcpy(to + at, part, strlen(part));
	return at + strlen(part);
}

/* Go's path.Clean of an absolute path, into as much room: no "//", no "/./", no "/../". */
static void clean(char *to, char *path)
{
	char *rest = path;
	char *part;
	size_t at = 0;

	while ((part = strsep(&rest, "/")))
		at = clean_part(to, at, part);
	to[at] = '\0';
}

int socket_path(char ret[SOCKET_PATH_MAX + 1], const struct socket_name *name, struct err *e)
{
	char joined[PATH_MAX], cleaned[PATH_MAX + 1], digest[SHA256_DIGEST_STRING_LENGTH];
	int n = snprintf(joined, sizeof(joined), "%s/%s/%s", name->address, name->ns, name->group);

	if (n < 0 || (size_t)n >= sizeof(joined))
		return err_set(
			e, STATUS_INVALID_ARGUMENT, "address, namespace and group are too long");
	clean(cleaned, joined);
	SHA256Data((const uint8_t *)cleaned, strlen(cleaned), digest);
	n = snprintf(ret, SOCKET_PATH_MAX + 1, "%s/%s", name->dir, digest);
	if (n < 0 || n > SOCKET_PATH_MAX)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"socket path %s/%s is longer than %d bytes", name->dir, digest,
			SOCKET_PATH_MAX);
	return 0;
}

static int make_parents(const char *path, struct err *e)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "create %s", dir);
		*slash = '/';
	}
	return 0;
}

static int fill_address(struct sockaddr_un *sa, const char *path)
{
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	memcpy(sa->sun_path, path, strlen(path));
	return 0;
}

/* The mode is the umask's doing, so that there is no moment with a wider one. */
static int bind_private(int fd, const struct sockaddr_un *sa)
{
	mode_t before = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? -errno : 0;

	umask(before);
	return rc;
}

/* 1: somebody accepts there. 0: nobody does. -errno: that cannot be told. */
static int probe(const char *path)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa;
	int rc;

	if (fd < 0)
		return -errno;
	rc = fill_address(&sa, path);
	if (rc < 0)
		return rc;
	/* EAGAIN: its backlog is full, so it lives. */
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0 || errno == EAGAIN)
		return 1;
	return errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
}

bool socket_answers(const char *path)
{
	return probe(path) == 1;
}

/*
 * The folder's lock, held while a socket is looked at and replaced: of two that
 * find a dead one, the second must not remove what the first has put there.
 * A descriptor or -errno.
 */
static int lock_folder(const char *path)
{
	auto_free char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	auto_fd int fd = -1;

	if (!slash)
		return dir ? -EINVAL : -ENOMEM;
	*slash = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	return take_fd(&fd);
}

int socket_remove_dead(const char *path)
{
	auto_fd int lock = path[0] == '/' ? lock_folder(path) : -EINVAL;
	int rc = lock < 0 ? lock : probe(path);

	if (rc == 0 && unlink(path) < 0)
		rc = -errno;
	return rc > 0 || rc == -ENOENT ? 0 : rc;
}

/* Under the folder's lock; what is left of the dead makes room. 0, 1: somebody serves there, or
 * -errno.
 */
static int bind_there(int fd, const char *path, const struct sockaddr_un *sa)
{
	int rc = bind_private(fd, sa);

	if (rc != -EADDRINUSE)
		return rc;
	rc = probe(path);
	if (rc != 0)
		return rc;
	(void)unlink(path); /* if that fails, so does the bind */
	return bind_private(fd, sa);
}

int socket_listen(const char *path, int *ret_fd, struct err *e)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_fd int lock = -1;
	struct sockaddr_un sa;
	int rc;

	if (fd < 0)
		return err_sys(e, "create socket");
	rc = fill_address(&sa, path);
	if (rc < 0)
		return err_rc(e, rc, "bind %s", path);
	if (make_parents(path, e) < 0)
		return -1;
	lock = lock_folder(path);
	if (lock < 0)
		return err_rc(e, lock, "lock the folder of %s", path);
	rc = bind_there(fd, path, &sa);
	if (rc < 0)
		return err_rc(e, rc, "bind %s", path);
	if (rc > 0) {
		*ret_fd = -1;
		return 0;
	}
	if (listen(fd, SOMAXCONN) < 0) {
		err_sys(e, "listen on %s", path);
		(void)unlink(path);
		return -1;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

void socket_path_of(int fd, char ret[sizeof(((struct sockaddr_un *)0)->sun_path) + 1])
{
	struct sockaddr_un sa = { 0 };
	socklen_t len = sizeof(sa);

	ret[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0 || sa.sun_family != AF_UNIX)
		return;
	memcpy(ret, sa.sun_path, sizeof(sa.sun_path));
	ret[sizeof(sa.sun_path)] = '\0';
}
