/* SPDX-License-Identifier: Apache-2.0 */
#include "process/gate.h"

#include "base/auto.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

/* A runtime of some years ago, and one of now; only what the tests look at. */
static const char old[] =
	"{\"hooks\":[\"prestart\",\"poststop\"],\"mountOptions\":[\"bind\",\"ro\",\"rbind\","
	"\"nosuid\"],"
	"\"linux\":{\"namespaces\":[\"pid\",\"mount\"],\"capabilities\":[\"CAP_CHOWN\"],"
	"\"cgroup\":{\"v1\":true,\"v2\":false,\"systemd\":false},"
	"\"seccomp\":{\"enabled\":true,\"actions\":[\"SCMP_ACT_ALLOW\"],\"operators\":[\"SCMP_CMP_"
	"EQ\"],"
	"\"archs\":[\"SCMP_ARCH_X86\"],\"knownFlags\":[\"SECCOMP_FILTER_FLAG_LOG\"]},"
	"\"apparmor\":{\"enabled\":false},\"selinux\":{\"enabled\":false}}}";
static const char modern[] =
	"{\"linux\":{\"mountExtensions\":{\"idmap\":{\"enabled\":true}},"
	"\"seccomp\":{\"enabled\":false,\"knownFlags\":[\"A\",\"B\"],\"supportedFlags\":[\"A\"]},"
	"\"cgroup\":{\"v2\":true,\"rdma\":false},\"intelRdt\":{\"enabled\":true,\"schemata\":true},"
	"\"netDevices\":{\"enabled\":true},"
	"\"memoryPolicy\":{\"modes\":[\"MPOL_BIND\"],\"flags\":[\"MPOL_F_STATIC_NODES\"]}}}";

static int check(const char *features, const char *config, struct gate g, struct err *e)
{
	auto_json json_t *parsed = json_loads(config, JSON_DECODE_INT_AS_REAL, NULL);
	struct features f = { .text = BUF_INIT(RUNTIME_OUTPUT_MAX), .name = "fake 1.0" };
	int rc;

	assert_non_null(parsed);
	if (features)
		assert_int_equal(buf_add(&f.text, features, strlen(features)), 0);
	g.config = parsed;
	*e = ERR_INIT;
	rc = gate_check(&g, &f, e);
	buf_fini(&f.text);
	return rc;
}

static void passes(const char *features, const char *config)
{
	struct err e;

	if (check(features, config, (struct gate){ 0 }, &e) < 0)
		print_error("%s\n", e.msg);
	assert_false(err_is_set(&e));
}

static void refused(const char *features, const char *config, const char *words)
{
	struct err e;

	assert_int_equal(check(features, config, (struct gate){ 0 }, &e), -1);
	assert_int_equal(e.status, STATUS_FAILED_PRECONDITION);
	if (!strstr(e.msg, words))
		print_error("no '%s' in: %s\n", words, e.msg);
	assert_non_null(strstr(e.msg, words));
	assert_non_null(strstr(e.msg, "fake 1.0"));
}

#define MOUNT(members)                                                                             \
	"{\"mounts\":[{\"destination\":\"/a\"},{\"destination\":\"/b\"," members "}]}"
#define LINUX(members) "{\"linux\":{" members "}}"

TEST(an_idmapped_mount_needs_a_runtime_that_says_so)
{
	static const char *const asking[] = {
		MOUNT("\"uidMappings\":[{\"containerID\":0}]"),
		MOUNT("\"gidMappings\":[{\"containerID\":0}]"),
		MOUNT("\"options\":[\"rbind\",\"idmap\"]"),
		MOUNT("\"options\":[\"ridmap\"]"),
	};

	for (size_t i = 0; i < ARRAY_LEN(asking); i++) {
		passes(modern, asking[i]);
		refused(old, asking[i], "(linux.mountExtensions.idmap.enabled)");
		refused(NULL, asking[i], "has no command 'features'");
		refused("{\"linux\":{\"mountExtensions\":{\"idmap\":{\"enabled\":false}}}}",
			asking[i], "mounts[1].");
	}
	passes(old, MOUNT("\"uidMappings\":[],\"gidMappings\":null"));
}

TEST(what_is_listed_passes_and_what_is_not_is_named_with_its_path)
{
	passes(old, "{\"hooks\":{\"prestart\":[{}],\"poststop\":[],\"startContainer\":[]}}");
	refused(old, "{\"hooks\":{\"startContainer\":[{}]}}", "hooks is \"startContainer\"");
	passes(old, LINUX("\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"}]"));
	refused(old, LINUX("\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"time\"}]"),
		"config.json: linux.namespaces[1].type is \"time\"");
	passes(old, "{\"process\":{\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"]}}}");
	refused(old, "{\"process\":{\"capabilities\":{\"ambient\":[\"CAP_CHOWN\",\"CAP_BPF\"]}}}",
		"process.capabilities.ambient[1] is \"CAP_BPF\"");
}

TEST(of_mount_options_those_of_the_spec_that_change_something_are_looked_at)
{
	passes(old, MOUNT("\"options\":[\"rbind\",\"ro\",\"nosuid\"]"));
	refused(old, MOUNT("\"options\":[\"rbind\",\"rro\"]"), "mounts[1].options[1] is \"rro\"");
	refused(old, MOUNT("\"options\":[\"nosymfollow\"]"), "(mountOptions)");
	/* The default, by its name, and the filesystem's own. */
	passes(old, MOUNT("\"options\":[\"rw\",\"suid\",\"defaults\",\"mode=755\",\"size=64k\","
			  "\"gid=5\"]"));
}

TEST(seccomp_is_looked_into)
{
#define SECCOMP(members) LINUX("\"seccomp\":{" members "}")
	passes(old, SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\""));
	refused(old, SECCOMP("\"defaultAction\":\"SCMP_ACT_NOTIFY\""),
		"linux.seccomp.defaultAction is");
	refused(old,
		SECCOMP("\"syscalls\":[{\"action\":\"SCMP_ACT_ALLOW\"},{\"action\":\"SCMP_ACT_"
			"LOG\"}]"),
		"linux.seccomp.syscalls[1].action is \"SCMP_ACT_LOG\"");
	refused(old,
		SECCOMP("\"syscalls\":[{\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"op\":\"SCMP_CMP_"
			"NE\"}]}]"),
		"linux.seccomp.syscalls[0].args[0].op is \"SCMP_CMP_NE\"");
	refused(old, SECCOMP("\"architectures\":[\"SCMP_ARCH_RISCV64\"]"), "(linux.seccomp.archs)");
	passes(old, SECCOMP("\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]"));
	refused(old, SECCOMP("\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\"]"),
		"(linux.seccomp.knownFlags)");
	refused(modern, SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\""), "linux.seccomp is set");
	refused("{\"linux\":{\"seccomp\":{\"knownFlags\":[\"A\",\"B\"],\"supportedFlags\":[\"A\"]}}"
		"}",
		SECCOMP("\"flags\":[\"B\"]"), "(linux.seccomp.supportedFlags)");
}

TEST(security_modules_and_controllers_are_looked_at)
{
	refused(old, "{\"process\":{\"apparmorProfile\":\"p\"}}", "process.apparmorProfile is set");
	passes(old, "{\"process\":{\"apparmorProfile\":\"\",\"selinuxLabel\":\"\"}}");
	refused(old, "{\"process\":{\"selinuxLabel\":\"l\"}}", "(linux.selinux.enabled)");
	refused(old, LINUX("\"mountLabel\":\"l\""), "linux.mountLabel is set");
	refused(modern, LINUX("\"resources\":{\"rdma\":{\"mlx5\":{\"hcaHandles\":3}}}"),
		"(linux.cgroup.rdma)");
	passes(old, LINUX("\"resources\":{\"rdma\":{\"mlx5\":{\"hcaHandles\":3}}}"));
}

TEST(what_came_with_its_feature_is_refused_by_those_that_do_not_speak_of_it)
{
	passes(modern, LINUX("\"netDevices\":{\"eth0\":{}}"));
	refused(old, LINUX("\"netDevices\":{\"eth0\":{}}"), "(linux.netDevices.enabled)");
	passes(old, LINUX("\"netDevices\":{}"));
	passes(modern, LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"flags\":[\"MPOL_F_STATIC_"
			     "NODES\"]}"));
	refused(old, LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\"}"),
		"linux.memoryPolicy is set");
	refused(modern, LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_LOCAL\"}"),
		"(linux.memoryPolicy.modes)");
	refused(modern, LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"flags\":[\"X\"]}"),
		"linux.memoryPolicy.flags[0] is \"X\"");
	passes(old, LINUX("\"intelRdt\":{\"l3CacheSchema\":\"L3:0=f\"}"));
	refused(old, LINUX("\"intelRdt\":{\"schemata\":[\"L3:0=f\"]}"),
		"(linux.intelRdt.schemata)");
	passes(modern, LINUX("\"intelRdt\":{\"schemata\":[\"L3:0=f\"]}"));
}

TEST(the_version_of_cgroups_and_systemd_are_the_runtimes_to_know)
{
	struct err e;

	assert_int_equal(check(old, "{}", (struct gate){ .cgroup_v2 = true }, &e), -1);
	assert_non_null(strstr(e.msg, "this host has cgroup v2"));
	assert_int_equal(check(old, "{}", (struct gate){ .systemd_cgroup = true }, &e), -1);
	assert_non_null(strstr(e.msg, "SystemdCgroup"));
	assert_int_equal(
		check(modern, "{}", (struct gate){ .cgroup_v2 = true, .systemd_cgroup = true }, &e),
		0);
}

TEST(a_runtime_that_says_nothing_lets_pass_what_cannot_be_checked)
{
	static const char config[] =
		"{\"hooks\":{\"x\":[{}]},\"process\":{\"apparmorProfile\":\"p\"},"
		"\"linux\":{\"namespaces\":[{\"type\":\"new\"}]}}";

	passes(NULL, config);
	passes("{}", config);
	passes("not json", config);
	passes("{\"hooks\":\"none\",\"linux\":{\"namespaces\":{},\"apparmor\":7}}", config);
}

TEST(a_config_of_the_wrong_shape_is_the_runtimes_to_complain_about)
{
	passes(old, "{\"mounts\":{\"a\":1},\"hooks\":[1],\"process\":[],\"linux\":\"x\"}");
	passes(old, "{\"mounts\":[1,null,{\"options\":{\"a\":2}},{\"options\":[3,null]}]}");
	passes(old, LINUX("\"namespaces\":[{\"type\":1},7],\"seccomp\":{\"syscalls\":[[]]}"));
}

TEST(crun_makes_time_namespaces_without_saying_so)
{
	struct features f = { .text = BUF_INIT(RUNTIME_OUTPUT_MAX), .name = "crun 1.28" };
	auto_json json_t *config =
		json_loads(LINUX("\"namespaces\":[{\"type\":\"time\"}]"), 0, NULL);
	const struct gate g = { .config = config };
	struct err e = ERR_INIT;

	assert_int_equal(buf_add(&f.text, old, strlen(old)), 0);
	assert_int_equal(gate_check(&g, &f, &e), 0);
	buf_fini(&f.text);
}

TEST(a_long_value_is_cut_in_the_error_and_nowhere_else)
{
	char config[4096];
	struct err e;

	snprintf(config, sizeof(config), LINUX("\"namespaces\":[{\"type\":\"%01000d\"}]"), 7);
	assert_int_equal(check(old, config, (struct gate){ 0 }, &e), -1);
	assert_non_null(strstr(e.msg, "linux.namespaces[0].type is \"000"));
	assert_non_null(strstr(e.msg, "(linux.namespaces)"));
}
