#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools.sh DIR - what building for arm64 takes, from the machine's own archive, and nothing of it installed: Debian's cross
# compiler in DIR/host, arm64 headers and libraries in DIR/sys, an emulator in DIR/emulator, and DIR/arm64.cmake
# for cmake to find them. All that is there is left alone.
set -u -o pipefail
# shellcheck source=tests/lib/packages.sh
. "$(dirname "$0")/../lib/packages.sh"
dir=$(realpath -m "${1:?usage: tools.sh DIR}")
libraries="libc6-dev libgcc-12-dev libev-dev libprotobuf-c-dev libjansson-dev libmd-dev libcmocka-dev"

skip() {
	echo "SKIPPED tools: $*"
	exit 77
}

# fetch NAME SUITE OPTION... -- PACKAGE...: with all they need, unpacked into DIR/NAME.
fetch() {
	local name=$1 suite=$2 at=$dir/apt-$1 options=() deb

	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	private_apt_begin "$at" "$archive" "$suite"
	private_apt "$at" "${options[@]}" update && private_apt "$at" "${options[@]}" --download-only install "$@" || return 1
	mkdir -p "$dir/$name"
	for deb in "$at"/cache/archives/*.deb; do
		dpkg -x "$deb" "$dir/$name" || return 1
	done
	rm -rf "$at"
}

# The compiler's own tools look for their libraries where they are.
settle() {
	local lib=$dir/host/usr/lib/x86_64-linux-gnu file

	for file in "$dir"/host/usr/bin/aarch64-linux-gnu-* "$lib"/lib*arm64*.so*; do
		[ -L "$file" ] && continue
		case $(patchelf --print-needed "$file" 2>/dev/null) in
		*-arm64.so*) patchelf --force-rpath --set-rpath "$lib" "$file" || return 1 ;;
		esac
	done
}

make_all() {
	# The compiler beside the machine's own libraries; those of arm64 by themselves.
	fetch host bookworm -o Dir::State::status=/var/lib/dpkg/status -- gcc-12-aarch64-linux-gnu &&
		# shellcheck disable=SC2086 # a list, on purpose
		fetch sys bookworm -o APT::Architecture=arm64 -o APT::Architectures=arm64 -- $libraries &&
		# That of Debian 12 refuses what makes the harness a subreaper.
		fetch emulator trixie -- qemu-user && settle
}

for tool in apt-get dpkg patchelf; do
	command -v $tool >/dev/null || skip "there is no $tool"
done
[ "$(uname -m)" = x86_64 ] || skip "Debian's cross compiler is wanted for x86-64 only"
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
if [ ! -e "$dir/arm64.cmake" ]; then
	archive=$(debian_archive)
	[ -n "$archive" ] || skip "apt knows of no Debian archive"
	rm -rf "${dir:?}"/{host,sys,emulator}
	make_all >"$dir/log" 2>&1 || skip "they could not be fetched, see $dir/log"
	cat >"$dir/arm64.cmake" <<-END
	set(CMAKE_SYSTEM_NAME Linux)
	set(CMAKE_SYSTEM_PROCESSOR aarch64)
	set(CMAKE_SYSROOT $dir/sys)
	set(CMAKE_C_COMPILER $dir/host/usr/bin/aarch64-linux-gnu-gcc-12)
	set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
	set(CMAKE_FIND_ROOT_PATH $dir/sys)
	set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
	set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
	set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
	END
fi
echo "ok tools"
