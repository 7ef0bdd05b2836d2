#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checkpoints as ctr asks for them, under our own name and in place of the stock shim. BELAY_CRIU
# names a criu if there is none in $PATH. On the network of the host: criu wants iptables for any
# other.
[ -z "${BELAY_CRIU-}" ] || PATH=$(dirname "$BELAY_CRIU"):$PATH
criu check >/dev/null 2>&1 || {
	echo "SKIPPED $(basename "$0"): there is no criu that works on this kernel"
	exit 77
}
. "$(dirname "$0")/lib.sh"

run() { # RUNTIME ID
	ctr run -d --net-host --runtime "$1" --rootfs "$T/rootfs" "$2" /bin/sleep 1000 ||
		fail "run -d $2"
	wait_for "the program of $2" is_itself "$2" sleep # the runtime's criu cannot dump
}

checkpoint() { # ID OPTIONS...
	ctr task checkpoint "${@:2}" "$1" >"$T/out" 2>&1 || fail "checkpoint of $1: $(cat "$T/out"
		grep -h Error "/run/ctd/io.containerd.runtime.v2.task/$NS/$1/criu-dump.log")"
}

# ctr 1.6 knows no image path for a runtime that is not runc's: the image becomes content.
run "$RUNTIME" k1
checkpoint k1
wait_for "k1 to go on" has_status k1 RUNNING
ctr task kill -s KILL k1
wait_for "the end of k1" has_status k1 STOPPED
ctr task delete k1 >"$T/out" 2>&1
ctr container rm k1 || fail "rm k1"

mkdir "$T/stock"
cp "$SHIM_DIR/containerd-shim-belay-v2" "$T/stock/containerd-shim-runc-v2"
kill_containerd TERM
PATH="$T/stock:$PATH" start_containerd
run io.containerd.runc.v2 k2
checkpoint k2 --image-path "$T/image"
[ -s "$T/image/inventory.img" ] || fail "no image"
wait_for "k2 to go on" has_status k2 RUNNING
checkpoint k2 --exit --image-path "$T/last"
[ -s "$T/last/inventory.img" ] || fail "no last image"
wait_for "the end of k2" has_status k2 STOPPED
ctr task delete k2 >"$T/out" 2>&1
ctr container rm k2 || fail "rm k2"
nothing_left
finish
