#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh PARITY OURS THEIRS [RUNTIME [SCENE]] - `parity` in namespaces of its own, so that no
# socket, mount or process of it meets one of the machine. THEIRS is a name or a path; "-" prints
# what OURS says.
set -u

parity=$(realpath "$1") ours=$2 theirs=$3 runtime=${4:-runc}

skip() {
	echo "SKIPPED parity $runtime: $1"
	exit 77
}

# Twice through this file: first outside, to make the namespaces, then inside.
if [ -z "${PARITY_DIR:-}" ]; then
	[ "$(id -u)" = 0 ] || skip "needs root"
	for tool in "$runtime" busybox unshare; do
		command -v "$tool" >/dev/null || skip "there is no $tool"
	done
	[ "$theirs" = - ] || command -v "$theirs" >/dev/null || skip "there is no $theirs"
	case ${5-} in criu*)
		[ -z "${BELAY_CRIU-}" ] || PATH=$(dirname "$BELAY_CRIU"):$PATH
		command -v criu >/dev/null || skip "there is no criu"
		criu check >/dev/null 2>&1 || skip "criu does not work on this kernel"
		;;
	esac
	unshare --mount --propagation private true 2>/dev/null || skip "mount namespaces are not allowed"
	PARITY_DIR=$(mktemp -d /tmp/belay-parity.XXXXXX)
	export PARITY_DIR
	timeout -k 5 "${TEST_TIMEOUT:-240}" unshare --mount --pid --fork --mount-proc \
		--propagation private bash "$0" "$@" </dev/null
	status=$?
	rm -rf --one-file-system "$PARITY_DIR"
	exit $status
fi

mount -t tmpfs tmpfs /run
# crun 1.8 refuses hybrid cgroups; without the second hierarchy it makes ordinary files there.
umount /sys/fs/cgroup/unified 2>/dev/null && mount -t tmpfs tmpfs /sys/fs/cgroup/unified
export PARITY_ROOTFS=$PARITY_DIR/rootfs
mkdir -p "$PARITY_ROOTFS"/{bin,proc,sys,dev,tmp,etc}
cp "$(command -v busybox)" "$PARITY_ROOTFS/bin/busybox"
for applet in sh cat echo sleep true stty; do
	ln -sf busybox "$PARITY_ROOTFS/bin/$applet"
done
ours=$(realpath "$(command -v "$ours")")
[ "$theirs" = - ] || theirs=$(realpath "$(command -v "$theirs")")
"$parity" "$ours" "$theirs" "$runtime" "${5:-*}"
status=$?
# What was left paused could not be killed, and our namespace would never end.
for state in /sys/fs/cgroup/freezer/belay/parity.*/freezer.state; do
	[ -e "$state" ] && echo THAWED >"$state"
done
for dir in "$PARITY_DIR"/parity.*; do
	for group in /sys/fs/cgroup/*/belay/"${dir##*/}"; do
		[ -d "$group" ] && [[ $group != */unified/* ]] || continue
		echo "left: $group"
		rmdir "$group"
		status=1
	done
done
exit $status
