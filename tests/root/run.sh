#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a container prints and how it ends is what belayctl prints and how it ends.
. "$(dirname "$0")/lib.sh"

says() { # COMMAND...: everything a user sees
	run -- "$@" >"$T/out" 2>"$T/err"
	echo "status $?"
	cat "$T/out"
	echo "-- stderr"
	cat "$T/err"
}

expect "both streams and a status" "status 7
hello
-- stderr
oops" "$(says sh -c 'echo hello; echo oops >&2; exit 7')"
nothing_left
expect "exit 0" "status 0
-- stderr" "$(says true)"
expect "exit 1" "status 1
-- stderr" "$(says false)"
run -- sh -c 'sh -c "kill -9 \$\$"; exit $?' 2>/dev/null
expect "a process killed by a signal" 137 $?
expect "its init is pid 1" "1" "$(run -- sh -c 'echo $$')"
expect "it has a name" "box" "$(run --name box -- hostname)"
expect "a name may be used again" "box" "$(run --name box -- hostname)"
expect "root inside" "uid=0 gid=0" "$(run -- id | cut -d' ' -f1,2)"
expect "nothing of ours is open" "0 1 2 3 " "$(run -- sh -c 'cd /proc/self/fd; for fd in *; do
	printf "%s " "$fd"; done')"
nothing_left

run -- sh -c 'touch /tmp/made' || fail "touch"
[ -e "$T/rootfs/tmp/made" ] || fail "what it writes is not in its rootfs"
rm -f "$T/rootfs/tmp/made"

for i in $(seq 10); do
	expect "short life $i" "$i" "$(run -- echo "$i")"
done
nothing_left

# Several at once share nothing.
for i in 1 2 3 4; do
	run --name "m$i" -- sh -c "echo $i; exit $i" >"$T/out$i" 2>&1 &
	pid[i]=$!
done
for i in 1 2 3 4; do
	wait "${pid[i]}"
	expect "status of $i" "$i" $?
	expect "output of $i" "$i" "$(cat "$T/out$i")"
done
nothing_left
finish
