#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# versions.sh - containerd, runc, crun, criu, Docker and kubectl of later Debian releases, for tests beside the
# machine's own.
#
#	tests/lib/versions.sh DIR
#
# makes DIR/trixie/bin and DIR/forky/bin, and DIR/.../cni for what sets up networks of pods. apt itself does the
# fetching, with lists and a cache below DIR: it takes the archive's address from the machine's own sources and
# checks the signed index and every hash. The system's lists are not touched and nothing is installed. Programs
# that need a later libc than ours find it by an interpreter and a library path of their own (patchelf), not
# through the environment, so that what they start is not handed libraries it was not built for.
#
# All that is there is left alone, so a second call costs nothing; what was made for another list of packages
# is made again. Without a network: SKIPPED, exit 77, and the tests that wanted a version say so in turn.

set -u -o pipefail
# shellcheck source=tests/lib/packages.sh
. "$(dirname "$0")/packages.sh"

suites="trixie forky"
packages="containerd runc crun criu docker.io docker-cli tini containernetworking-plugins kubectl"
programs="containerd ctr containerd-shim-runc-v2 runc crun criu dockerd docker docker-proxy tini-static kubectl"
networks="bridge host-local loopback"
dir=$(realpath -m "${1:?usage: versions.sh DIR}")

skip() {
	echo "SKIPPED versions: $*"
	exit 77
}

download() {
	local suite=$1 at=$dir/$1/apt

	private_apt_begin "$at" "$uri" "$suite"
	# shellcheck disable=SC2086 # a list, on purpose
	private_apt "$at" update && private_apt "$at" --download-only install $packages
}

unpack() {
	local suite=$1 deb

	mkdir -p "$dir/$suite/root"
	for deb in "$dir/$suite"/apt/cache/archives/*.deb; do
		dpkg -x "$deb" "$dir/$suite/root" || return 1
	done
}

# The suite's own loader and libraries, by absolute path: what a program inherits says nothing of them.
settle_one() { # SUITE PROGRAM FOLDER
	local root=$dir/$1/root from loader

	loader=$(find "$root/usr/lib" -name 'ld-linux-*.so.*' | head -n 1)
	from=$(find "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib/cni" -name "$2" -type f | head -n 1)
	[ -n "$from" ] || return 1
	if patchelf --print-interpreter "$from" >/dev/null 2>&1; then
		patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$(dirname "$loader")" "$from" || return 1
	fi
	mv "$from" "$dir/$1/$3/$2"
}

settle() {
	local suite=$1 name

	mkdir -p "$dir/$suite/bin" "$dir/$suite/cni"
	for name in $programs; do
		settle_one "$suite" "$name" bin || return 1
	done
	for name in $networks; do
		settle_one "$suite" "$name" cni || return 1
	done
	rm -rf "$dir/$suite/apt"
}

make_suite() {
	local suite=$1

	[ "$(cat "$dir/$suite/complete" 2>/dev/null)" = "$packages" ] && return 0
	rm -rf "${dir:?}/$suite"
	mkdir -p "$dir/$suite"
	{ download "$suite" && unpack "$suite" && settle "$suite"; } >"$dir/$suite/log" 2>&1 &&
		echo "$packages" >"$dir/$suite/complete" && return 0
	tail -n 5 "$dir/$suite/log"
	return 1
}

for tool in apt-get dpkg patchelf; do
	command -v $tool >/dev/null || skip "there is no $tool"
done
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
uri=$(debian_archive)
[ -n "$uri" ] || skip "apt knows of no Debian archive"
for suite in $suites; do
	make_suite "$suite" || skip "$suite could not be fetched, see $dir/$suite/log"
done
echo "ok versions"
