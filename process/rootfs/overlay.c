/* SPDX-License-Identifier: Apache-2.0 */
#include "process/rootfs/overlay.h"

#include "base/auto.h"
#include "process/rootfs/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Of a layer number, its NUL included. */
#define NUMBER_MAX 24

const char *overlay_option(const struct mount_plan *plan, const char *name)
{
	const char *value = NULL;
	size_t n = strlen(name);

	for (size_t i = 0; i < plan->n_data; i++)
		if (strncmp(plan->data[i], name, n) == 0)
			value = plan->data[i] + n;
	return value;
}

int overlay_init(struct overlay *o, struct err *e)
{
	const char *lowerdir = overlay_option(o->plan, "lowerdir=");
	int rc = lowerdir ? layers_split(lowerdir, &o->layers) : -EINVAL;

	if (rc == -EINVAL)
		return err_set(e, STATUS_UNKNOWN,
			lowerdir ? "mount option \"lowerdir\" has a layer without a name"
				 : "mount option \"lowerdir\" is missing");
	return rc < 0 ? err_oom(e) : 0;
}

void overlay_fini(struct overlay *o)
{
	layers_fini(&o->layers);
}

int overlay_text(const struct overlay *o, const struct layers *layers, size_t skip, struct buf *ret)
{
	int rc = buf_printf(ret, "lowerdir=");

	if (rc == 0)
		rc = layers_join(layers, skip, ret);
	for (size_t i = 0; rc == 0 && i < o->plan->n_data; i++)
		if (strncmp(o->plan->data[i], "lowerdir=", 9) != 0)
			rc = buf_printf(ret, ",%s", o->plan->data[i]);
	return rc;
}

static int text_failed(int rc, struct err *e)
{
	if (rc == -ENOBUFS)
		return err_set(e, STATUS_UNKNOWN, "mount options is too long");
	return err_oom(e);
}

/* From the current directory. */
static int mount_here(const struct overlay *o, const struct layers *layers, size_t skip,
	const char *place, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(OPTIONS_DATA_MAX);
	int rc = overlay_text(o, layers, skip, &text);
	const char *data = rc == 0 ? buf_text(&text) : NULL;

	if (!data)
		return text_failed(rc, e);
	if (mount(o->source, place, "overlay", o->plan->flags, data) < 0)
		return err_sys(e, o->userns < 0
					  ? "mount"
					  : "mount with idmapped layers (Linux 5.19 and later)");
	return 0;
}

int overlay_by_chdir(const struct overlay *o, const char *place, struct err *e)
{
	size_t common = layers_common(&o->layers);
	auto_free char *parent = strndup(o->layers.path[0], common);
	int rc;

	if (!parent)
		return err_oom(e);
	if (common == 0)
		return err_set(e, STATUS_UNKNOWN,
			"mount options is too long, and the layers have no common parent");
	if (chdir(parent) < 0)
		return err_sys(e, "enter %s", parent);
	rc = mount_here(o, &o->layers, common, place, e);
	if (chdir("/") < 0)
		return err_sys(e, "enter /");
	return rc;
}

int overlay_layer_tree(const struct overlay *o, size_t i, struct err *e)
{
	auto_fd int tree = tree_clone(o->layers.path[i], false);
	int rc = tree < 0 ? tree : tree_idmap(tree, o->userns, MOUNT_ATTR_RDONLY);

	if (rc == -ENOSYS)
		return err_rc(
			e, rc, "idmapped mounts need Linux 5.12: layer %s", o->layers.path[i]);
	if (rc < 0)
		return err_rc(e, rc, tree < 0 ? "layer %s" : "idmap layer %s", o->layers.path[i]);
	return take_fd(&tree);
}

/* Attaches an idmapped copy of each layer to a folder whose name is its number. */
static int attach_layers(
	const struct overlay *o, const int *trees, struct layers *numbers, struct err *e)
{
	for (size_t i = 0; i < o->layers.n; i++) {
		char name[NUMBER_MAX];

		snprintf(name, sizeof(name), "%zu", i);
		numbers->path[i] = strdup(name);
		if (!numbers->path[i])
			return err_oom(e);
		numbers->n = i + 1;
		if (mkdir(name, 0700) < 0 ||
			move_mount(trees[i], "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return err_sys(e, "attach layer %s", o->layers.path[i]);
	}
	return 0;
}

/* In the workshop. What is mounted here is gone with it. */
static int build(const struct overlay *o, const int *trees, int *ret_tree, struct err *e)
{
	struct layers numbers = { .path = calloc(o->layers.n, sizeof(*numbers.path)) };
	int rc;

	if (!numbers.path)
		return err_oom(e);
	if (mount("tmpfs", o->scratch, "tmpfs", 0, "mode=700") < 0 || chdir(o->scratch) < 0 ||
		mkdir("m", 0700) < 0)
		rc = err_sys(e, "make a workshop in %s", o->scratch);
	else
		rc = attach_layers(o, trees, &numbers, e);
	if (rc == 0)
		rc = mount_here(o, &numbers, 0, "m", e);
	layers_fini(&numbers);
	if (rc < 0)
		return -1;
	rc = tree_clone("m", false);
	if (rc < 0)
		return err_rc(e, rc, "clone overlay");
	*ret_tree = rc;
	return 0;
}

static int build_apart(const struct overlay *o, const int *trees, int *ret_tree, struct err *e)
{
	struct workshop w;
	int rc = workshop_enter(&w), tree = -1;

	if (rc < 0)
		return err_rc(e, rc, "make a private mount namespace");
	rc = build(o, trees, &tree, e);
	if (workshop_leave(&w) < 0) {
		fd_drop(&tree);
		return err_set(e, STATUS_UNKNOWN, "cannot return to the mount namespace");
	}
	if (rc == 0)
		*ret_tree = tree;
	return rc;
}

int overlay_by_workshop(const struct overlay *o, int *ret_tree, struct err *e)
{
	auto_free int *trees = calloc(o->layers.n, sizeof(*trees));
	size_t n = 0;
	int rc = 0;

	if (!trees)
		return err_oom(e);
	/* Before the tmpfs covers anything. */
	while (rc == 0 && n < o->layers.n) {
		trees[n] = overlay_layer_tree(o, n, e);
		rc = trees[n++] < 0 ? -1 : 0;
	}
	if (rc == 0)
		rc = build_apart(o, trees, ret_tree, e);
	while (n > 0)
		fd_drop(&trees[--n]);
	return rc;
}
