/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/containerd_config.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"
#include "shim/toml.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int add_path(json_t *paths, const char *path, struct err *e)
{
	errno = 0;
	if (json_array_append_new(paths, json_string(path)) == 0)
		return 0;
	return errno == ENOMEM ? err_oom(e)
			       : err_set(e, STATUS_INVALID_ARGUMENT, "a path is not valid UTF-8");
}

static int expand(const char *found, const char *rest, json_t *paths, struct err *e);

/* Each name of the folder @found that matches, in their order; @rest is what comes behind it. */
static int expand_part(
	const char *found, const char *part, const char *rest, json_t *paths, struct err *e)
{
	struct dirent **names = NULL;
	int n = scandir(found, &names, NULL, alphasort); /* no such folder: nothing matches */
	char path[PATH_MAX];
	int rc = 0;

	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (rc == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			fnmatch(part, name, 0) == 0) {
			if (snprintf(path, sizeof(path), "%s%s", found, name) < (int)sizeof(path))
				rc = expand(path, rest, paths, e);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

/* The pattern @rest, of which each part begins with a '/', below @found, which is none. */
static int expand(const char *found, const char *rest, json_t *paths, struct err *e)
{
	char path[PATH_MAX], part[NAME_MAX + 1];
	size_t at = strlen(found), n;

	memcpy(path, found, at + 1);
	for (; rest[0]; rest += n) {
		rest += strspn(rest, "/");
		n = strcspn(rest, "/");
		if (n >= sizeof(part) || at + n + 2 > sizeof(path))
			return 0; /* nothing is called that */
		path[at++] = '/';
		memcpy(path + at, rest, n);
		path[at + n] = '\0';
		memcpy(part, rest, n);
		part[n] = '\0';
		if (strpbrk(part, "*?[")) {
			path[at] = '\0';
			return expand_part(path, part, rest + n, paths, e);
		}
		at += n;
	}
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? add_path(paths, path, e)
									 : 0;
}

static int add_import(const char *file, const char *import, json_t *paths, struct err *e)
{
	const char *slash = strrchr(file, '/');
	int folder = import[0] == '/' || !slash ? 0 : (int)(slash + 1 - file);
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%.*s%s", folder, file, import) >= (int)sizeof(path))
		return err_set(e, STATUS_INVALID_ARGUMENT, "imports: %s is too long", import);
	if (!strchr(path, '*'))
		return add_path(paths, path, e);
	return expand(path[0] == '/' ? "" : ".", path, paths, e);
}

static int add_imports(const char *file, json_t *config, json_t *paths, struct err *e)
{
	json_t *imports = json_object_get(config, "imports");
	json_t *import;
	size_t i;

	if (imports && !json_is_array(imports))
		return err_set(e, STATUS_INVALID_ARGUMENT, "imports is no list");
	json_array_foreach(imports, i, import)
	{
		if (!json_is_string(import))
			return err_set(
				e, STATUS_INVALID_ARGUMENT, "imports: a path that is no string");
		if (add_import(file, json_string_value(import), paths, e) < 0)
			return -1;
	}
	return 0;
}

static int read_file(const char *path, json_t **ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(CONTAINERD_CONFIG_MAX);
	int rc = fd_read_file(AT_FDCWD, path, &text);

	if (rc == -EFBIG)
		return err_set(
			e, STATUS_INVALID_ARGUMENT, "larger than %d bytes", CONTAINERD_CONFIG_MAX);
	if (rc < 0)
		return err_rc(e, rc, "read it");
	return toml_parse((const char *)text.data, text.len, ret, e);
}

/* The file, and to @paths what it imports; nothing if it has been read. */
static int add_file(json_t *files, const char *path, json_t *paths, struct err *e)
{
	auto_free char *real = realpath(path, NULL);
	json_t *config = NULL;
	json_t *file;
	size_t i;

	if (!real)
		return err_sys(e, "read it");
	json_array_foreach(files, i, file)
	{
		if (strcmp(json_get_string(file, "real"), real) == 0)
			return 0;
	}
	if (json_array_size(files) == CONTAINERD_CONFIG_FILES_MAX)
		return err_set(e, STATUS_RESOURCE_EXHAUSTED, "more than %d files",
			CONTAINERD_CONFIG_FILES_MAX);
	if (read_file(path, &config, e) < 0)
		return -1;
	if (add_imports(path, config, paths, e) < 0) {
		json_decref(config);
		return -1;
	}
	file = json_pack("{s:s, s:s, s:o}", "path", path, "real", real, "config", config);
	return json_array_append_new(files, file) < 0 ? err_oom(e) : 0;
}

int containerd_config_read(const char *path, json_t **ret, struct err *e)
{
	auto_json json_t *paths = json_array(), *files = json_array();

	if (!paths || !files)
		return err_oom(e);
	if (add_path(paths, path, e) < 0)
		return -1;
	/* It grows on the way. */
	for (size_t i = 0; i < json_array_size(paths); i++) {
		const char *name = json_string_value(json_array_get(paths, i));

		if (add_file(files, name, paths, e) < 0) {
			err_wrap(e, "%s", name);
			return -1;
		}
	}
	*ret = take_ptr(&files);
	return 0;
}

long containerd_config_version(json_t *config)
{
	return (long)json_integer_value(json_object_get(config, "version"));
}
