/* SPDX-License-Identifier: Apache-2.0 */

/*
 * doctor_config.c - containerd's config.toml: which name leads to which shim and
 * which runtime, and what of it is not there.
 */

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"
#include "process/runtime/features.h"
#include "shim/ctl/doctor.h"
#include "shim/ctl/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECTION    "containerd"
#define CONFIG_MAX (1024 * 1024)

/* Where a configuration of version 2 has the runtimes of CRI, and one of version 3. */
#define CRI_2 "io.containerd.grpc.v1.cri"
#define CRI_3 "io.containerd.cri.v1.runtime"

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
static void check_plugins(struct doctor *d, json_t *config)
{
	const char *version = json_get_string(config, "version");
	bool is_new = version && strcmp(version, "3") >= 0;
	json_t *old = json_get(config, "plugins", CRI_2, NULL);
	json_t *new = json_get(config, "plugins", CRI_3, NULL);

	if (is_new && json_get(old, "containerd", "runtimes", NULL))
		doctor_tell(d, VERDICT_BAD, SECTION, "plugins",
			"version is %s, so runtimes below \"" CRI_2 "\" are not read; \"" CRI_3
			"\" is their place",
			version);
	if (!is_new && new)
		doctor_tell(d, VERDICT_BAD, SECTION, "plugins",
			"version is %s, so \"" CRI_3 "\" is not read; version = 3 has it",
			version ? version : "not set");
	if (config && json_object_get(config, "imports"))
		doctor_tell(d, VERDICT_NOTE, SECTION, "imports",
			"what other files bring is not looked at");
	check_runtimes(d, is_new ? new : old);
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
	auto_buf struct buf text = BUF_INIT(CONFIG_MAX);
	auto_json json_t *config = NULL;
	struct err e = ERR_INIT;
	int rc = fd_read_file(AT_FDCWD, path, &text);

	check_our_shim(d);
	if (rc == -ENOENT) {
		doctor_tell(d, VERDICT_NOTE, SECTION, "configuration",
			"there is no %s: containerd's defaults", path);
		check_runtimes(d, NULL);
		return;
	}
	if (rc == -EFBIG)
		doctor_tell(d, VERDICT_BAD, SECTION, "configuration", "%s is larger than %d bytes",
			path, CONFIG_MAX);
	else if (rc < 0)
		doctor_tell(
			d, VERDICT_BAD, SECTION, "configuration", "%s: %s", path, strerror(-rc));
	else if (toml_parse((const char *)text.data, text.len, &config, &e) < 0)
		doctor_tell(d, VERDICT_BAD, SECTION, "configuration", "%s: %s", path, e.msg);
	else
		check_plugins(d, config);
}
