#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Further processes in a container: output, status, order of exits, many at once; pause and resume.
. "$(dirname "$0")/lib.sh"

listen
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" e1 /bin/sleep 1000 || fail "run -d"

execute() { # ID COMMAND...
	local id=$1
	shift
	timeout -k 1 20 ctr task exec --exec-id "$id" e1 "$@"
}

expect "output" "hello" "$(execute x1 /bin/echo hello)"
execute x2 /bin/sh -c 'exit 9' 2>"$T/err"
expect "status" 9 $?
expect "a megabyte" "status 4, $(seq 1 150000 | md5sum)" "$(megabyte_of execute x3)"
execute x4 /bin/nosuch >"$T/out" 2>&1 && fail "a missing program was run"
grep -q 'OCI runtime exec failed: .*/bin/nosuch' "$T/out" || fail "wrong words: $(cat "$T/out")"

# Stays behind and keeps the stream open: neither exit nor delete may wait for it.
begin=$(date +%s)
execute x5 /bin/sh -c 'sleep 30 >/dev/null 2>&1 & echo done' >"$T/out"
expect "a background child" "done" "$(cat "$T/out")"
[ $(($(date +%s) - begin)) -lt 10 ] || fail "a background child was waited for"

for i in $(seq 8); do
	execute "p$i" /bin/sh -c "echo $i; exit $i" >"$T/out.$i" 2>/dev/null &
	pids[i]=$!
done
for i in $(seq 8); do
	wait "${pids[i]}"
	expect "status of exec $i of 8 at once" "$i" $?
	expect "output of exec $i of 8 at once" "$i" "$(cat "$T/out.$i")"
done

ctr task pause e1 || fail "pause"
expect "paused" PAUSED "$(task_status e1)"
ctr task exec --exec-id x6 e1 /bin/true >"$T/out" 2>&1 && fail "exec in a paused container"
grep -q "cannot exec in a paused state" "$T/out" || fail "wrong words: $(cat "$T/out")"
ctr task resume e1 || fail "resume"
expect "resumed" RUNNING "$(task_status e1)"

# Init dies under a running exec: the exec's exit is told first.
execute last /bin/sleep 1000 >/dev/null 2>&1 &
exec_client=$!
wait_for "the exec" grep -q '"/tasks/exec-started.*"exec_id":"last"\|exec-started {.*"last"' "$T/events"
ctr task kill -s KILL e1 || fail "kill"
wait_for "the end" has_status e1 STOPPED
wait "$exec_client"
ctr task delete e1 2>/dev/null
ctr container rm e1 || fail "rm"
wait_for "the last event" is_told delete e1
expect "order of exits" "last e1" "$(grep '/tasks/exit' "$T/events" | tail -n 2 |
	grep -o '"id":"[^"]*"' | cut -d'"' -f4 | tr '\n' ' ' | sed 's/ $//')"
nothing_left
finish
