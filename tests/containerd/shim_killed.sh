#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The shim is killed with -9: containerd runs `delete`, and everything of the container goes.
. "$(dirname "$0")/lib.sh"

# What was told of the end of a container, each with its status, as often as it was.
endings() { # ID
	wait_for "the last event of $1" is_told delete "$1"
	sleep 0.3 # or more, which there is not to be
	grep '/tasks/\(exit\|delete\)' "$T/events" | grep "\"container_id\":\"$1\"" |
		sed 's|.*/tasks/\([a-z]*\) .*"exit_status":\([0-9]*\).*|\1 \2|' | sort | uniq -c | tr -s ' \n' ' '
}

listen
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" k1 /bin/sleep 1000 || fail "run -d"
init=$(ctr task ls | awk '$1 == "k1" { print $2 }')
shim=$(shim_of k1) || fail "there is no shim"
kill -KILL "$shim"
wait_for "the container's end" is_gone "$init"
wait_for "the task's end" has_status k1 ""
ctr container rm k1 || fail "rm"
expect "what was told of one that was killed" " 1 delete 137 1 exit 137 " "$(endings k1)"
nothing_left

# The same while a client waits.
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" k2 /bin/sleep 1000 || fail "run -d"
ctr task attach k2 >"$T/wait" 2>&1 &
waiter=$!
sleep 0.3
kill -KILL "$(shim_of k2)"
wait "$waiter"
wait_for "the task's end" has_status k2 ""
ctr container rm k2 || fail "rm"
nothing_left

# One that had exited before its shim died: `delete` tells how, not 137.
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" k3 /bin/sh -c 'exit 7' || fail "run -d"
wait_for "its end" has_status k3 STOPPED
wait_for "its exit to be told" is_told exit k3
kill -KILL "$(shim_of k3)"
wait_for "the task's end" has_status k3 ""
ctr container rm k3 || fail "rm"
# Once by the shim that lived then, and once by containerd, which tells the end of any task whose shim it has lost.
expect "what was told of one that had exited" " 1 delete 7 2 exit 7 " "$(endings k3)"
nothing_left

# A paused one dies all the same: by a signal, and with its shim.
for how in kill shim; do
	ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" "p-$how" /bin/sleep 1000 || fail "run -d"
	init=$(ctr task ls | awk -v id="p-$how" '$1 == id { print $2 }')
	ctr task pause "p-$how" || fail "pause"
	if [ $how = kill ]; then
		ctr task kill -s KILL "p-$how" || fail "kill"
	else
		kill -KILL "$(shim_of "p-$how")"
	fi
	wait_for "the end of a paused one, by $how" is_gone "$init"
	[ $how = shim ] || wait_for "its status" has_status "p-$how" STOPPED
	ctr task delete "p-$how" >/dev/null 2>&1
	wait_for "the task's end" has_status "p-$how" ""
	ctr container rm "p-$how" || fail "rm"
	nothing_left
done
finish
