#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build.sh SOURCE TOOLS - everything is built for arm64; the programs say what they are, the corpus of the fuzzers is replayed,
# and the unit tests that an emulator of one process can run are run.
set -u -o pipefail
source=$(realpath "$1") tools=$(realpath -m "$2")
failures=0

# What starts programs of its own: an emulated process cannot execute another of arm64, unless the machine's binfmt_misc
# says how, which is not ours to change. Or what asks the kernel for more than the emulator passes on.
beyond="admit affinity checkpoint child conn console container create delete dump events exec execs fake_runtime fd features
	handover harness kill memory misdeeds pause reaper rootfs_job run runtime_call service service_more spawn start sweep userns waits zombie"

[ -e "$tools/arm64.cmake" ] || { echo "SKIPPED build: there are no tools for arm64"; exit 77; }
T=$(mktemp -d /tmp/belay-arm64.XXXXXX)
trap 'rm -rf "$T"' EXIT
emulated() { timeout 60 "$tools/emulator/usr/bin/qemu-aarch64" -L "$tools/sys" "$@"; }
fail() {
	echo "FAILED $*"
	failures=$((failures + 1))
}

if ! { cmake -S "$source" -B "$T/b" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$tools/arm64.cmake" -DSHIM_TESTS=ON &&
	cmake --build "$T/b" -j 2; } >"$T/log" 2>&1; then
	echo "FAILED build: for arm64"
	grep -A 20 -m 1 -E 'FAILED|CMake Error|error:' "$T/log" || tail -n 20 "$T/log"
	exit 1
fi
for program in containerd-shim-belay-v2 belayctl; do
	LC_ALL=C readelf -h "$T/b/shim/$program" | grep -q 'Machine: *AArch64' || fail "$program is not for arm64"
	LC_ALL=C readelf -d "$T/b/shim/$program" | grep -q NEEDED && fail "$program is not static"
done
emulated "$T/b/shim/containerd-shim-belay-v2" -v | grep -q Version || fail "the shim does not run"
emulated "$T/b/shim/belayctl" --version | grep -q belayctl || fail "belayctl does not run"
for corpus in "$source"/tests/fuzz/corpus/*; do
	name=$(basename "$corpus")
	emulated "$T/b/tests/fuzz/fuzz_$name" "$corpus" >"$T/out" 2>&1 || fail "fuzz_$name: $(tail -n 3 "$T/out")"
done
for test in "$T"/b/tests/unit/test_*; do
	[ -f "$test" ] && [ -x "$test" ] || continue
	name=$(basename "$test" | sed 's/^test_//')
	grep -qw "$name" <<<"$beyond" && continue
	(cd "$T/b/tests/unit" && emulated "$test") >"$T/out" 2>&1
	case $? in
	0 | 77) grep -E '^(ok|SKIPPED) ' "$T/out" | sed "s/^\(ok\|SKIPPED\) /\1 $name /" ;;
	*) fail "$name: $(tail -n 5 "$T/out")" ;;
	esac
done
echo "SKIPPED build: the unit tests of these modules start programs, which needs a machine of arm64: $(echo $beyond)"
[ $failures = 0 ] && echo "ok build"
exit $((failures > 0))
