#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A detached task: its states, its pids, its memory, kill and delete; events in order.
. "$(dirname "$0")/lib.sh"

listen

ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" d1 /bin/sleep 1000 || fail "run -d"
expect "status" RUNNING "$(task_status d1)"
shim=$(shim_of d1) || fail "there is no shim"
init=$(ctr task ls | awk '$1 == "d1" { print $2 }')
wait_for "its program" is_itself d1 sleep
expect "pids" "$init" "$(ctr task ps d1 | awk 'NR > 1 { print $1 }')"

anonymous=$(awk '/^Anonymous:/ { print $2 }' "/proc/$shim/smaps_rollup")
echo "shim: $anonymous KiB anonymous, $(awk '/^Threads/ { print $2 }' "/proc/$shim/status") thread"
[ "$anonymous" -lt 400 ] || fail "$anonymous KiB of anonymous memory, at most 400"
expect "threads" 1 "$(awk '/^Threads/ { print $2 }' "/proc/$shim/status")"
expect "own process group" "$shim" "$(awk '{ print $5 }' "/proc/$shim/stat")"
expect "oom score" "$(($(cat "/proc/$containerd_pid/oom_score_adj") + 1))" \
	"$(cat "/proc/$shim/oom_score_adj")"
expect "socket modes" "700 600" "$(stat -c %a /run/containerd/s) $(stat -c %a /run/containerd/s/*)"
expect "address file" "unix://$(ls /run/containerd/s/*)" \
	"$(cat "/run/ctd/io.containerd.runtime.v2.task/$NS/d1/address")"

ctr task metrics d1 >"$T/out" 2>&1 || fail "metrics: $(cat "$T/out")"
expect "pids in the metrics" 1 "$(awk '$1 == "pids.current" { print $2 }' "$T/out")"

ctr task delete d1 >/dev/null 2>"$T/err" && fail "a running task was deleted"
expect "still there" RUNNING "$(task_status d1)"
ctr task kill -s KILL d1 || fail "kill"
wait_for "the end" has_status d1 STOPPED
ctr task kill -s KILL d1 2>"$T/err" && fail "a dead task was killed"
grep -q "process already finished: not found" "$T/err" || fail "wrong words: $(cat "$T/err")"
ctr task delete d1 2>"$T/err" || fail "delete"
grep -q "exit with non-zero exit code 137" "$T/err" || fail "its status: $(cat "$T/err")"
ctr container rm d1 || fail "rm"

# Never started: created, deleted.
ctr container create --runtime "$RUNTIME" --rootfs "$T/rootfs" d2 /bin/true || fail "create"

# Two at once, one after the other gone.
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" d3 /bin/sh -c 'exit 5' || fail "run -d"
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" d4 /bin/sleep 1000 || fail "run -d"
wait_for "the short one" has_status d3 STOPPED
expect "the long one" RUNNING "$(task_status d4)"
ctr task delete d3 2>"$T/err" || fail "delete"
grep -q "exit with non-zero exit code 5" "$T/err" || fail "its status: $(cat "$T/err")"
ctr task delete -f d4 >/dev/null 2>&1
ctr container rm d2 d3 d4 || fail "rm"

wait_for "the last event" is_told delete d3
for id in d1 d3; do
	expect "events of $id" "create start exit delete" "$(grep "\"container_id\":\"$id\"" "$T/events" |
		grep -o '/tasks/[a-z]*' | sed 's,.*/,,' | tr '\n' ' ' | sed 's/ $//')"
done
nothing_left
finish
