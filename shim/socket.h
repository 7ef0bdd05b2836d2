/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SOCKET_H
#define SHIM_SOCKET_H

/*
 * socket.h - where a shim listens: one socket for each group of containers.
 *
 * Its name is a hash of (containerd's address, namespace, group), so a second
 * `start` for the same pod finds the shim of the first by binding: the bind is
 * the lock. Always a path, never an abstract name: those belong to a network
 * namespace, and a container may share the host's (CVE-2020-15257).
 */

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/un.h>

#define SOCKET_DIR_DEFAULT "/run/containerd/s"

/* sun_path less its NUL; what containerd can dial. */
#define SOCKET_PATH_MAX 106

/* What a shim's socket is named after. */
struct socket_name {
	const char *dir;
	const char *address; /* of containerd */
	const char *ns;
	const char *group;
};

/* "DIR/<64 hex digits>", as containerd computes it. -1 and *e when it is too long. */
int socket_path(char ret[SOCKET_PATH_MAX + 1], const struct socket_name *name, struct err *e);

/*
 * Binds and listens, mode 0600 from its first moment, in a folder that is made
 * with 0700 if need be. What is left of a shim that died is replaced. *ret_fd
 * is -1 when somebody serves there already.
 */
int socket_listen(const char *path, int *ret_fd, struct err *e);

/* Whether somebody accepts there. */
bool socket_answers(const char *path);

/* Removes it if nobody answers. -errno: that cannot be told, or it cannot be removed. */
int socket_remove_dead(const char *path);

/* The path a listening descriptor is bound to; "" if it has none. */
void socket_path_of(int fd, char ret[sizeof(((struct sockaddr_un *)0)->sun_path) + 1]);

#endif
