#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `ctr run` prints and returns what it does with the stock shim, and leaves nothing.
. "$(dirname "$0")/lib.sh"

run() { # RUNTIME ID COMMAND...: everything a client sees
	local runtime=$1 id=$2
	shift 2
	ctr run --rm --runtime "$runtime" --rootfs "$T/rootfs" "$id" "$@" >"$T/out" 2>"$T/err"
	echo "status $?"
	cat "$T/out"
	echo "-- stderr"
	sed -E 's/time="[^"]*" //' "$T/err"
}

compare() { # WHAT COMMAND...
	local what=$1 stock ours
	shift
	stock=$(run io.containerd.runc.v2 same-id "$@")
	ours=$(run "$RUNTIME" same-id "$@")
	expect "$what" "$stock" "$ours"
}

expect "output and status" "status 7
hello
-- stderr
oops" "$(run "$RUNTIME" c1 /bin/sh -c 'echo hello; echo oops >&2; exit 7')"
compare "exit 0" /bin/true
compare "exit 1" /bin/false
compare "both streams" /bin/sh -c 'echo out; echo err >&2; exit 3'
compare "killed by a signal" /bin/sh -c 'kill -9 $$'
compare "no such program" /bin/nosuch
compare "who am I" /bin/id
for runtime in io.containerd.runc.v2 "$RUNTIME"; do
	expect "$runtime: a megabyte" "status 4, $(seq 1 150000 | md5sum)" \
		"$(megabyte_of ctr run --rm --runtime "$runtime" --rootfs "$T/rootfs" same-id)"
done

# ctr forgets an end of its stdin that comes before the task exists, with any shim.
expect "stdin reaches the container" "from stdin" "$( (wait_for c2 has_status c2 RUNNING; echo from stdin) |
	ctr run --rm --runtime "$RUNTIME" --rootfs "$T/rootfs" c2 /bin/cat)"

for i in $(seq 20); do
	expect "short life $i" "$i" "$(ctr run --rm --runtime "$RUNTIME" --rootfs "$T/rootfs" "s$i" \
		/bin/echo "$i")"
done
nothing_left
finish
