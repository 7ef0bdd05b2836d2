#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh KERNEL BUILD/shim V1|V2 [SCRIPT [ARGUMENT...]]... - scripts of tests/root and tests/containerd in a
# guest that has Debian's kernel and every controller of cgroup v1 or v2, which a test machine need not have.
#
# The guest is emulated by qemu. It sees our root file system read-only, with a layer in memory above it,
# so a script runs there as it does here. Scripts and their arguments are separated by "--".
# $GUEST_CMDLINE goes to its kernel too.

set -u -o pipefail
kernel=$(realpath "$1") shim=$(realpath "$2") mode=$3
shift 3
here=$(realpath "$(dirname "$0")")

skip() {
	echo "SKIPPED vm $mode: $*"
	exit 77
}

[ "$(id -u)" = 0 ] || skip "needs root"
for tool in qemu-system-x86_64 busybox cpio; do
	command -v $tool >/dev/null || skip "there is no $tool"
done
[ -e "$kernel/vmlinuz" ] || skip "there is no kernel for the guest"

T=$(mktemp -d /tmp/belay-vm.XXXXXX)
trap 'rm -rf "$T"' EXIT

make_initrd() {
	mkdir -p "$T"/initrd/{bin,proc,sys,dev,lower,upper,root}
	cp "$(command -v busybox)" "$T/initrd/bin/busybox"
	cp -r "$kernel/modules" "$T/initrd/mod"
	cp "$here/init" "$T/initrd/init"
	printf '%s\n' "$shim" "$mode" "$@" >"$T/initrd/orders"
	(cd "$T/initrd" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$T/initrd.gz"
}

# A processor stuck for a minute is a panic, and that ends qemu.
boot() {
	timeout -k 5 $((${TEST_TIMEOUT:-1100} - SECONDS)) qemu-system-x86_64 -M q35,hpet=off -accel tcg,thread=multi \
		-cpu max -m 2048 -smp 2 -nodefaults -no-user-config -no-reboot -display none -serial "file:$T/serial" \
		-virtfs local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap \
		-kernel "$kernel/vmlinuz" -initrd "$T/initrd.gz" -append "console=ttyS0 quiet panic=-1 softlockup_panic=1 \
			watchdog_thresh=30 $([ "$mode" = v2 ] && echo cgroup_no_v1=all) ${GUEST_CMDLINE-}" \
		</dev/null >"$T/qemu" 2>&1
}

make_initrd "$here/guest.sh" "$@"
boot
# No program can do that to a kernel: it was the emulation, or a machine that stood still. Once, it is started again.
if stuck=$(grep -m 1 'soft lockup' "$T/serial") && ! grep -q '^guest| FAILED' "$T/serial"; then
	echo "vm $mode: started again; the guest's kernel said: $stuck"
	boot
fi
tr -d '\r' <"$T/serial" | sed -n 's/^guest| //p'
if ! grep -q '^guest| done' "$T/serial"; then
	echo "FAILED vm $mode: the guest did not come to its end"
	tail -n 30 "$T/qemu" "$T/serial"
	exit 1
fi
! grep -q '^guest| FAILED' "$T/serial"
