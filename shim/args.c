/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/args.h"

#include "base/id.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char args_usage[] =
	"Usage: containerd-shim-belay-v2 [FLAGS] [start|delete]\n"
	"\n"
	"Stands between containerd and the containers of one pod. containerd runs it;\n"
	"to run a container by hand, see belayctl(1).\n"
	"\n"
	"Actions:\n"
	"  start    start a shim for the bundle in the current folder, print its address\n"
	"  delete   clean up after a shim that died\n"
	"  (none)   serve on descriptor 3, or on -socket\n"
	"\n"
	"Flags:\n"
	"  -namespace NS        containerd's namespace (required)\n"
	"  -id ID               container id\n"
	"  -address PATH        containerd's gRPC socket\n"
	"  -publish-binary BIN  accepted and ignored: events go to $TTRPC_ADDRESS\n"
	"  -bundle PATH         accepted and ignored: the current folder is the bundle\n"
	"  -socket PATH         serve: listen on this path\n"
	"  -debug-socket PATH   accepted and ignored\n"
	"  -debug               log more\n"
	"  -info                print what the runtime can do, as containerd 2 asks for it\n"
	"  -v, -version         print the version\n"
	"  -help                print this\n";

enum kind {
	FLAG_STRING,
	FLAG_BOOL,
	FLAG_IGNORED
};

struct flag {
	const char *name;
	enum kind kind;
	size_t at; /* in struct args */
};

static const struct flag flags[] = {
	{ "address", FLAG_STRING, offsetof(struct args, address) },
	{ "bundle", FLAG_IGNORED, 0 },
	{ "debug", FLAG_BOOL, offsetof(struct args, debug) },
	{ "debug-socket", FLAG_IGNORED, 0 },
	{ "h", FLAG_BOOL, offsetof(struct args, help) },
	{ "help", FLAG_BOOL, offsetof(struct args, help) },
	{ "id", FLAG_STRING, offsetof(struct args, id) },
	{ "info", FLAG_BOOL, offsetof(struct args, info) },
	{ "namespace", FLAG_STRING, offsetof(struct args, ns) },
	{ "publish-binary", FLAG_IGNORED, 0 },
	{ "socket", FLAG_STRING, offsetof(struct args, socket) },
	{ "v", FLAG_BOOL, offsetof(struct args, version) },
	{ "version", FLAG_BOOL, offsetof(struct args, version) },
};

static const struct flag *find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strlen(flags[i].name) == len && strncmp(flags[i].name, name, len) == 0)
			return &flags[i];
	return NULL;
}

static int set_bool(bool *at, const char *value, const char *word, struct err *e)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

	*at = !value;
	for (size_t i = 0; value && i < ARRAY_LEN(yes); i++) {
		if (strcmp(value, yes[i]) == 0) {
			*at = true;
			return 0;
		}
		if (strcmp(value, no[i]) == 0)
			return 0;
	}
	return value ? err_set(e, STATUS_INVALID_ARGUMENT, "invalid boolean value in %s", word) : 0;
}

/* Returns how many words of argv the flag took, or -1. */
static int parse_flag(struct args *a, char **argv, struct err *e)
{
	const char *name = argv[0] + (argv[0][1] == '-' ? 2 : 1);
	const char *equals = strchr(name, '=');
	const struct flag *f = find(name, equals ? (size_t)(equals - name) : strlen(name));
	const char *value = equals ? equals + 1 : argv[1];

	if (!f)
		return err_set(
			e, STATUS_INVALID_ARGUMENT, "flag provided but not defined: %s", argv[0]);
	if (f->kind == FLAG_BOOL) {
		bool *at = (bool *)((char *)a + f->at);

		return set_bool(at, equals ? equals + 1 : NULL, argv[0], e) < 0 ? -1 : 1;
	}
	if (!value)
		return err_set(e, STATUS_INVALID_ARGUMENT, "flag needs an argument: %s", argv[0]);
	if (f->kind == FLAG_STRING)
		memcpy((char *)a + f->at, &value, sizeof(value));
	return equals ? 1 : 2;
}

static enum action action_of(const char *word)
{
	if (word && strcmp(word, "start") == 0)
		return ACTION_START;
	if (word && strcmp(word, "delete") == 0)
		return ACTION_DELETE;
	return ACTION_SERVE;
}

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

int args_parse(struct args *ret, int argc, char **argv, struct err *e)
{
	struct args a = { .ns = "", .id = "", .address = "", .socket = "" };
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0') {
		int took;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		took = parse_flag(&a, argv + i, e);
		if (took < 0)
			return -1;
		i += took;
	}
	a.action = action_of(i < argc ? argv[i] : NULL);
	a.ttrpc_address = env("TTRPC_ADDRESS");
	a.knows_json = env("MAX_SHIM_VERSION")[0] != '\0';
	a.sched_core = env("SCHED_CORE")[0] != '\0';
	*ret = a;
	return 0;
}

int args_check(const struct args *a, struct err *e)
{
	if (!a->ns[0])
		return err_set(e, STATUS_INVALID_ARGUMENT, "shim namespace cannot be empty");
	if (!id_is_valid(a->ns))
		return err_set(e, STATUS_INVALID_ARGUMENT, "namespace '%s' is not legal", a->ns);
	if (a->id[0] ? !id_is_valid(a->id) : a->action != ACTION_SERVE)
		return err_set(e, STATUS_INVALID_ARGUMENT, "container id '%s' is not legal", a->id);
	return 0;
}
