#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# linux.seccomp.listenerPath: the agent gets a descriptor for the container and one for each exec, and its
# answers reach both.
. "$(dirname "$0")/lib.sh"

AGENT=$SHIM_DIR/../tests/root/seccomp_agent
[ -x "$AGENT" ] || fail "no $AGENT"
# Errno 122 is "Quota exceeded": no kernel answers a mkdir on this filesystem so.
"$AGENT" "$T/agent" 122 >"$T/agent.out" &
agent=$!
disown # it is killed, and bash need not say so
wait_for "the agent" grep -q ready "$T/agent.out"
taken() { grep -c taken "$T/agent.out"; }
has_taken() { [ "$(taken)" -ge "$1" ]; }

cat >"$T/c.json" <<-END
	{ "ociVersion": "1.0.2", "root": { "path": "$T/rootfs" },
	  "process": { "args": ["/bin/sleep", "1000"], "cwd": "/", "user": { "uid": 0, "gid": 0 },
	    "env": ["PATH=/bin"], "noNewPrivileges": true },
	  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" },
	    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] } ],
	  "linux": { "cgroupsPath": "/$NS/c1",
	    "namespaces": [ { "type": "mount" }, { "type": "pid" } ],
	    "seccomp": { "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "$T/agent",
	      "syscalls": [ { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY" } ] } } }
END
ctr run -d --runtime "$RUNTIME" --config "$T/c.json" c1 || fail "run"
wait_for "the container's descriptor" has_taken 1
for i in 1 2 3; do
	before=$(taken)
	timeout -k 1 20 ctr task exec --exec-id "x$i" c1 /bin/busybox mkdir /tmp/x >"$T/out" 2>&1
	expect "exec $i: status" 1 $?
	grep -qi "quota exceeded" "$T/out" || fail "exec $i: the agent's answer is not in: $(cat "$T/out")"
	wait_for "a descriptor of exec $i" has_taken $((before + 1))
done

# Without an agent an exec fails in the runtime's words, and the container goes on.
kill -KILL "$agent"
wait_for "the end of the agent" is_gone "$agent"
rm -f "$T/agent"
ctr task exec --exec-id y c1 /bin/true 2>"$T/out" && fail "an exec without its agent"
grep -q "OCI runtime exec failed: " "$T/out" || fail "no agent: $(cat "$T/out")"
expect "the container" RUNNING "$(task_status c1)"
ctr task kill -s KILL c1 || fail "kill"
wait_for "the end" has_status c1 STOPPED
ctr task delete c1 2>/dev/null
ctr container rm c1 || fail "rm"
nothing_left
finish
