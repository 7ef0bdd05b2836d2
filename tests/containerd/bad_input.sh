#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cannot be run is refused in words that name it, and leaves nothing.
. "$(dirname "$0")/lib.sh"

refuses() { # WHAT WORDS COMMAND...
	local what=$1 words=$2
	shift 2
	"$@" >"$T/out" 2>&1 && fail "$what: was not refused"
	grep -qF -- "$words" "$T/out" || fail "$what: no '$words' in: $(cat "$T/out")"
	ctr container rm b1 >/dev/null 2>&1
	nothing_left
}

refuses "no such program" 'exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory' \
	ctr run --rm --runtime "$RUNTIME" --rootfs "$T/rootfs" b1 /bin/nosuch
refuses "no such rootfs" "no such file or directory" \
	ctr run --rm --runtime "$RUNTIME" --rootfs "$T/nosuch" b1 /bin/true

# By hand, as containerd would start it.
shim=$SHIM_DIR/containerd-shim-belay-v2
mkdir -p "$T/bundle"
cd "$T/bundle" || exit 1
says() { # WHAT STATUS WORDS COMMAND...
	local what=$1 status=$2 words=$3
	shift 3
	"$@" >"$T/out" 2>&1
	expect "$what: status" "$status" $?
	grep -qF -- "$words" "$T/out" || fail "$what: no '$words' in: $(cat "$T/out")"
}
says "no namespace" 1 "shim namespace cannot be empty" "$shim" -id x start
says "no config.json" 1 "config.json: no such file or directory" "$shim" -namespace n -id x start
echo '{ "ociVersion": ' >config.json
says "broken config.json" 1 "parse config.json: line" "$shim" -namespace n -id x start
says "unknown flag" 2 "flag provided but not defined: -frobnicate" "$shim" -frobnicate
says "an id that is a path" 1 "'../x' is not legal" "$shim" -namespace n -id ../x start
says "version" 0 "Version:" "$shim" -v
says "info" 0 "io.containerd.belay.v2" "$shim" -info
says "info without a runtime" 1 'exec: "runc": executable file not found in $PATH' \
	env PATH=/nowhere "$shim" -info
says "help" 0 "Usage:" "$shim" -help
"$shim" -namespace n -id x delete >"$T/out" 2>"$T/err" || fail "delete of nothing failed"
expect "delete of nothing is quiet" "" "$(cat "$T/err")"
cd /
nothing_left
finish
