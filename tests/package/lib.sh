# SPDX-License-Identifier: Apache-2.0
# Sourced: a node to break. A fresh Debian 12 (debian.sh) under a layer in memory, in mount, pid, network and cgroup
# namespaces of its own: what is done to it, to its daemons and its control groups is gone with it.
#
# The caller gives its name and the fresh Debian in NODE_NAME and NODE_DEBIAN, and sources this twice: outside, to make
# the namespaces, where a `skip` of its own has been called if anything lacks, and inside.
#
# shellcheck shell=bash

set -u -o pipefail

# A control group of ours in every hierarchy of v1; its place is the root of what is seen inside. A group of v2 with
# processes in it can have no children with controllers, so on v2 the node sees the machine's groups.
node_cgroups() { # enter|leave
	local id controllers path dir lines

	lines=$(cat /proc/self/cgroup) # which changes as we move
	while IFS=: read -r id controllers path; do
		[ "$1" = enter ] || path=${path%/belay-node-*}
		case $controllers in
		'') continue ;;
		name=*) dir=/sys/fs/cgroup/${controllers#name=} ;;
		*) dir=/sys/fs/cgroup/$controllers ;;
		esac
		dir=$dir$path/belay-node-$BELAY_NODE
		if [ "$1" = enter ]; then
			mkdir "$dir" || continue
			case $controllers in
			*cpuset*)
				cat "$dir/../cpuset.cpus" >"$dir/cpuset.cpus"
				cat "$dir/../cpuset.mems" >"$dir/cpuset.mems"
				;;
			esac
			echo $BASHPID >"$dir/cgroup.procs"
		else
			find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null
		fi
	done <<<"$lines"
}

if [ -z "${BELAY_INSIDE:-}" ]; then
	BELAY_INSIDE=$(mktemp -d /tmp/belay-node.XXXXXX)
	BELAY_NODE=${BELAY_INSIDE##*.}
	export BELAY_INSIDE BELAY_NODE
	(
		node_cgroups enter
		exec timeout -k 5 "${TEST_TIMEOUT:-200}" unshare --mount --pid --net --cgroup --fork --mount-proc \
			--propagation private bash "$0" "$@" </dev/null
	)
	status=$?
	node_cgroups leave
	rm -rf --one-file-system "$BELAY_INSIDE"
	exit $status
fi

T=$BELAY_INSIDE R=$BELAY_INSIDE/root
failures=0

node_mounts() {
	local id controllers path at

	mount -t tmpfs tmpfs "$T" && mkdir "$R" "$T/upper" "$T/work" && ip link set lo up 2>/dev/null
	mount -t overlay -o "lowerdir=$(realpath "$NODE_DEBIAN/root"),upperdir=$T/upper,workdir=$T/work" overlay "$R" &&
		mount -t proc proc "$R/proc" && mount -t sysfs sysfs "$R/sys" && mount --rbind /dev "$R/dev" &&
		mount -t tmpfs tmpfs "$R/run" && mount -t tmpfs tmpfs "$R/tmp" || return 1
	if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
		mount --rbind /sys/fs/cgroup "$R/sys/fs/cgroup"
		return
	fi
	mount -t tmpfs tmpfs "$R/sys/fs/cgroup"
	while IFS=: read -r id controllers path; do
		case $controllers in
		'') continue ;; # of a machine with both, v1 is what runtimes go by
		name=*) at=${controllers#name=} controllers=none,$controllers ;;
		*) at=$controllers ;;
		esac
		mkdir "$R/sys/fs/cgroup/$at"
		mount -t cgroup -o "$controllers" cgroup "$R/sys/fs/cgroup/$at"
	done </proc/self/cgroup
}
node_mounts || { echo "FAILED: $NODE_NAME: no node"; exit 1; }

inside() { chroot "$R" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
	DEBIAN_FRONTEND=noninteractive "$@"; }

fail() {
	echo "FAILED: $*" >&2
	failures=$((failures + 1))
}
expect() { # WHAT WANTED GOT
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}
wait_for() { # WHAT COMMAND...
	local what=$1 i

	shift
	for i in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	fail "gave up waiting for $what"
}
