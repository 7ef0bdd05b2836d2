#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A reader that goes away is no reason to hang, for belayctl nor for the container.
. "$(dirname "$0")/lib.sh"

ln -sf busybox "$T/rootfs/bin/yes"

# ends WHAT STATUS COMMAND...: of which one line is read.
ends() {
	local what=$1 status=$2
	shift 2
	{
		timeout -k 1 20 "$@" 2>"$T/err"
		echo $? >"$T/status"
	} | head -n 1 >"$T/out"
	expect "$what: lines" 1 "$(wc -l <"$T/out")"
	expect "$what: status" "$status" "$(cat "$T/status")"
}
ctl() { echo "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --rootfs "$T/rootfs"; }

# shellcheck disable=SC2046
ends "more than a pipe holds" 125 $(ctl) -- seq 1000000
expect_words "more than a pipe holds" "our output cannot be written" "$T/err"
nothing_left
# shellcheck disable=SC2046
ends "without end" 125 $(ctl) -- yes
nothing_left
run -- yes >/dev/full 2>"$T/err"
expect "a full disk: status" 125 $?
nothing_left

run --name c1 -- sleep 1000 2>"$T/err" &
ctl=$!
wait_for "c1" test -s "$T/state/c1/init.pid"
wait_for "c1 to run" bash -c "'$BELAYCTL' ps --state '$T/state' | grep -q running"
wait_for "its program" grep -q '^sleep$' "/proc/$(cat "$T/state/c1/init.pid")/comm"
ends "an exec" 125 "$BELAYCTL" exec --state "$T/state" c1 yes
ends "events" 0 "$BELAYCTL" events --state "$T/state"
expect "processes of c1" sleep "$("$BELAYCTL" inspect --state "$T/state" c1 --json |
	python3 -c 'import json, sys; print(*[p["name"] for p in json.load(sys.stdin)["processes"]])')"
kill -KILL "$(cat "$T/state/c1/init.pid")"
wait "$ctl"
nothing_left
finish
