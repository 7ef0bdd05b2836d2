/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/spec.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"
#include "shim/ctl/spec_options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a process in a container may do by default; docker's and containerd's choice too. */
static const char *const capabilities[] = {
	"CAP_AUDIT_WRITE",
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_MKNOD",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_RAW",
	"CAP_SETFCAP",
	"CAP_SETGID",
	"CAP_SETPCAP",
	"CAP_SETUID",
	"CAP_SYS_CHROOT",
};

static const char *const masked[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/firmware",
};

static const char *const read_only[] = {
	"/proc/bus",
	"/proc/fs",
	"/proc/irq",
	"/proc/sys",
	"/proc/sysrq-trigger",
};

static const char *const namespaces[] = { "pid", "ipc", "uts", "mount", "network" };

struct spec_mount {
	const char *place, *type, *source;
	const char *options[6];
};

static const struct spec_mount mounts[] = {
	{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts", "devpts", "devpts",
		{ "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
};

static json_t *string_array(const char *const *list, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n && list[i]; i++)
		json_array_append_new(a, json_string(list[i]));
	return a;
}

static json_t *namespace_array(void)
{
	json_t *a = json_array();

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		json_array_append_new(a, json_pack("{s:s}", "type", namespaces[i]));
	return a;
}

static json_t *mount_array(void)
{
	json_t *a = json_array();

	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		const struct spec_mount *m = &mounts[i];

		json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:o}", "destination", m->place,
						 "type", m->type, "source", m->source, "options",
						 string_array(m->options, ARRAY_LEN(m->options))));
	}
	return a;
}

static json_t *capability_sets(void)
{
	const size_t n = ARRAY_LEN(capabilities);

	return json_pack("{s:o, s:o, s:o}", "bounding", string_array(capabilities, n), "effective",
		string_array(capabilities, n), "permitted", string_array(capabilities, n));
}

static json_t *environment(bool terminal)
{
	const char *term = getenv("TERM");
	json_t *env = json_array();

	json_array_append_new(env,
		json_string("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	if (terminal)
		json_array_append_new(env, json_sprintf("TERM=%s", term ? term : "xterm"));
	return env;
}

static json_t *process(const struct spec *s)
{
	json_t *args = json_array();

	for (size_t i = 0; s->command[i]; i++)
		if (json_array_append_new(args, json_string(s->command[i])) < 0) {
			json_decref(args); /* not UTF-8 */
			return NULL;
		}
	return json_pack("{s:o, s:o, s:s, s:{s:i, s:i}, s:o, s:b, s:b}", "args", args, "env",
		environment(s->terminal), "cwd", "/", "user", "uid", 0, "gid", 0, "capabilities",
		capability_sets(), "noNewPrivileges", 1, "terminal", (int)s->terminal);
}

static json_t *linux_part(const char *cgroup)
{
	return json_pack("{s:s, s:o, s:o, s:o}", "cgroupsPath", cgroup, "namespaces",
		namespace_array(), "maskedPaths", string_array(masked, ARRAY_LEN(masked)),
		"readonlyPaths", string_array(read_only, ARRAY_LEN(read_only)));
}

int spec_write(int dir, const struct spec *s, struct err *e)
{
	auto_json json_t *config = NULL;
	auto_free char *text = NULL;
	char cgroup[128];
	json_t *p = process(s);
	int rc;

	if (!p)
		return err_set(e, STATUS_INVALID_ARGUMENT, "the command is not valid UTF-8");
	snprintf(cgroup, sizeof(cgroup), "/belay/%s", s->id);
	config = json_pack("{s:s, s:o, s:{s:s}, s:s, s:o, s:o}", "ociVersion", "1.0.2", "process",
		p, "root", "path", "rootfs", "hostname", s->id, "mounts", mount_array(), "linux",
		linux_part(cgroup));
	if (config && spec_options_apply(s->options, s->rootfs, config, e) < 0)
		return -1;
	text = config ? json_dumps(config, JSON_INDENT(2)) : NULL;
	if (!text)
		return err_oom(e);
	rc = fd_replace_file(dir, "config.json", text, strlen(text), 0600);
	return rc < 0 ? err_rc(e, rc, "write config.json") : 0;
}

static int find_root(json_t *config, const char *from, char ret[PATH_MAX], struct err *e)
{
	const char *root = json_get_string(json_get(config, "root", NULL), "path");
	char path[PATH_MAX];

	if (!root || !root[0])
		return err_set(e, STATUS_INVALID_ARGUMENT, "%s/config.json has no root.path", from);
	ret[0] = '\0';
	if (root[0] == '/')
		return 0;
	if (strcmp(root, "rootfs") != 0)
		return err_set(e, STATUS_INVALID_ARGUMENT,
			"%s/config.json: root.path is '%s'; 'rootfs' or an absolute path is taken",
			from, root);
	if (snprintf(path, sizeof(path), "%s/rootfs", from) >= (int)sizeof(path))
		return err_set(e, STATUS_INVALID_ARGUMENT, "--bundle is too long");
	return realpath(path, ret) ? 0 : err_sys(e, "%s", path);
}

static int check_terminal(json_t *config, const char *from, bool terminal, struct err *e)
{
	bool wanted = json_is_true(json_get(config, "process", "terminal", NULL));

	if (wanted == terminal)
		return 0;
	return err_set(e, STATUS_INVALID_ARGUMENT, "%s/config.json: process.terminal is %s: %s",
		from, wanted ? "true" : "false", wanted ? "-t is needed" : "no -t then");
}

/* What @id of a user namespace is outside of it; 0, root's, where it is nobody or there is none. */
static uint32_t host_id(json_t *map, double id)
{
	json_t *range;
	size_t i;

	json_array_foreach(map, i, range)
	{
		double first = json_number_value(json_object_get(range, "containerID"));
		double host = json_number_value(json_object_get(range, "hostID"));
		double size = json_number_value(json_object_get(range, "size"));

		if (id >= first && id < first + size && host >= 0 && host + size <= UINT32_MAX)
			return (uint32_t)(host + (id - first));
	}
	return 0;
}

static void find_owner(json_t *config, struct spec_needs *ret)
{
	json_t *user = json_get(config, "process", "user", NULL);

	ret->io_uid = host_id(json_get(config, "linux", "uidMappings", NULL),
		json_number_value(json_object_get(user, "uid")));
	ret->io_gid = host_id(json_get(config, "linux", "gidMappings", NULL),
		json_number_value(json_object_get(user, "gid")));
}

int spec_copy(int dir, const char *from, bool terminal, struct spec_needs *ret, struct err *e)
{
	auto_fd int bundle = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_buf struct buf text = BUF_INIT(JSON_FILE_MAX);
	auto_json json_t *config = NULL;
	int rc;

	if (bundle < 0)
		return err_sys(e, "--bundle %s", from);
	if (json_load_file_at(bundle, "config.json", &config, e) < 0)
		return err_wrap(e, "--bundle %s", from);
	if (find_root(config, from, ret->rootfs, e) < 0 ||
		check_terminal(config, from, terminal, e) < 0)
		return -1;
	find_owner(config, ret);
	rc = fd_read_file(bundle, "config.json", &text);
	if (rc == 0)
		rc = fd_replace_file(dir, "config.json", text.data, text.len, 0600);
	return rc < 0 ? err_rc(e, rc, "copy config.json") : 0;
}
