#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# linux.seccomp.listenerPath: the runtime hands the notify descriptor to an agent, and nothing of ours
# stands in the way of it or of the answers.
. "$(dirname "$0")/lib.sh"

AGENT=$1/../tests/root/seccomp_agent
[ -x "$AGENT" ] || fail "no $AGENT"

bundle() { # SCRIPT
	rm -rf "$T/b"
	mkdir -p "$T/b"
	cat >"$T/b/config.json" <<-END
	{ "ociVersion": "1.0.2", "root": { "path": "$T/rootfs" },
	  "process": { "args": ["/bin/sh", "-c", "$1"], "cwd": "/", "user": { "uid": 0, "gid": 0 },
	    "env": ["PATH=/bin"], "noNewPrivileges": true },
	  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" },
	    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] } ],
	  "linux": { "cgroupsPath": "/belay/seccomp-$$",
	    "namespaces": [ { "type": "mount" }, { "type": "pid" } ],
	    "seccomp": { "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "$T/agent",
	      "syscalls": [ { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY" } ] } } }
	END
}

# Errno 122 is "Quota exceeded": no kernel answers a mkdir on this filesystem so.
"$AGENT" "$T/agent" 122 >"$T/agent.out" &
agent=$!
disown # it is killed, and bash need not say so
wait_for "the agent" grep -q ready "$T/agent.out"

for i in 1 2; do
	bundle 'busybox mkdir /tmp/x'
	timeout -k 1 30 "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --bundle "$T/b" \
		>"$T/out" 2>"$T/err"
	expect "run $i: status" 1 $?
	grep -qiE "quota exceeded" "$T/out" "$T/err" ||
		fail "run $i: the agent's answer is not in: $(cat "$T/out" "$T/err")"
done
wait_for "two descriptors" sh -c "[ \$(grep -c taken '$T/agent.out') -ge 2 ]"

# Without an agent it is the runtime's to say so.
kill -KILL "$agent"
wait_for "the end of the agent" is_gone "$agent"
rm -f "$T/agent"
bundle true
timeout -k 1 30 "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --bundle "$T/b" >"$T/out" 2>"$T/err"
expect "no agent: status" 125 $?
expect_words "no agent" "OCI runtime create failed: " "$T/err"
rm -rf "$T/state/runtime/belay/.cache" # crun keeps what it compiled, for all containers
nothing_left
finish
