/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_FIND_H
#define SHIM_CTL_FIND_H

/*
 * find.h - the containers of this host and the shims that have them, of
 * whatever make, found without containerd.
 *
 * A state directory of containerd holds io.containerd.runtime.v2.task/NS/ID,
 * the bundles; in each is bootstrap.json (containerd 2.0 and later) or `address`
 * (written by the shims of 1.6 and 1.7, and by ours always; Task v2 then), and
 * `shim-binary-path`. That of `belayctl run` holds the bundles themselves.
 */

#include "base/err.h"
#include "shim/ctl/options.h"

#include <stddef.h>

#define FIND_STATE_CONTAINERD "/run/containerd"
#define FIND_STATE_BELAY      "/run/belay"

/* Containers on one host. Beyond it is an error. */
#define FIND_MAX 16384

struct found {
	char *ns, *id, *bundle; /* owned, as all here */
	char *address;          /* "": its shim has not said where it listens, or has left */
	char *binary;           /* the shim's, as containerd resolved it; "" unknown */
	int version;            /* of the Task service: 2 or 3 */
};

struct found_list {
	struct found *found; /* sorted by namespace and id */
	size_t n;
};

#define FOUND_NONE ((struct found_list){ 0 })

/* A directory that is not there has no containers; one that was asked for must be there. */
int find_all(const struct where *where, struct found_list *ret, struct err *e);
void found_fini(struct found_list *l);

/*
 * The container @word means: its id, NAMESPACE/ID, or the beginning of only one
 * id. Borrowed from @l. NULL and *e, which lists the candidates.
 */
const struct found *found_pick(const struct found_list *l, const char *word, struct err *e);

#endif
