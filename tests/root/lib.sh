# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: containers of a real runtime through belayctl, without
# containerd, in mount and pid namespaces of our own, and the questions they ask.
#
# Each script is called with the folder of the build and a runtime, by name or path: TEST.sh BUILD/shim
# [runc|crun]

set -u

# Twice through this file: first outside, to make the namespaces, then inside.
if [ -z "${BELAY_INSIDE:-}" ]; then
	skip() { echo "SKIPPED $(basename "$0") ${2:-}: $1"; exit 77; }
	[ "$(id -u)" = 0 ] || skip "needs root"
	for tool in "${2:-runc}" busybox unshare; do
		command -v "$tool" >/dev/null || skip "there is no $tool"
	done
	unshare --mount --propagation private true 2>/dev/null || skip "mount namespaces are not allowed"
	BELAY_INSIDE=$(mktemp -d /tmp/belay-root.XXXXXX)
	export BELAY_INSIDE
	timeout -k 5 "${TEST_TIMEOUT:-120}" unshare --mount --pid --fork --mount-proc \
		--propagation private bash "$0" "$@" </dev/null
	status=$?
	rm -rf --one-file-system "$BELAY_INSIDE"
	exit $status
fi

# In here we are pid 1 of a namespace: whatever is left over ends with us, but is found before.
BELAYCTL=$1/belayctl
RUNTIME=${2:-runc}
T=$BELAY_INSIDE
failures=0
trap 'cat "$T/err" 2>/dev/null >&2; exit 1' TERM # out of time
mount -t tmpfs tmpfs /run
# crun 1.8 refuses hybrid cgroups. Without the second hierarchy it makes ordinary files in its
# place, so that becomes a folder of our own.
umount /sys/fs/cgroup/unified 2>/dev/null && mount -t tmpfs tmpfs /sys/fs/cgroup/unified

fail() {
	echo "FAILED ($RUNTIME): $*" >&2
	failures=$((failures + 1))
}

# expect WHAT WANTED GOT
expect() {
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# expect_words WHAT WORDS FILE
expect_words() {
	grep -qF -- "$2" "$3" || fail "$1: no '$2' in: $(head -c 1000 "$3")"
}

# wait_for WHAT COMMAND...: until it succeeds, for ten seconds at most.
wait_for() {
	local what=$1 i
	shift
	for i in $(seq 500); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.02
	done
	fail "gave up waiting for $what"
	return 1
}

make_rootfs() {
	mkdir -p "$T"/rootfs/{bin,proc,sys,dev,tmp,etc}
	cp "$(command -v busybox)" "$T/rootfs/bin/busybox"
	for applet in sh cat echo sleep seq true false id md5sum kill ps hostname touch head; do
		ln -sf busybox "$T/rootfs/bin/$applet"
	done
}

# belayctl run [OPTIONS] -- COMMAND...; the options of this test come first.
run() {
	"$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --rootfs "$T/rootfs" "$@"
}

# What is in the rootfs, and when it last changed.
rootfs_listing() {
	(cd "$T/rootfs" && find . -mindepth 1 -printf '%p %y %s %m %C@\n' | sort)
}

is_gone() { # PID
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

# Processes but for this shell and what it runs just now.
leftover_processes() {
	local dir pid
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		[ "$pid" = 1 ] || [ "$pid" = $BASHPID ] && continue
		is_gone "$pid" && continue
		tr '\0' ' ' 2>/dev/null <"$dir/cmdline" |
			grep -E 'belayctl|containerd-shim|runc|crun|sleep|/bin/' | grep -v "$0"
	done
}

has_no_processes() { [ -z "$(leftover_processes)" ]; }

empty_cgroups() {
	local dir

	find /sys/fs/cgroup -mindepth 2 -path '*/belay/*' ! -path '*/belay/parity.*' -type d -newer "$T/rootfs/etc" 2>/dev/null |
		grep -v ^/sys/fs/cgroup/unified/ | sort | while read -r dir; do
		[ -e "$dir" ] && [ -z "$(cat "$dir/cgroup.procs" 2>/dev/null)" ] && echo "$dir"
	done
}

# Empty now and still there a second later: other runs on this machine come and go in the same place.
cgroups_left() {
	local before

	before=$(empty_cgroups)
	[ -n "$before" ] || return 0
	sleep 1
	comm -12 <(echo "$before") <(empty_cgroups)
}

nothing_left() {
	wait_for "the last process" has_no_processes
	expect "processes left" "" "$(leftover_processes)"
	expect "mounts left" "" "$(grep "$T/state" /proc/self/mountinfo)"
	expect "files left" "" "$(find "$T/state" -mindepth 1 ! -type d 2>/dev/null)"
	expect "bundles left" "" "$(find "$T/state" -mindepth 1 -maxdepth 1 ! -name s ! -name runtime \
		2>/dev/null)"
	# crun 1.28 keeps one empty folder for all containers.
	expect "runtime state left" "" "$(find "$T/state/runtime/belay" -mindepth 1 \
		! -path '*/.empty-directory' 2>/dev/null)"
	expect "cgroups left" "" "$(cgroups_left)"
}

finish() {
	[ "$failures" = 0 ] && echo "ok $(basename "$0") $RUNTIME"
	exit $((failures > 0))
}

make_rootfs
