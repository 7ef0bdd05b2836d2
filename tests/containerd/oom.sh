#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A container that wants more memory than it may have: told as such, after its start, which the runtime
# may be busy with still, before its exit, and once.
. "$(dirname "$0")/lib.sh"

[ -e /sys/fs/cgroup/memory/memory.oom_control ] || [ -e /sys/fs/cgroup/memory.max ] ||
	grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null || {
	echo "SKIPPED $(basename "$0"): no memory controller"
	kill_containerd TERM
	exit 77
}
ln -sf busybox "$T/rootfs/bin/dd"
listen
ctr run -d --memory-limit 20971520 --runtime "$RUNTIME" --rootfs "$T/rootfs" o1 \
	/bin/dd if=/dev/zero of=/dev/null bs=100M count=1 || fail "run -d"
wait_for "its end" has_status o1 STOPPED
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" o2 /bin/sh -c 'exit 137' || fail "run -d"
wait_for "its end" has_status o2 STOPPED
for id in o1 o2; do
	ctr task delete "$id" 2>"$T/err"
	grep -q "exit code 137" "$T/err" || fail "status of $id: $(cat "$T/err")"
	ctr container rm "$id" || fail "rm"
done
wait_for "the last event" is_told delete o2
events_of() {
	grep "\"container_id\":\"$1\"" "$T/events" | grep -o '/tasks/[a-z]*' | sed 's,.*/,,' |
		tr '\n' ' ' | sed 's/ $//'
}
expect "events of one that was out of memory" "create start oom exit delete" "$(events_of o1)"
expect "events of one that was killed" "create start exit delete" "$(events_of o2)"
nothing_left
finish
