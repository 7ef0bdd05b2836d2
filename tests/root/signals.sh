#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Signals to belayctl reach the container, those of a terminal too, and whatever is killed leaves nothing.
. "$(dirname "$0")/lib.sh"

# Not inherited as ignored, as a shell's background jobs would have it.
start() { # NAME SCRIPT
	: >"$T/out" # in the background it might be emptied only after we have found the last one's words
	env --default-signal=INT,TERM,HUP,QUIT "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" \
		--rootfs "$T/rootfs" --name "$1" -- sh -c "$2" >"$T/out" 2>"$T/err" &
	ctl=$!
	wait_for "$1 to be ready" grep -q ready "$T/out"
}

ends_with() { # WHAT STATUS
	wait "$ctl"
	expect "$1: status" "$2" $?
	nothing_left
}

start s1 'trap "echo trapped; exit 5" INT; echo ready; while :; do sleep 0.05; done'
kill -INT "$ctl"
ends_with "a trapped SIGINT" 5
expect_words "the trap ran" trapped "$T/out"

start s2 'trap "exit 6" TERM; echo ready; while :; do sleep 0.05; done'
kill -TERM "$ctl"
ends_with "a trapped SIGTERM" 6

start s3 'trap "echo again" INT; trap "exit 8" TERM; echo ready; while :; do sleep 0.05; done'
kill -INT "$ctl"
wait_for "the first" grep -q again "$T/out"
kill -TERM "$ctl"
ends_with "two signals" 8

for signal in HUP QUIT; do
	start s-$signal 'trap "exit 9" '$signal'; echo ready; while :; do sleep 0.05; done'
	kill -$signal "$ctl"
	ends_with "a trapped SIG$signal" 9
done

# As nohup has it.
: >"$T/out"
(
	trap '' HUP
	exec "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --rootfs "$T/rootfs" --name s-no -- \
		sh -c 'trap "exit 9" HUP; echo ready; sleep 1; exit 3'
) >"$T/out" 2>"$T/err" &
ctl=$!
wait_for "s-no" grep -q ready "$T/out"
kill -HUP "$ctl"
ends_with "an ignored SIGHUP" 3

# Pid 1 of a namespace ignores what it has no handler for: so does the container, and it runs on.
start s4 'echo ready; exec sleep 1000'
kill -INT "$ctl"
kill -TERM "$ctl"
sleep 0.3
is_gone "$ctl" && fail "belayctl ended by itself"
kill -KILL "$(cat "$T/state/s4/init.pid")"
ends_with "ignored signals" 137

# Before there is a container: what the runtime was at is undone.
cat >"$T/slow" <<-END
	#!/bin/sh
	for word; do [ "\$word" != create ] || { touch $T/creating; exec sleep 1000; }; done
	exec $(command -v "$RUNTIME") "\$@"
END
chmod +x "$T/slow"
env --default-signal=INT "$BELAYCTL" run --runtime "$T/slow" --state "$T/state" --rootfs "$T/rootfs" \
	-- true >"$T/out" 2>"$T/err" &
ctl=$!
wait_for "the runtime" test -e "$T/creating"
kill -INT "$ctl"
wait "$ctl"
expect "interrupted during create: status" 125 $?
expect_words "interrupted during create" "interrupted by signal 2" "$T/err"
nothing_left

# The container's init, killed from outside.
start s5 'echo ready; exec sleep 1000'
init=$(cat "$T/state/s5/init.pid")
kill -KILL "$init"
ends_with "a killed init" 137

# The shim, killed: belayctl cleans up as containerd would.
start s6 'echo ready; exec sleep 1000'
init=$(cat "$T/state/s6/init.pid")
for dir in /proc/[0-9]*; do
	tr '\0' ' ' 2>/dev/null <"$dir/cmdline" | grep -q 'containerd-shim.*-id s6 ' || continue
	kill -KILL "${dir#/proc/}"
done
wait "$ctl"
expect "a killed shim: status" 125 $?
expect_words "a killed shim" "belayctl: " "$T/err"
is_gone "$init" || fail "the container of a killed shim runs on"
nothing_left
finish
