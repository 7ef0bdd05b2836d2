#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pod: containers of one group share one shim, come and go, and the socket goes with the last.
. "$(dirname "$0")/lib.sh"

run() { # ID ANNOTATION
	ctr run -d --annotation "$2" --runtime "$RUNTIME" --rootfs "$T/rootfs" "$1" /bin/sleep 1000 ||
		fail "run $1"
}
# What a shim is about to run has its name for a moment: that is its child.
shims() { pgrep -P 1 -c -f '^[^ ]*containerd-shim-belay-v2 '; }
end() { # ID
	ctr task kill -s KILL "$1" || fail "kill $1"
	wait_for "the end of $1" has_status "$1" STOPPED
	ctr task delete "$1" 2>/dev/null
	ctr container rm "$1" || fail "rm $1"
}

for id in p1 p2 p3; do
	run "$id" io.kubernetes.cri.sandbox-id=p1
done
expect "shims of a pod of three" 1 "$(shims)"
shim=$(shim_of p1)
expect "threads of that shim" 1 "$(awk '/^Threads/ { print $2 }' "/proc/$shim/status")"
run q1 io.containerd.runc.v2.group=another
run q2 io.containerd.runc.v2.group=another
expect "shims of two groups" 2 "$(shims)"
expect "sockets of two groups" 2 "$(find /run/containerd/s -type s | wc -l)"

# The first of a group may go first; its bundle is the folder the shim runs in.
end p1
expect "the others" "RUNNING RUNNING" "$(task_status p2) $(task_status p3)"
expect "an exec after the first has gone" "alive" "$(ctr task exec --exec-id x p2 /bin/echo alive)"
run p4 io.kubernetes.cri.sandbox-id=p1
expect "shims after a fourth came" 2 "$(shims)"

# A restart of containerd in between finds all of them.
kill_containerd KILL
start_containerd
for id in p2 p3 p4 q1 q2; do
	expect "$id after a restart" RUNNING "$(task_status "$id")"
done
for id in p2 p4 p3 q2 q1; do
	end "$id"
done
nothing_left
finish
