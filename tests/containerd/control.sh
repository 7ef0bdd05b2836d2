#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pause and resume, ps, metrics, kill and attach, asked as ctr asks: the answers are the stock shim's.
. "$(dirname "$0")/lib.sh"

script='trap "echo got it; exit 5" USR1; : >/up; while :; do sleep 0.05; done'

# What differs from run to run: ids, times, numbers.
words() { sed -E 's/[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g' | sort; }

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

for runtime in io.containerd.runc.v2 "$RUNTIME"; do
	ctr run -d --runtime "$runtime" --rootfs "$T/rootfs" k1 /bin/sh -c "$script" >/dev/null || fail "run -d"
	init=$(ctr task ls | awk '$1 == "k1" { print $2 }')
	wait_for "its trap" test -e "$T/rootfs/up"

	ctr task pause k1 || fail "pause"
	expect "$runtime: paused" PAUSED "$(task_status k1)"
	expect "$runtime: pause again" 1 "$(ctr task pause k1 2>"$T/pause.$runtime"; echo $?)"
	before=$(ticks "$init")
	sleep 0.3
	expect "$runtime: time passes" "$before" "$(ticks "$init")"
	expect "$runtime: exec in a paused one" 1 \
		"$(ctr task exec --exec-id x k1 /bin/true 2>"$T/exec.$runtime"; echo $?)"
	ctr task resume k1 || fail "resume"
	expect "$runtime: resumed" RUNNING "$(task_status k1)"
	expect "$runtime: resume again" 1 "$(ctr task resume k1 2>"$T/resume.$runtime"; echo $?)"

	ctr task metrics k1 | words >"$T/metrics.$runtime" || fail "metrics"
	# Of the whole document ctr leaves out what is zero just then; the sections are always there.
	ctr task metrics --format json k1 | grep -oE '"(cpu|memory|pids|usage|throttling|io|blkio)":' |
		sort -u >"$T/json.$runtime"
	[ "$(wc -l <"$T/json.$runtime")" -gt 3 ] || fail "$runtime: few metrics"
	expect "$runtime: ps" "$init" "$(ctr task ps k1 | awk 'NR > 1 { print $1 }' | head -n 1)"

	ctr task kill -s USR1 k1 || fail "kill"
	wait_for "the end of k1" has_status k1 STOPPED
	ctr task delete k1 >"$T/deleted" 2>&1
	grep -q 'non-zero exit code 5' "$T/deleted" || fail "$runtime: status of a delete: $(cat "$T/deleted")"
	ctr container rm k1 || fail "rm"
	rm "$T/rootfs/up"
done
for what in pause exec resume metrics json; do
	expect "$what" "$(words <"$T/$what.io.containerd.runc.v2")" "$(words <"$T/$what.$RUNTIME")"
done

# A client that comes later sees what is written from then on, and the end. (That of 1.7 and later
# closes its streams when it hears of the end, whatever is in them.)
mkfifo "$T/rootfs/go" "$T/rootfs/end"
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" a1 \
	/bin/sh -c 'read x <go; echo "later: $x"; read x <end; exit 3' || fail "run -d"
ctr task attach a1 >"$T/attached" 2>&1 &
attached=$!
echo word >"$T/rootfs/go"
wait_for "its output" grep -q later "$T/attached"
echo >"$T/rootfs/end"
wait "$attached"
expect "attach: status" 3 $?
expect "attach: output" "later: word" "$(cat "$T/attached")"
ctr task delete a1 2>/dev/null
ctr container rm a1 || fail "rm a1"
nothing_left
finish
