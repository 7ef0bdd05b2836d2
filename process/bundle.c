/* SPDX-License-Identifier: Apache-2.0 */
#include "process/bundle.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* In this order (surface.md §2.1): the first one present names the group. */
static const char *const group_annotations[] = {
	"io.containerd.runc.v2.group",
	"io.kubernetes.cri.sandbox-id",
};

static bool has_own_pidns(json_t *config)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_get(config, "linux", "namespaces", NULL), i, entry)
	{
		const char *type = json_get_string(entry, "type");
		const char *path = json_get_string(entry, "path");

		if (type && strcmp(type, "pid") == 0 && (!path || !path[0]))
			return true;
	}
	return false;
}

static const char *group_of(json_t *config)
{
	json_t *annotations = json_get(config, "annotations", NULL);

	for (size_t i = 0; i < ARRAY_LEN(group_annotations); i++) {
		const char *group = json_get_string(annotations, group_annotations[i]);

		if (group)
			return group;
	}
	return NULL;
}

int bundle_facts_of(json_t *config, struct bundle_facts *ret)
{
	const char *group = group_of(config);
	struct bundle_facts f = { .own_pidns = has_own_pidns(config) };

	if (group) {
		f.group = strdup(group);
		if (!f.group)
			return -ENOMEM;
	}
	*ret = f;
	return 0;
}

int bundle_read_facts(int bundle_fd, struct bundle_facts *ret, struct err *e)
{
	auto_json json_t *config = NULL;

	if (json_load_file_at(bundle_fd, "config.json", &config, e) < 0)
		return -1;
	return bundle_facts_of(config, ret) < 0 ? err_oom(e) : 0;
}

void bundle_facts_fini(struct bundle_facts *f)
{
	free(take_ptr(&f->group));
}

static int put_string(json_t *o, const char *key, const char *value)
{
	return value && value[0] ? json_object_set_new(o, key, json_string(value)) : 0;
}

static int put_bool(json_t *o, const char *key, bool value)
{
	return value ? json_object_set_new(o, key, json_true()) : 0;
}

static int put_number(json_t *o, const char *key, uint32_t value)
{
	return value ? json_object_set_new(o, key, json_integer(value)) : 0;
}

static json_t *options_to_json(const struct container_options *o)
{
	json_t *j = json_object();
	int rc = j ? 0 : -1;

	rc |= put_bool(j, "no_pivot_root", o->no_pivot);
	rc |= put_bool(j, "no_new_keyring", o->no_new_keyring);
	rc |= put_string(j, "shim_cgroup", o->shim_cgroup);
	rc |= put_number(j, "io_uid", o->io_uid);
	rc |= put_number(j, "io_gid", o->io_gid);
	rc |= put_string(j, "binary_name", o->binary);
	rc |= put_string(j, "root", o->root);
	rc |= put_bool(j, "systemd_cgroup", o->systemd_cgroup);
	rc |= put_string(j, "criu_path", o->criu_path);
	rc |= put_string(j, "criu_image_path", o->criu_image_path);
	rc |= put_string(j, "criu_work_path", o->criu_work_path);
	if (rc != 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

int bundle_write_options(int bundle_fd, const struct container_options *o, struct err *e)
{
	auto_json json_t *j = (errno = 0, options_to_json(o));
	auto_free char *text = j ? json_text(j) : NULL;
	const char *binary = o->binary ? o->binary : "";
	int rc;

	if (!text && errno == ENOMEM)
		return err_oom(e);
	if (!text)
		return err_set(
			e, STATUS_INVALID_ARGUMENT, "the runtime's options are not valid UTF-8");
	rc = fd_replace_file(bundle_fd, "options.json", text, strlen(text), 0600);
	if (rc < 0)
		return err_rc(e, rc, "write options.json");
	rc = fd_replace_file(bundle_fd, "runtime", binary, strlen(binary), 0600);
	return rc < 0 ? err_rc(e, rc, "write runtime") : 0;
}

static const char *get_string(json_t *j, const char *key)
{
	const char *s = json_get_string(j, key);

	return s ? s : "";
}

static int read_binary(int bundle_fd, json_t *j, struct err *e)
{
	auto_buf struct buf name = BUF_INIT(PATH_MAX);
	int rc = fd_read_file(bundle_fd, "runtime", &name);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return err_rc(e, rc, "read runtime");
	if (name.len == 0)
		return 0;
	errno = 0;
	if (json_object_set_new(
		    j, "binary_name", json_stringn((const char *)name.data, name.len)) == 0)
		return 0;
	return errno == ENOMEM
		       ? err_oom(e)
		       : err_set(e, STATUS_UNKNOWN, "the name in runtime is not valid UTF-8");
}

int bundle_read_options(
	int bundle_fd, struct container_options *ret, struct json_t **ret_owner, struct err *e)
{
	json_t *j = NULL;
	struct err why = ERR_INIT;
	int rc = json_load_file_at(bundle_fd, "options.json", &j, e);

	if (rc < 0) {
		j = json_object();
		if (e->sys == ENOENT) {
			*e = ERR_INIT;
			rc = 0;
		}
	}
	if (!j)
		rc = err_oom(&why);
	else if (read_binary(bundle_fd, j, &why) < 0)
		rc = -1;
	if (err_is_set(&why))
		*e = why; /* without its name there is less to go by than without the rest */
	*ret = (struct container_options){
		.binary = get_string(j, "binary_name"),
		.root = get_string(j, "root"),
		.shim_cgroup = get_string(j, "shim_cgroup"),
		.systemd_cgroup = json_is_true(json_object_get(j, "systemd_cgroup")),
	};
	*ret_owner = (struct json_t *)j;
	return rc;
}

char *bundle_runtime_root(const struct container_options *o, const char *ns)
{
	const char *root = o->root && o->root[0] ? o->root : RUNTIME_ROOT_DEFAULT;
	char *path;

	return asprintf(&path, "%s/%s", root, ns) < 0 ? NULL : path;
}

int bundle_forget_exit(int bundle_fd)
{
	return unlinkat(bundle_fd, "exitstatus.json", 0) < 0 && errno != ENOENT ? -errno : 0;
}

int bundle_write_exit(int bundle_fd, const struct exit_file *x)
{
	char text[256], date[32];
	struct tm tm;

	gmtime_r(&x->at.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "{\"Timestamp\":\"%s.%09ldZ\",\"Pid\":%d,\"Status\":%u}", date,
		x->at.tv_nsec, (int)x->pid, x->code);
	return fd_replace_file(bundle_fd, "exitstatus.json", text, strlen(text), 0600);
}

/* RFC 3339, in UTC as we and containerd's shim write it; the fraction may be missing. */
static int parse_time(const char *text, struct timespec *ret)
{
	struct tm tm = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	long nsec = 0;
	long unit = 100000000;

	if (!rest)
		return -EINVAL;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9' && unit > 0; rest++, unit /= 10)
			nsec += (*rest - '0') * unit;
	*ret = (struct timespec){ .tv_sec = timegm(&tm), .tv_nsec = nsec };
	return 0;
}

static bool is_between(const json_t *number, double least, double most)
{
	return json_is_number(number) && json_number_value(number) >= least &&
	       json_number_value(number) <= most;
}

int bundle_read_exit(int bundle_fd, struct exit_file *ret)
{
	auto_json json_t *j = NULL;
	struct err e = ERR_INIT;
	struct exit_file x;
	json_t *pid, *status;

	if (json_load_file_at(bundle_fd, "exitstatus.json", &j, &e) < 0)
		return e.sys ? -e.sys : -EINVAL;
	pid = json_object_get(j, "Pid");
	status = json_object_get(j, "Status");
	if (!is_between(pid, 0, INT32_MAX) || !is_between(status, 0, 255) ||
		parse_time(json_get_string(j, "Timestamp"), &x.at) < 0)
		return -EINVAL;
	x.pid = (pid_t)json_number_value(pid);
	x.code = (uint32_t)json_number_value(status);
	*ret = x;
	return 0;
}
