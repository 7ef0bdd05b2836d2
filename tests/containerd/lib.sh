# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: a real containerd of this machine, with its own root, state,
# sockets and namespace, in mount and pid namespaces of its own, and the questions they ask.
#
# Each script is called with the folder of the shim under test and, if it is not to be the machine's
# own containerd, a folder with another containerd, ctr and runc: TEST.sh BUILD/shim [BIN]
#
# Who sources it may want more: further namespaces (BELAY_UNSHARE), tools (BELAY_TOOLS), and a
# containerd_config of its own.

set -u

# Twice through this file: first outside, to make the namespaces, then inside.
if [ -z "${BELAY_INSIDE:-}" ]; then
	skip() { echo "SKIPPED $(basename "$0"): $*"; exit 77; }
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -z "${2:-}" ] || [ -x "$2/containerd" ] || skip "$2 has no containerd"
	for tool in containerd ctr runc busybox unshare ${BELAY_TOOLS:-}; do
		PATH="${2:+$2:}$PATH" command -v "$tool" >/dev/null || skip "there is no $tool"
	done
	unshare --mount --propagation private true 2>/dev/null || skip "mount namespaces are not allowed"
	BELAY_INSIDE=$(mktemp -d /tmp/belay-containerd.XXXXXX)
	export BELAY_INSIDE
	# shellcheck disable=SC2086 # a list, on purpose
	timeout -k 5 "${TEST_TIMEOUT:-120}" unshare --mount --pid ${BELAY_UNSHARE:-} --fork --mount-proc \
		--propagation private bash "$0" "$@" </dev/null
	status=$?
	rm -rf --one-file-system "$BELAY_INSIDE"
	exit $status
fi

# In here we are pid 1 of a namespace: whatever is left over ends with us, but is found before.
SHIM_DIR=$1
T=$BELAY_INSIDE
NS=belay-test-$(basename "$T" | tr -d '.')
RUNTIME=${RUNTIME:-io.containerd.belay.v2}
mount -t tmpfs tmpfs /run
export CONTAINERD_ADDRESS=/run/ctd/containerd.sock CONTAINERD_NAMESPACE=$NS
export PATH="$SHIM_DIR:${2:+$2:}$PATH"
export XDG_RUNTIME_DIR=$T/consoles # where shims make their console sockets: in /tmp others do, too
mkdir "$XDG_RUNTIME_DIR"
failures=0
containerd_pid=

fail() {
	echo "FAILED: $*" >&2
	failures=$((failures + 1))
}

# expect WHAT WANTED GOT
expect() {
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# wait_for WHAT COMMAND...: until it succeeds, for ten seconds at most.
wait_for() {
	local what=$1 i
	shift
	for i in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	fail "gave up waiting for $what"
	return 1
}

make_rootfs() {
	mkdir -p "$T"/rootfs/{bin,proc,sys,dev,tmp,etc}
	cp "$(command -v busybox)" "$T/rootfs/bin/busybox"
	for applet in sh cat echo sleep seq true false id md5sum stty grep; do
		ln -sf busybox "$T/rootfs/bin/$applet"
	done
}

# make_image NAME: of one layer, the rootfs. Its config must name the layer by the hash of its bytes.
make_image() {
	local at=$T/image hash

	mkdir "$at"
	tar -C "$T/rootfs" -cf "$at/layer.tar" .
	hash=$(sha256sum "$at/layer.tar" | cut -d ' ' -f 1)
	cat >"$at/config.json" <<-EOF
	{ "architecture": "$(dpkg --print-architecture)", "os": "linux", "config": { "Cmd": ["/bin/sleep", "100000"], "Env": ["PATH=/bin"] },
	  "rootfs": { "type": "layers", "diff_ids": ["sha256:$hash"] } }
	EOF
	echo "[ { \"Config\": \"config.json\", \"RepoTags\": [\"$1\"], \"Layers\": [\"layer.tar\"] } ]" >"$at/manifest.json"
	tar -C "$at" -c manifest.json config.json layer.tar | ctr image import - >"$T/out" 2>&1 ||
		fail "import of $1: $(cat "$T/out")"
}

declare -F containerd_config >/dev/null || containerd_config() {
	cat <<-EOF
	version = 2
	root = "$T/root"
	state = "/run/ctd"
	disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs",
	  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
	  "io.containerd.snapshotter.v1.devmapper", "io.containerd.nri.v1.nri"]
	[grpc]
	  address = "/run/ctd/containerd.sock"
	[ttrpc]
	  address = "/run/ctd/containerd.sock.ttrpc"
	[debug]
	  level = "debug"
	EOF
}

start_containerd() {
	containerd_config >"$T/config.toml"
	containerd -c "$T/config.toml" >>"$T/log" 2>&1 &
	containerd_pid=$!
	wait_for containerd ctr version
}

kill_containerd() { # SIGNAL
	kill "-$1" "$containerd_pid"
	wait "$containerd_pid" 2>/dev/null
}

# The shim of a container, by what is on its command line; in our pid namespace there are no others.
shim_of() {
	local cmd
	for cmd in /proc/[0-9]*/cmdline; do
		tr '\0' ' ' 2>/dev/null <"$cmd" | grep -q -- "^[^ ]*containerd-shim-[^ ]* .*-id $1 " || continue
		basename "$(dirname "$cmd")"
		return 0
	done
	return 1
}

is_gone() { # PID
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

task_status() {
	ctr task ls 2>/dev/null | awk -v id="$1" '$1 == id { print $3 }'
}

has_status() { [ "$(task_status "$1")" = "$2" ]; }

# Its init is the runtime's program for a moment yet, and has threads.
is_itself() { # ID PROGRAM
	[ "$(cat "/proc/$(ctr task ls | awk -v id="$1" '$1 == id { print $2 }')/comm")" = "$2" ]
}

hears() {
	ctr namespaces label "$NS" "at=$(date +%N)" && grep -q "/namespaces/update" "$T/events"
}

# All events from now on, in $T/events; what is told before a client is heard by nobody.
listen() {
	ctr events >"$T/events" 2>&1 &
	ctr namespaces create "$NS" 2>/dev/null
	wait_for "the events" hears
}

is_told() { # TOPIC ID
	grep -q "/tasks/$1 .*\"container_id\":\"$2\"" "$T/events"
}

has_megabyte() { [ "$(wc -c <"$T/megabyte")" = "$(seq 1 150000 | wc -c)" ]; }

# How a megabyte comes out of a program that COMMAND... runs, and its status. It ends when all has been
# read: on a busy machine ctr closes its FIFO before it has read it to the end, with any shim.
megabyte_of() { # COMMAND...
	local client

	[ -p "$T/rootfs/end" ] || mkfifo "$T/rootfs/end"
	exec 9<>"$T/rootfs/end"
	"$@" /bin/sh -c 'seq 1 150000; read line </end; exit 4' >"$T/megabyte" 2>"$T/err" &
	client=$!
	wait_for "a megabyte" has_megabyte
	echo >&9
	wait "$client"
	echo "status $?, $(md5sum <"$T/megabyte")"
	exec 9>&-
}

# Processes but for this shell, what it runs just now, and containerd.
leftover_processes() {
	local dir pid
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		[ "$pid" = 1 ] || [ "$pid" = "$containerd_pid" ] || [ "$pid" = $BASHPID ] && continue
		is_gone "$pid" && continue
		tr '\0' ' ' 2>/dev/null <"$dir/cmdline" | grep -E 'containerd-shim|runc|sleep|busybox|/bin/' |
			grep -v "$0"
	done
}

is_clean() {
	[ -z "$(leftover_processes)" ] && ! grep -q "io.containerd.runtime.v2.task" /proc/self/mountinfo &&
		[ -z "$(ls /run/containerd/s 2>/dev/null)" ] &&
		[ -z "$(ls "/run/ctd/io.containerd.runtime.v2.task/$NS" 2>/dev/null)" ] &&
		[ -z "$(ls "/run/containerd/runc/$NS" 2>/dev/null)" ] &&
		[ -z "$(find /sys/fs/cgroup -mindepth 2 -path "*/$NS/*" -type d 2>/dev/null)" ] &&
		[ -z "$(find "$XDG_RUNTIME_DIR" -name 'pty*')" ]
}

# What ends is over soon after its client.
nothing_left() {
	wait_for "everything to go" is_clean && return
	expect "processes left" "" "$(leftover_processes)"
	expect "mounts left" "" "$(grep "io.containerd.runtime.v2.task" /proc/self/mountinfo)"
	expect "sockets left" "" "$(ls /run/containerd/s 2>/dev/null)"
	expect "bundles left" "" "$(ls "/run/ctd/io.containerd.runtime.v2.task/$NS" 2>/dev/null)"
	expect "cgroups left" "" "$(find /sys/fs/cgroup -mindepth 2 -path "*/$NS/*" -type d 2>/dev/null)"
	expect "runtime state left" "" "$(ls "/run/containerd/runc/$NS" 2>/dev/null)"
	expect "console sockets left" "" "$(find "$XDG_RUNTIME_DIR" -name 'pty*')"
}

finish() {
	[ "$failures" = 0 ] || tail -n 60 "$T/log" | cut -c1-400 >&2
	[ -n "$containerd_pid" ] && kill_containerd TERM
	find /sys/fs/cgroup -depth -type d -path "*/$NS*" -exec rmdir {} + 2>/dev/null
	[ "$failures" = 0 ] && echo "ok $(basename "$0")"
	exit $((failures > 0))
}

make_rootfs
start_containerd
