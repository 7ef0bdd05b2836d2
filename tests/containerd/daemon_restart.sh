#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# containerd is killed with -9 in mid-run and restarted: the task is still there, Wait answers,
# and what happened meanwhile is told.
. "$(dirname "$0")/lib.sh"

ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" r1 /bin/sleep 1000 || fail "run -d"
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" r2 /bin/sleep 2.1 || fail "run -d"
shim1=$(shim_of r1)
kill_containerd KILL
is_gone "$shim1" && fail "the shim went with containerd"
sleep 2.5 # r2 ends while nobody listens
start_containerd
expect "it runs" RUNNING "$(task_status r1)"
expect "same shim" "$shim1" "$(shim_of r1)"
if grep -q 'cleaning leaked shim process.* id=r2' "$T/log"; then
	# containerd 1.7 to 2.2 delete a task without processes when they start, whatever its shim.
	expect "what ended in between" "" "$(task_status r2)"
else
	wait_for "the exit in between" has_status r2 STOPPED
	ctr task delete r2 2>/dev/null
	expect "its status" 0 $?
fi

ctr task attach r1 >"$T/wait" 2>&1 &
waiter=$!
sleep 0.3
ctr task kill -s KILL r1 || fail "kill"
wait "$waiter"
expect "Wait's answer" 137 $?
ctr task delete r1 2>/dev/null
ctr container rm r1 r2 || fail "rm"
nothing_left
finish
