#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A containerd that is confined to one processor: its containers and their execs are not.
. "$(dirname "$0")/lib.sh"

cpus() { sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status; }
all=$(cpus)
if [ "$all" = 0 ] || [ "${all%%[-,]*}" != 0 ]; then
	echo "SKIPPED affinity.sh: needs processor 0 and another"
	exit 77
fi
taskset -a -c -p 0 "$containerd_pid" >/dev/null || fail "taskset"

# ask EXEC-ID COMMAND...
ask() {
	local id=$1
	shift
	timeout -k 1 20 ctr task exec --exec-id "$id" c1 "$@"
}

ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" c1 /bin/sleep 1000 || fail "run -d"
init=$(ctr task ls | awk '$1 == "c1" { print $2 }')
expect "its shim" 0 "$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$(shim_of c1)/status")"
expect "its init" "$all" "$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$init/status")"
for i in 1 2 3; do
	expect "an exec" "$all" "$(ask "x$i" /bin/busybox grep Cpus_allowed_list /proc/self/status |
		cut -f 2)"
done
ctr task kill -s KILL c1 || fail "kill"
wait_for "the end" has_status c1 STOPPED
ctr task delete c1 2>/dev/null
ctr container rm c1 || fail "rm"
nothing_left
finish
