#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# User namespaces and shared ones; an init that will not go, and one that leaves others behind.
. "$(dirname "$0")/lib.sh"

# bundle SCRIPT [NAMESPACES [UID [LINUX]]]: a bundle whose init runs SCRIPT.
bundle() {
	rm -rf "$T/b"
	mkdir -p "$T/b"
	cat >"$T/b/config.json" <<-END
	{ "ociVersion": "1.0.2", "root": { "path": "$T/rootfs" },
	  "process": { "args": ["/bin/sh", "-c", "$1"], "cwd": "/",
	    "user": { "uid": ${3:-0}, "gid": ${3:-0} }, "env": ["PATH=/bin"] },
	  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" },
	    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] } ],
	  "linux": { "cgroupsPath": "/belay/namespaces-$$",
	    "namespaces": [ { "type": "mount" }${2:+, $2} ]${4:+, $4} } }
	END
}

go() { timeout -k 1 30 "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --bundle "$T/b" "$@"; }

chmod 755 "$T" "$T/rootfs"
map='[{ "containerID": 0, "hostID": 100000, "size": 65536 }]'
maps='"uidMappings": '"$map"', "gidMappings": '"$map"
own='{ "type": "pid" }, { "type": "uts" }'

# What a mapped user is, and that it may open its own streams again: pipes of the shim's, which
# nobody but their owner may open; no runtime can give them to a user it is confined to (io_uid does).
bundle 'id -u; cat /proc/self/uid_map | busybox tr -s \" \"' "$own, { \"type\": \"user\" }" 0 "$maps"
expect "root of a user namespace" "0  0 100000 65536" "$(go 2>&1 | tr '\n' ' ' | sed 's/ $//')"
bundle 'id -u; echo again >/dev/stdout' "$own, { \"type\": \"user\" }" 1000 "$maps"
expect "a mapped user opens its stdout again" "1000 again" "$(go 2>&1 | tr '\n' ' ' | sed 's/ $//')"
bundle 'echo no >/dev/stderr' "$own, { \"type\": \"user\" }" 1000 "$maps"
expect "a mapped user opens its stderr again" "no" "$(go 2>&1)"
nothing_left

# A namespace that is there already is joined; the shim's other rules do not change.
unshare --uts sh -c "hostname shared; exec sleep 1000" &
holder=$!
wait_for "the namespace" sh -c "nsenter -u -t $holder hostname | grep -q shared"
bundle hostname '{ "type": "pid" }, { "type": "uts", "path": "/proc/'$holder'/ns/uts" }'
expect "a joined namespace" shared "$(go 2>&1)"
kill "$holder"
wait "$holder" 2>/dev/null
nothing_left

# In the pid namespace of its host nobody dies with an init but by the shim.
bundle 'sleep 1000 </dev/null >/dev/null 2>&1 & echo left behind; exit 3'
expect "host pid: output" "left behind" "$(go 2>"$T/err")"
go >/dev/null 2>&1
expect "host pid: status" 3 $?
nothing_left

# An init that ignores SIGTERM is there until somebody insists.
bundle 'trap \"\" TERM; echo ready; while :; do busybox sleep 0.1; done' "$own"
: >"$T/out"
env --default-signal=INT,TERM "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --bundle "$T/b" \
	--name stubborn >"$T/out" 2>"$T/err" &
ctl=$!
wait_for "a stubborn init" grep -q ready "$T/out"
kill -TERM "$ctl"
sleep 0.3 # there is no event for what does not happen
is_gone "$ctl" && fail "a stubborn init has gone"
kill -KILL "$(cat "$T/state/stubborn/init.pid")"
wait "$ctl"
expect "a stubborn init that was killed" 137 $?
nothing_left
finish
