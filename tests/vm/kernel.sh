#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kernel.sh DIR - Debian's kernel for the guest: DIR/vmlinuz and, in the order of loading, DIR/modules/*.ko.
#
# From the machine's own apt lists, so the signature of the index and the hash of the package have been
# checked; nothing is installed. All that is there is left alone.

set -u -o pipefail
dir=$(realpath -m "${1:?usage: kernel.sh DIR}")
modules="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet
	9pnet_virtio 9p overlay loop"

skip() {
	echo "SKIPPED kernel: $*"
	exit 77
}

# The lists of a new machine are empty.
image_package() {
	local name

	name=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }')
	[ -n "$name" ] || { apt-get -q update >&2 && name=$(apt-cache depends linux-image-amd64 |
		awk '/Depends: linux-image-/ { print $2; exit }'); }
	echo "$name"
}

fetch() {
	local package n=0 module file

	package=$(image_package)
	[ -n "$package" ] || return 1
	mkdir -p "$dir/new/modules" "$dir/new/all"
	(cd "$dir/new" && apt-get -q -o APT::Sandbox::User=root download "$package") || return 1
	dpkg -x "$dir"/new/*.deb "$dir/new/all" || return 1
	for module in $modules; do
		file=$(find "$dir/new/all/lib/modules" -name "$module.ko" | head -n 1)
		[ -n "$file" ] || continue # built in
		cp "$file" "$dir/new/modules/$(printf %02d $n)-$module.ko"
		n=$((n + 1))
	done
	cp "$dir"/new/all/boot/vmlinuz-* "$dir/new/vmlinuz" || return 1
	rm -rf "$dir"/new/all "$dir"/new/*.deb "$dir/modules"
	mv "$dir/new/modules" "$dir/modules" && mv "$dir/new/vmlinuz" "$dir/vmlinuz"
}

[ "$(uname -m)" = x86_64 ] || skip "the guest is x86-64"
for tool in apt-get apt-cache dpkg; do
	command -v $tool >/dev/null || skip "there is no $tool"
done
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
if [ ! -e "$dir/vmlinuz" ]; then
	rm -rf "$dir/new"
	fetch >"$dir/log" 2>&1 || skip "it could not be fetched, see $dir/log"
	rmdir "$dir/new"
fi
echo "ok kernel"
