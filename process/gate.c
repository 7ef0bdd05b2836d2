/* SPDX-License-Identifier: Apache-2.0 */
#include "process/gate.h"

#include "base/attr.h"
#include "base/auto.h"

#include <stdio.h>
#include <string.h>

/* How long the path of a value may get in an error, its NUL included. */
#define PATH_ROOM 256

/* A check under way. */
struct check {
	const struct features *f;
	json_t *doc;       /* the features; NULL: there are none */
	const char *wants; /* the feature a value is looked for in */
	json_t *list;      /* and what it says; borrowed from doc */
	bool (*passes)(const struct check *c, const char *value);
	char path[PATH_ROOM];
	struct err *e;
};

/* The member of @root that a path such as "linux.seccomp.actions" names. Borrowed, or NULL. */
static json_t *at_path(json_t *root, const char *path)
{
	while (root && *path) {
		size_t n = strcspn(path, ".");

		root = json_object_getn(root, path, n);
		path += path[n] ? n + 1 : n;
	}
	return root;
}

static int refuse(const struct check *c, const char *what)
{
	if (!c->doc)
		return err_set(c->e, STATUS_FAILED_PRECONDITION,
			"config.json: %s is %s, but %s has no command 'features' to say that it "
			"would not ignore it (%s)",
			c->path, what, c->f->name, c->wants);
	return err_set(c->e, STATUS_FAILED_PRECONDITION,
		"config.json: %s is %s, which %s would ignore or refuse: it is not among its "
		"features (%s)",
		c->path, what, c->f->name, c->wants);
}

static bool is_listed(json_t *list, const char *value)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *s = json_string_value(entry);

		if (s && strcmp(s, value) == 0)
			return true;
	}
	return false;
}

static int check_value(const struct check *c, const char *value)
{
	char quoted[PATH_ROOM];

	if (!value || is_listed(c->list, value) || (c->passes && c->passes(c, value)))
		return 0;
	snprintf(quoted, sizeof(quoted), "\"%s\"", value);
	return refuse(c, quoted);
}

static int walk(struct check *c, size_t len, json_t *at, const char *pattern);

static int walk_array(struct check *c, size_t len, json_t *at, const char *rest)
{
	json_t *entry;
	size_t i;

	json_array_foreach(at, i, entry)
	{
		int n = snprintf(c->path + len, sizeof(c->path) - len, "[%zu]", i);

		if (walk(c, len + (size_t)n, entry, rest) < 0)
			return -1;
	}
	return 0;
}

/* The names are the values; one whose list is empty asks for nothing. */
static int walk_keys(struct check *c, json_t *at)
{
	const char *key;
	json_t *value;

	json_object_foreach(at, key, value)
	{
		if (json_array_size(value) > 0 && check_value(c, key) < 0)
			return -1;
	}
	return 0;
}

/*
 * Checks every value @pattern leads to: "a.b[].c" goes through the elements of
 * b, "a.{}" takes the names of a's members. c->path, of which @len bytes are
 * written, tells where it is.
 */
static int walk(struct check *c, size_t len, json_t *at, const char *pattern)
{
	size_t n = strcspn(pattern, ".[");
	const char *rest = pattern + n;

	if (!at || len + n + 32 > sizeof(c->path))
		return 0;
	if (strncmp(pattern, "[]", 2) == 0)
		return walk_array(c, len, at, pattern[2] == '.' ? pattern + 3 : pattern + 2);
	if (!*pattern)
		return check_value(c, json_string_value(at));
	if (strcmp(pattern, "{}") == 0)
		return walk_keys(c, at);
	len += (size_t)snprintf(c->path + len, sizeof(c->path) - len, "%s%.*s", len > 0 ? "." : "",
		(int)n, pattern);
	return walk(c, len, json_object_getn(at, pattern, n), *rest == '.' ? rest + 1 : rest);
}

/* Words of the spec (config.md, mounts) that change something; losing one is not losing nothing. */
static const char *const telling_options[] = { "bind", "dirsync", "iversion", "lazytime", "mand",
	"noatime", "nodev", "nodiratime", "noexec", "nosuid", "nosymfollow", "private", "ratime",
	"rbind", "rdev", "rdiratime", "relatime", "remount", "rexec", "rnoatime", "rnodev",
	"rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro",
	"rprivate", "rrelatime", "rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid",
	"rsymfollow", "runbindable", "shared", "slave", "strictatime", "sync", "tmpcopyup",
	"unbindable" };

static bool is_not_telling(const struct check *c, const char *option)
{
	(void)c;
	for (size_t i = 0; i < ARRAY_LEN(telling_options); i++)
		if (strcmp(telling_options[i], option) == 0)
			return false;
	return true;
}

/* crun makes time namespaces and does not say so (seen with 1.21 and 1.28). */
static bool is_made_unsaid(const struct check *c, const char *ns)
{
	return strcmp(ns, "time") == 0 && strncmp(c->f->name, "crun ", 5) == 0;
}

static const struct listed {
	const char *config, *feature;
	bool (*passes)(const struct check *c, const char *value);
	const char *or_feature; /* where the first is missing */
} lists[] = {
	{ "hooks.{}", "hooks", NULL, NULL },
	{ "mounts[].options[]", "mountOptions", is_not_telling, NULL },
	{ "process.capabilities.bounding[]", "linux.capabilities", NULL, NULL },
	{ "process.capabilities.effective[]", "linux.capabilities", NULL, NULL },
	{ "process.capabilities.inheritable[]", "linux.capabilities", NULL, NULL },
	{ "process.capabilities.permitted[]", "linux.capabilities", NULL, NULL },
	{ "process.capabilities.ambient[]", "linux.capabilities", NULL, NULL },
	{ "linux.namespaces[].type", "linux.namespaces", is_made_unsaid, NULL },
	{ "linux.seccomp.defaultAction", "linux.seccomp.actions", NULL, NULL },
	{ "linux.seccomp.syscalls[].action", "linux.seccomp.actions", NULL, NULL },
	{ "linux.seccomp.syscalls[].args[].op", "linux.seccomp.operators", NULL, NULL },
	{ "linux.seccomp.architectures[]", "linux.seccomp.archs", NULL, NULL },
	{ "linux.seccomp.flags[]", "linux.seccomp.supportedFlags", NULL,
		"linux.seccomp.knownFlags" },
	{ "linux.memoryPolicy.mode", "linux.memoryPolicy.modes", NULL, NULL },
	{ "linux.memoryPolicy.flags[]", "linux.memoryPolicy.flags", NULL, NULL },
};

static int check_lists(struct check *c, json_t *config)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct listed *l = &lists[i];

		c->wants = l->feature;
		c->list = at_path(c->doc, l->feature);
		if (!c->list && l->or_feature) {
			c->wants = l->or_feature;
			c->list = at_path(c->doc, l->or_feature);
		}
		c->passes = l->passes;
		if (json_is_array(c->list) && walk(c, 0, config, l->config) < 0)
			return -1;
	}
	return 0;
}

static const struct flagged {
	const char *config, *feature;
	bool silence_is_no;
} flags[] = {
	{ "linux.seccomp", "linux.seccomp.enabled", false },
	{ "process.apparmorProfile", "linux.apparmor.enabled", false },
	{ "process.selinuxLabel", "linux.selinux.enabled", false },
	{ "linux.mountLabel", "linux.selinux.enabled", false },
	{ "linux.resources.rdma", "linux.cgroup.rdma", false },
	{ "linux.intelRdt", "linux.intelRdt.enabled", false },
	{ "linux.intelRdt.schemata", "linux.intelRdt.schemata", true },
	{ "linux.netDevices", "linux.netDevices.enabled", true },
	{ "linux.memoryPolicy", "linux.memoryPolicy", true },
};

/* Empty is as good as absent: containerd writes "" where it has nothing to say. */
static bool asks(json_t *value)
{
	return json_string_length(value) > 0 || json_array_size(value) > 0 ||
	       json_object_size(value) > 0 || json_is_true(value) || json_is_number(value);
}

static bool is_allowed(const struct check *c, const struct flagged *rule)
{
	json_t *said = at_path(c->doc, rule->feature);

	return said ? !json_is_false(said) : !rule->silence_is_no;
}

static int check_flags(struct check *c, json_t *config)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		c->wants = flags[i].feature;
		snprintf(c->path, sizeof(c->path), "%s", flags[i].config);
		if (asks(at_path(config, flags[i].config)) && !is_allowed(c, &flags[i]))
			return refuse(c, "set");
	}
	return 0;
}

static const char *idmap_request(json_t *mount)
{
	static const char *const members[] = { "uidMappings", "gidMappings" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (json_array_size(json_object_get(mount, members[i])) > 0)
			return members[i];
	if (is_listed(json_object_get(mount, "options"), "idmap") ||
		is_listed(json_object_get(mount, "options"), "ridmap"))
		return "options";
	return NULL;
}

/* A volume with the wrong owners is the harm this was built against. */
static int check_idmap(struct check *c, json_t *config)
{
	json_t *mount;
	size_t i;

	c->wants = "linux.mountExtensions.idmap.enabled";
	if (json_is_true(at_path(c->doc, c->wants)))
		return 0;
	json_array_foreach(json_object_get(config, "mounts"), i, mount)
	{
		const char *member = idmap_request(mount);

		if (!member)
			continue;
		snprintf(c->path, sizeof(c->path), "mounts[%zu].%s", i, member);
		return refuse(c, "for an id-mapped mount");
	}
	return 0;
}

/* Not of config.json, but as easily ignored. */
static int check_cgroup(const struct check *c, const struct gate *g)
{
	const char *feature = NULL;
	const char *why = NULL;

	if (json_is_false(at_path(c->doc, g->cgroup_v2 ? "linux.cgroup.v2" : "linux.cgroup.v1"))) {
		feature = g->cgroup_v2 ? "linux.cgroup.v2" : "linux.cgroup.v1";
		why = g->cgroup_v2 ? "this host has cgroup v2" : "this host has cgroup v1";
	} else if (g->systemd_cgroup && json_is_false(at_path(c->doc, "linux.cgroup.systemd"))) {
		feature = "linux.cgroup.systemd";
		why = "the option SystemdCgroup is set";
	}
	if (!why)
		return 0;
	return err_set(c->e, STATUS_FAILED_PRECONDITION,
		"%s, which is not among the features of %s (%s)", why, c->f->name, feature);
}

int gate_check(const struct gate *g, const struct features *f, struct err *e)
{
	auto_json json_t *doc =
		f->text.len > 0 ? json_loadb((const char *)f->text.data, f->text.len, 0, NULL)
				: NULL;
	struct check c = { .f = f, .doc = doc, .e = e };

	if (check_idmap(&c, g->config) < 0)
		return -1;
	/* Of a runtime that says nothing, nothing else can be asked. */
	if (!doc)
		return 0;
	return check_cgroup(&c, g) < 0 || check_flags(&c, g->config) < 0 ||
			       check_lists(&c, g->config) < 0
		       ? -1
		       : 0;
}
