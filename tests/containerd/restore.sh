#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ctr checkpoints a container with its memory and restores it as another one, which goes on where the
# first was: through our shim in place of the stock one. BELAY_CRIU names a criu if there is none in
# $PATH. On the network of the host: criu wants iptables for any other.
[ -z "${BELAY_CRIU-}" ] || PATH=$(dirname "$BELAY_CRIU"):$PATH
criu check >/dev/null 2>&1 || {
	echo "SKIPPED $(basename "$0"): there is no criu that works on this kernel"
	exit 77
}
. "$(dirname "$0")/lib.sh"

# The file is empty for a moment with every count.
count_of() {
	local n=
	while [ -z "$n" ]; do
		n=$(cat "/run/ctd/io.containerd.runtime.v2.task/$NS/$1/rootfs/count" 2>/dev/null || echo 0)
	done
	echo "$n"
}
counts_beyond() { [ "$(count_of "$1")" -gt "$2" ] 2>/dev/null; }

end() { # ID
	ctr task kill -s KILL "$1" || fail "kill $1"
	wait_for "the end of $1" has_status "$1" STOPPED
	ctr task delete "$1" >"$T/out" 2>&1
	grep -q 'exit code 137' "$T/out" || fail "status of $1: $(cat "$T/out")"
	ctr container rm "$1" || fail "rm $1"
}

mkdir "$T/stock"
cp "$SHIM_DIR/containerd-shim-belay-v2" "$T/stock/containerd-shim-runc-v2"
kill_containerd TERM
PATH="$T/stock:$PATH" start_containerd
make_image docker.io/library/box:1 # containerd restores onto a snapshot
ctr run -d --net-host --runtime io.containerd.runc.v2 docker.io/library/box:1 c1 /bin/sh -c \
	'n=100; while :; do n=$((n+1)); echo $n >/count; sleep 0.05; done' || fail "run -d"
wait_for "c1 to count" counts_beyond c1 102
ctr container checkpoint --task --image --rw c1 box:saved || fail "checkpoint"
saved=$(count_of c1)
end c1

ctr container restore --live --rw c2 box:saved || fail "restore"
expect "restored" RUNNING "$(task_status c2)"
wait_for "c2 to go on counting" counts_beyond c2 "$saved"
expect "exec in a restored one" "hello" "$(ctr task exec --exec-id x c2 /bin/echo hello)"
ctr task metrics c2 >"$T/metrics" || fail "metrics of a restored one"
end c2
nothing_left
finish
