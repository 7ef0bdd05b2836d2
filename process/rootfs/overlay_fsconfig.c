/* SPDX-License-Identifier: Apache-2.0 */

/*
 * overlay_fsconfig.c - an overlay by the newer mount calls: no page of options, no paths.
 */

#include "base/auto.h"
#include "process/rootfs/overlay.h"
#include "process/rootfs/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

/* What the kernel has to say to the last call, which may be several lines. */
#define LOG_MAX 200

struct word_of_flag {
	unsigned long flag;
	const char *word;
};

/* Flags of the filesystem; those of the mount go to fsmount(). */
static const struct word_of_flag words[] = {
	{ MS_RDONLY, "ro" },
	{ MS_SYNCHRONOUS, "sync" },
	{ MS_DIRSYNC, "dirsync" },
	{ MS_LAZYTIME, "lazytime" },
	{ MS_MANDLOCK, "mand" },
	{ MS_I_VERSION, "iversion" },
};

static int set_string(int fs, const char *key, const char *value, struct err *e)
{
	if (fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0)
		return err_sys(e, "%s=%s", key, value);
	return 0;
}

/* Layers as descriptors: Linux 6.13. */
static int set_folder(int fs, const char *key, const char *path, struct err *e)
{
	auto_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsconfig(fs, FSCONFIG_SET_FD, key, NULL, fd) < 0)
		return err_sys(e, "%s=%s", key, path);
	return 0;
}

/*
 * upperdir and workdir. A string that fits keeps its backslashes, which the
 * kernel takes away; those of lowerdir+ it does not.
 */
static int set_escaped(int fs, const char *key, const char *value, struct err *e)
{
	auto_free char *plain = NULL;

	if (strlen(value) <= FSCONFIG_STRING_MAX)
		return set_string(fs, key, value, e);
	plain = strdup(value);
	if (!plain)
		return err_oom(e);
	layers_unescape(plain);
	return set_folder(fs, key, plain, e);
}

static int set_word(int fs, const char *word, struct err *e)
{
	const char *equals = strchr(word, '=');
	auto_free char *key = equals ? strndup(word, (size_t)(equals - word)) : strdup(word);

	if (!key)
		return err_oom(e);
	if (!equals) {
		if (fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0) < 0)
			return err_sys(e, "%s", key);
		return 0;
	}
	if (strcmp(key, "lowerdir") == 0)
		return 0; /* layer by layer */
	if (strcmp(key, "upperdir") == 0 || strcmp(key, "workdir") == 0)
		return set_escaped(fs, key, equals + 1, e);
	return set_string(fs, key, equals + 1, e);
}

static int set_words(int fs, const struct overlay *o, struct err *e)
{
	int rc = set_string(fs, "source", o->source, e);

	for (size_t i = 0; rc == 0 && i < o->plan->n_data; i++)
		rc = set_word(fs, o->plan->data[i], e);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(words); i++)
		if (o->plan->flags & words[i].flag)
			rc = set_word(fs, words[i].word, e);
	return rc;
}

static int set_plain_layers(int fs, const struct overlay *o, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < o->layers.n; i++) {
		const char *path = o->layers.path[i];

		rc = strlen(path) <= FSCONFIG_STRING_MAX ? set_string(fs, "lowerdir+", path, e)
							 : set_folder(fs, "lowerdir+", path, e);
	}
	return rc;
}

/* The trees have to live until the filesystem is made: their descriptors are @trees. */
static int set_idmapped_layers(int fs, const struct overlay *o, int *trees, struct err *e)
{
	for (size_t i = 0; i < o->layers.n; i++) {
		trees[i] = overlay_layer_tree(o, i, e);
		if (trees[i] < 0)
			return -1;
		if (fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, trees[i]) < 0)
			return err_sys(e, "lowerdir+=%s", o->layers.path[i]);
	}
	return 0;
}

/* With the kernel's own words, of which there may be none. */
static int create_failed(int fs, struct err *e)
{
	int saved = errno;
	char log[LOG_MAX];
	ssize_t n = read(fs, log, sizeof(log) - 1);

	log[n > 0 ? n : 0] = '\0';
	log[strcspn(log, "\n")] = '\0';
	return err_rc(e, -saved, "create overlay (%s)", log);
}

static int make(int fs, const struct overlay *o, int *ret_tree, struct err *e)
{
	int tree;

	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return create_failed(fs, e);
	tree = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)tree_attr(o->plan->flags));
	if (tree < 0)
		return err_sys(e, "fsmount");
	*ret_tree = tree;
	return 0;
}

static int configure(int fs, const struct overlay *o, int *trees, int *ret_tree, struct err *e)
{
	int rc = o->userns < 0 ? set_plain_layers(fs, o, e) : set_idmapped_layers(fs, o, trees, e);

	if (rc == 0)
		rc = set_words(fs, o, e);
	return rc < 0 ? -1 : make(fs, o, ret_tree, e);
}

int overlay_by_fsconfig(const struct overlay *o, int *ret_tree, struct err *e)
{
	auto_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	auto_free int *trees = malloc(o->layers.n * sizeof(*trees));
	int rc;

	if (!trees)
		return err_oom(e);
	if (fs < 0)
		return err_sys(e, "fsopen overlay");
	if (kernel_lacks(o->userns < 0 ? KERNEL_LOWERDIR_APPEND : KERNEL_LAYER_TREES))
		return err_rc(e, -ENOSYS, "layers of an overlay one by one");
	for (size_t i = 0; i < o->layers.n; i++)
		trees[i] = -1;
	rc = configure(fs, o, trees, ret_tree, e);
	for (size_t i = 0; i < o->layers.n; i++)
		fd_drop(&trees[i]);
	return rc;
}
