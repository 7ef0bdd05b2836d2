#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# guest.sh - inside: mounts what a machine has, runs what /orders lists, and turns the machine off.
# What goes to the serial line behind "guest| " is what run.sh shows.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
exec >/dev/ttyS0 2>&1 </dev/null

# The checkout may lie below what is covered here.
source=$(realpath "$(dirname "$0")/../..")
mkdir -p /mnt/source
mount --bind "$source" /mnt/source
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p "$source"
mount --bind /mnt/source "$source"
mkdir -p /dev/pts /dev/shm
ln -s /proc/self/fd /dev/fd
mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ip link set lo up 2>/dev/null

mapfile -t orders </orders
shim=${orders[0]} mode=${orders[1]}
if [ "$mode" = v2 ]; then
	mount -t cgroup2 none /sys/fs/cgroup
	for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
		echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
	done
else
	mount -t tmpfs tmpfs /sys/fs/cgroup
	for controller in $(awk 'NR > 1 && $4 == 1 { print $1 }' /proc/cgroups); do
		mkdir "/sys/fs/cgroup/$controller"
		mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller"
	done
fi
echo "guest| Linux $(uname -r), cgroup $mode: $(ls /sys/fs/cgroup | tr '\n' ' ' | cut -c1-60)..."

run() { # SCRIPT ARGUMENT...
	local script=$1 out status
	shift
	out=$(TEST_TIMEOUT=400 bash "$script" "$shim" "$@" 2>&1)
	status=$?
	case $status in
	0) ;;
	77) ;;
	*) echo "FAILED $(basename "$script") $*: status $status" ;;
	esac
	echo "$out"
}

words=()
for word in "${orders[@]:3}" --; do
	if [ "$word" = -- ] && [ ${#words[@]} -gt 0 ]; then
		run "${words[@]}" | sed 's/^/guest| /'
		words=()
	elif [ "$word" != -- ]; then
		words+=("$word")
	fi
done
echo "guest| done"
echo o >/proc/sysrq-trigger
sleep 10
