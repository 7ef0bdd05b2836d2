/* SPDX-License-Identifier: Apache-2.0 */

/*
 * doctor_config.c - containerd's config.toml: which name leads to which shim and
 * which runtime, and what of it is not there.
 */

#include "base/auto.h"
#include "base/json.h"
#include "process/runtime/features.h"
#include "shim/ctl/containerd_config.h"
#include "shim/ctl/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECTION "containerd"

/* "io.containerd.NAME.VERSION" is the binary containerd-shim-NAME-VERSION. */
static int shim_name(const char *type, char *ret, size_t room)
{
	const char *version = strrchr(type, '.');
	const char *name = version;

	while (name && name > type && name[-1] != '.')
		name--;
	if (!name || name == type || !version[1] || name == version)
		return -1;
	return snprintf(ret, room, "containerd-shim-%.*s-%s", (int)(version - name), name,
		       version + 1) < (int)room
		       ? 0
		       : -1;
}

/* A path in the place of a type is the shim itself, as is runtime_path. */
static int shim_of(json_t *runtime, char *ret, size_t room)
{
	const char *path = json_get_string(runtime, "runtime_path");
	const char *type = json_get_string(runtime, "runtime_type");

	if (!path || !path[0])
		path = type && type[0] == '/' ? type : NULL;
	if (path)
		return snprintf(ret, room, "%s", path) < (int)room ? 0 : -1;
	/* containerd's own default. */
	return shim_name(type && type[0] ? type : "io.containerd.runc.v2", ret, room);
}

/* features_find_binary() takes a path as it is. */
static bool find_program(const char *name, char path[PATH_MAX])
{
	return features_find_binary(name, path) == 0 && access(path, X_OK) == 0;
}

/* Other shims are at their v1 still: io.containerd.runsc.v1, io.containerd.wasmtime.v1. */
static bool is_gone(const char *type)
{
	return strcmp(type, "io.containerd.runc.v1") == 0 ||
	       strcmp(type, "io.containerd.runtime.v1.linux") == 0;
}

static void check_shim(struct doctor *d, const char *name, json_t *runtime)
{
	const char *type = json_get_string(runtime, "runtime_type");
	char shim[PATH_MAX], path[PATH_MAX];

	if (type && is_gone(type))
		doctor_tell(d, VERDICT_BAD, SECTION, name,
			"runtime_type '%s' is gone since containerd 2.0; io.containerd.runc.v2 "
			"takes its place",
			type);
	else if (shim_of(runtime, shim, sizeof(shim)) < 0)
		doctor_tell(d, VERDICT_BAD, SECTION, name,
			"runtime_type '%s' names no shim; io.containerd.NAME.VERSION does", type);
	else if (!find_program(shim, path))
		doctor_tell(d, VERDICT_BAD, SECTION, name,
			"leads to %s, which is not %s: no container of it can be created", shim,
			strchr(shim, '/') ? "there" : "in $PATH");
	else
		doctor_tell(d, VERDICT_OK, SECTION, name, "leads to %s", path);
}

static bool is_systemd_there(void)
{
	return access("/run/systemd/system", F_OK) == 0; /* sd_booted(3) */
}

/* Those that run an OCI runtime: BinaryName, or runc where nobody says otherwise. */
static bool runs_a_runtime(json_t *runtime)
{
	char shim[PATH_MAX];
	const char *slash;

	if (shim_of(runtime, shim, sizeof(shim)) < 0)
		return false;
	slash = strrchr(shim, '/');
	return strcmp(slash ? slash + 1 : shim, "containerd-shim-runc-v2") == 0 ||
	       strcmp(slash ? slash + 1 : shim, "containerd-shim-belay-v2") == 0;
}

static void check_options(struct doctor *d, const char *name, json_t *runtime)
{
	json_t *options = json_object_get(runtime, "options");
	const char *binary = json_get_string(options, "BinaryName");
	char path[PATH_MAX];

	if (!runs_a_runtime(runtime))
		return;
	if (!binary || !binary[0])
		binary = "runc";
	if (!find_program(binary, path))
		doctor_tell(d, VERDICT_BAD, SECTION, name,
			"wants the runtime %s, which is not there: no container of it can be "
			"created",
			binary);
	else if (strchr(binary, '/'))
		doctor_runtime(d, binary);
	if (json_is_true(json_object_get(options, "SystemdCgroup")) && !is_systemd_there())
		doctor_tell(d, VERDICT_BAD, SECTION, name,
			"SystemdCgroup = true, and systemd does not run here: the runtime has "
			"nobody "
			"to ask for a control group");
}

static void check_runtimes(struct doctor *d, json_t *cri)
{
	json_t *containerd = json_object_get(cri, "containerd");
	json_t *runtimes = json_object_get(containerd, "runtimes");
	const char *chosen = json_get_string(containerd, "default_runtime_name");
	const char *name;
	json_t *runtime;

	json_object_foreach(runtimes, name, runtime)
	{
		check_shim(d, name, runtime);
		check_options(d, name, runtime);
	}
	/* "runc" needs no table: it is there by default. */
	if (chosen && strcmp(chosen, "runc") != 0 && !json_object_get(runtimes, chosen))
		doctor_tell(d, VERDICT_BAD, SECTION, "default_runtime_name",
			"'%s' is none of the runtimes below it: no pod can be created", chosen);
	if (json_object_size(runtimes) == 0) {
		check_shim(d, "runc", NULL);
		check_options(d, "runc", NULL);
	}
}

/* Version 3 is containerd 2's; it reads, but does not look below, the old name. */
static void check_place(struct doctor *d, const char *what, json_t *config)
{
	long version = containerd_config_version(config);
	json_t *old = json_get(config, "plugins", CRI_2, NULL);
	char number[24];

	if (version >= 3 && json_get(old, "containerd", "runtimes", NULL))
		doctor_tell(d, VERDICT_BAD, SECTION, what,
			"version is %ld, so runtimes below \"" CRI_2 "\" are not read; \"" CRI_3
			"\" is their place",
			version);
	snprintf(number, sizeof(number), "%ld", version);
	if (version < 3 && json_get(config, "plugins", CRI_3, NULL))
		doctor_tell(d, VERDICT_BAD, SECTION, what,
			"version is %s, so \"" CRI_3 "\" is not read; version = 3 has it",
			version ? number : "not set");
}

/* What a file says of CRI, in the place of its own version. */
static json_t *cri_of(json_t *config)
{
	return json_get(
		config, "plugins", containerd_config_version(config) >= 3 ? CRI_3 : CRI_2, NULL);
}

static void check_import(
	struct doctor *d, const char *path, json_t *config, long version, bool again)
{
	long own = containerd_config_version(config);

	if (version && own > version)
		doctor_tell(d, VERDICT_BAD, SECTION, path,
			"its version %ld is higher than the %ld before it: containerd 2 does not "
			"start",
			own, version);
	if (version < 3 && again)
		doctor_tell(d, VERDICT_NOTE, SECTION, path,
			"has \"" CRI_2
			"\", as a file before it: containerd 1 takes this one in its "
			"place, containerd 2 both together, which is what is looked at here");
}

static void check_patterns(struct doctor *d, const char *path, json_t *config, long version)
{
	json_t *imports = json_object_get(config, "imports");
	json_t *import;
	size_t i;

	json_array_foreach(imports, i, import)
	{
		const char *pattern = json_string_value(import);

		if (version < 3 && pattern[0] != '/' && strchr(pattern, '*'))
			doctor_tell(d, VERDICT_NOTE, SECTION, path,
				"imports '%s': containerd 1 looks for that below its own working "
				"directory, containerd 2 beside this file, as is done here",
				pattern);
	}
}

/* All files as one, later ones over earlier ones. */
static void check_files(struct doctor *d, json_t *files)
{
	auto_json json_t *all = json_object();
	long version = 0; /* of the first that says one */
	json_t *file;
	size_t i;

	json_array_foreach(files, i, file)
	{
		const char *path = json_get_string(file, "path");
		json_t *config = json_object_get(file, "config");
		json_t *cri = cri_of(config);

		check_place(d, i ? path : "plugins", config);
		if (i)
			check_import(d, path, config, version, cri && json_object_size(all) > 0);
		if (cri && json_object_update_recursive(all, cri) < 0)
			doctor_tell(d, VERDICT_BAD, SECTION, path, "out of memory");
		if (!version)
			version = containerd_config_version(config);
		check_patterns(d, path, config, version);
	}
	check_runtimes(d, all);
}

/* Whatever the file says, these two are what `--runtime` names and documentation lead to. */
static void check_our_shim(struct doctor *d)
{
	char path[PATH_MAX];

	if (find_program("containerd-shim-belay-v2", path))
		doctor_tell(d, VERDICT_OK, SECTION, "io.containerd.belay.v2", "leads to %s", path);
	else
		doctor_tell(d, VERDICT_NOTE, SECTION, "io.containerd.belay.v2",
			"leads to containerd-shim-belay-v2, which is not in $PATH");
}

void doctor_config(struct doctor *d, const char *path)
{
	auto_json json_t *files = NULL;
	struct err e = ERR_INIT;

	check_our_shim(d);
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		doctor_tell(d, VERDICT_NOTE, SECTION, "configuration",
			"there is no %s: containerd's defaults", path);
		check_runtimes(d, NULL);
	} else if (containerd_config_read(path, &files, &e) < 0) {
		doctor_tell(d, VERDICT_BAD, SECTION, "configuration", "%s", e.msg);
	} else {
		check_files(d, files);
	}
}
