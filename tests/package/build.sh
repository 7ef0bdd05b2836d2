#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build.sh SOURCE OUT - builds the packages twice, in folders of different names, and compares; asks lintian. OUT/ gets
# the packages.
set -u -o pipefail
source=$(realpath "$1") out=$(realpath -m "$2")
export SOURCE_DATE_EPOCH=1795564800

skip() {
	echo "SKIPPED build: $*"
	exit 77
}
fail() {
	echo "FAILED build: $*"
	exit 1
}

for tool in cpack dpkg-deb gzip lintian; do
	command -v $tool >/dev/null || skip "there is no $tool"
done
T=$(mktemp -d /tmp/belay-package.XXXXXX)
trap 'rm -rf "$T"' EXIT

# build NAME BUILD: the sources copied to NAME, built in BUILD.
build() {
	mkdir -p "$T/$1"
	(cd "$source" && cp -a CMakeLists.txt README.md LICENSE base reaper proto process shim "$T/$1/") &&
		cmake -S "$T/$1" -B "$T/$2" -G Ninja -DCMAKE_BUILD_TYPE=Release &&
		cmake --build "$T/$2" -j 2 && (cd "$T/$2" && cpack -G DEB)
} >>"$T/log" 2>&1

umask 022
build one one/build || { tail -n 20 "$T/log"; fail "it does not build"; }
build another/source elsewhere || { tail -n 20 "$T/log"; fail "it does not build elsewhere"; }
[ "$(find "$T/one/build" -maxdepth 1 -name '*.deb' | wc -l)" = 2 ] || fail "not two packages: $(ls "$T/one/build")"
for package in "$T"/one/build/*.deb; do
	cmp "$package" "$T/elsewhere/$(basename "$package")" ||
		fail "$(basename "$package") is another when built elsewhere"
done
# A builder's umask changes the heads of ar in the outermost file, and nothing that is unpacked.
(umask 077 && cd "$T/elsewhere" && cpack -G DEB >>"$T/log" 2>&1) || fail "cpack with another umask"
for package in "$T"/one/build/*.deb; do
	diff <(dpkg-deb -c "$package") <(dpkg-deb -c "$T/elsewhere/$(basename "$package")") ||
		fail "$(basename "$package") has other modes with another umask"
done
lintian --allow-root --fail-on error,warning "$T"/one/build/*.deb || fail "lintian complains"
rm -rf "$out"
mkdir -p "$out"
cp "$T"/one/build/*.deb "$out/"
echo "ok build"
