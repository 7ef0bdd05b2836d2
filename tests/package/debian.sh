#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# debian.sh DIR - a fresh Debian 12 in DIR/root, with containerd, runc and busybox, and their packages' files in its
# cache, from the machine's own archive. All that is there is left alone.
. "$(dirname "$0")/../lib/packages.sh"
set -u -o pipefail
dir=$(realpath -m "${1:?usage: debian.sh DIR}")

skip() {
	echo "SKIPPED debian: $*"
	exit 77
}

[ "$(id -u)" = 0 ] || skip "needs root"
command -v debootstrap >/dev/null || skip "there is no debootstrap"
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
if [ ! -e "$dir/complete" ]; then
	archive=$(debian_archive)
	[ -n "$archive" ] || skip "apt knows of no Debian archive"
	rm -rf --one-file-system "${dir:?}/root"
	# Nothing of it is to find its way to the machine's daemons: no /run, and mounts of its own.
	unshare --mount --pid --fork --propagation private debootstrap --variant=minbase \
		--include=containerd,runc,busybox-static bookworm "$dir/root" "$archive" >"$dir/log" 2>&1 ||
		skip "it could not be made, see $dir/log"
	touch "$dir/complete"
fi
echo "ok debian"
