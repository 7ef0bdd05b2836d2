#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In place of the stock shim: installed under its name, and by its path. Nobody can tell from outside.
. "$(dirname "$0")/lib.sh"

ours=$(realpath "$SHIM_DIR/containerd-shim-belay-v2")

# The program behind a shim's process, whatever it is called.
is_ours() { # ID
	expect "the program of $1's shim" "$ours" "$(realpath "/proc/$(shim_of "$1")/exe")"
}

life() { # RUNTIME ID
	ctr run -d --runtime "$1" --rootfs "$T/rootfs" "$2" /bin/sleep 1000 || fail "run -d $2"
	is_ours "$2"
	expect "exec in $2" "hello 4" "$(ctr task exec --exec-id x "$2" /bin/sh -c 'echo hello; exit 4' |
		tr '\n' ' ')$(ctr task exec --exec-id y "$2" /bin/sh -c 'exit 4'; echo $?)"
	ctr task kill -s KILL "$2" || fail "kill $2"
	wait_for "the end of $2" has_status "$2" STOPPED
	ctr task delete "$2" 2>/dev/null
	ctr container rm "$2" || fail "rm $2"
}

life "$ours" by-path

# containerd remembers where it found a shim, so a new one is told of the new place.
mkdir "$T/bin"
cp "$ours" "$T/bin/containerd-shim-runc-v2"
ours=$T/bin/containerd-shim-runc-v2
kill_containerd TERM
PATH=$T/bin:$PATH
start_containerd
life io.containerd.runc.v2 by-name
expect "it prints what it always did" "$(seq 100)" \
	"$(ctr run --rm --runtime io.containerd.runc.v2 --rootfs "$T/rootfs" printing /bin/seq 1 100)"
expect "runc's own options reach it" 0 "$(ctr run --rm --runtime io.containerd.runc.v2 \
	--runc-binary "$(command -v runc)" --rootfs "$T/rootfs" options /bin/true >"$T/out" 2>&1; echo $?)"
nothing_left
finish
