#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Limits of memory and of processes hold, and who hits the first is told of as out of memory.
. "$(dirname "$0")/lib.sh"

for controller in memory pids; do
	[ -d /sys/fs/cgroup/$controller ] || grep -qw $controller /sys/fs/cgroup/cgroup.controllers 2>/dev/null || {
		echo "SKIPPED limits.sh $RUNTIME: no $controller controller"
		exit 77
	}
done
for applet in dd wc; do
	ln -sf busybox "$T/rootfs/bin/$applet"
done

# go SCRIPT RESOURCES: the status; what it and its shim said is in $T/err.
go() {
	mkdir -p "$T/b"
	cat >"$T/b/config.json" <<-END
	{ "ociVersion": "1.0.2", "root": { "path": "$T/rootfs" },
	  "process": { "args": ["/bin/sh", "-c", "$1"], "cwd": "/", "user": { "uid": 0, "gid": 0 },
	    "env": ["PATH=/bin"] },
	  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" },
	    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] } ],
	  "linux": { "cgroupsPath": "/belay/limits-$$", "resources": { $2 },
	    "namespaces": [ { "type": "pid" }, { "type": "mount" } ] } }
	END
	"$BELAYCTL" run --debug --runtime "$RUNTIME" --state "$T/state" --bundle "$T/b" >"$T/out" 2>"$T/err"
	echo $?
}

expect "within its limit" 0 "$(go 'true' '"memory": { "limit": 33554432 }')"
grep -q 'msg="oom"' "$T/err" && fail "an oom that was none"
expect "beyond its limit" 137 "$(go 'exec dd if=/dev/zero of=/dev/null bs=100M count=1' \
	'"memory": { "limit": 33554432 }')"
expect_words "told" 'msg="oom"' "$T/err"
expect "a child beyond the limit" 3 "$(go 'dd if=/dev/zero of=/dev/null bs=100M count=1; exit 3' \
	'"memory": { "limit": 33554432 }')"
expect_words "told, though the init lives on" 'msg="oom"' "$T/err"
expect "processes within the limit" 0 "$(go 'for i in 1 2 3; do sleep 0.1 & done; wait' '"pids": { "limit": 10 }')"
go 'n=0; while [ $n -lt 50 ]; do sleep 1000 & n=$((n+1)); done; exit 0' '"pids": { "limit": 10 }' >"$T/status"
expect_words "processes beyond the limit" "can't fork" "$T/err"

# Too little for the runtime itself or for its init: whoever ends, and of what, is told.
status=$(go true '"memory": { "limit": 65536 }')
case $status in
125) grep -qiE 'memory limit|out of memory|oom-killed|too little memory' "$T/err" ||
	fail "no memory for a create is not told: $(grep -v level= "$T/err")" ;;
137) expect_words "no memory for an init" 'msg="oom"' "$T/err" ;;
*) fail "no memory at all: status $status" ;;
esac
nothing_left
finish
