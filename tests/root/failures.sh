#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cannot be run is refused in words that name it, with 125; nothing is left, and the rootfs
# is as it was.
. "$(dirname "$0")/lib.sh"

before=$(rootfs_listing)

refuses() { # WHAT WORDS COMMAND...
	local what=$1 words=$2
	shift 2
	"$@" >"$T/out" 2>"$T/err"
	expect "$what: status" 125 $?
	expect_words "$what" "$words" "$T/err"
	expect "$what: nothing on stdout" "" "$(cat "$T/out")"
	expect "$what: the rootfs" "$before" "$(rootfs_listing)"
	nothing_left
}

ctl() { "$BELAYCTL" run --state "$T/state" "$@"; }

refuses "no such runtime" 'exec: "no-runc": executable file not found in $PATH' \
	ctl --runtime no-runc --rootfs "$T/rootfs" -- true
refuses "no such runtime, by path" "fork/exec /nowhere/runc: no such file or directory" \
	ctl --runtime /nowhere/runc --rootfs "$T/rootfs" -- true
refuses "a runtime that always fails" "did not terminate successfully: exit status 1" \
	ctl --runtime /bin/false --rootfs "$T/rootfs" -- true
refuses "a runtime that does nothing" "failed to retrieve OCI runtime container pid" \
	ctl --runtime /bin/true --rootfs "$T/rootfs" -- true
cat >"$T/no-start" <<-END
	#!/bin/sh
	for word; do [ "\$word" != start ] || exit 3; done
	exec $(command -v "$RUNTIME") "\$@"
END
chmod +x "$T/no-start"
refuses "a runtime whose start fails" "OCI runtime start failed" \
	ctl --runtime "$T/no-start" --rootfs "$T/rootfs" -- true
refuses "no such program" "OCI runtime create failed: " run -- /bin/nosuch
grep -qE '/bin/nosuch.*[Nn]o such file or directory' "$T/err" || fail "no such program: $(cat "$T/err")"
refuses "no such rootfs" "--rootfs /nowhere: no such file or directory" \
	ctl --runtime "$RUNTIME" --rootfs /nowhere -- true
refuses "no command" "no command to run" ctl --runtime "$RUNTIME" --rootfs "$T/rootfs" --
refuses "an id that is a path" "--name: " run --name ../x -- true
for name in s runtime exec; do
	refuses "the name of a folder of its own" "--name $name: belayctl itself uses it" run --name $name -- true
done
refuses "no such shim" "run /nowhere/shim: no such file or directory" run --shim /nowhere/shim -- true
refuses "a shim that is none" "belayctl: " run --shim /bin/true -- true

# An id in use: the first is not touched.
run -i --name twin -- sh -c 'echo ready; read line; echo "$line"' < <(
	until [ -e "$T/go" ]; do sleep 0.05; done
	echo still here
) >"$T/first" 2>&1 &
first=$!
wait_for "the first" grep -q ready "$T/first"
run --name twin -- true >"$T/out" 2>"$T/err"
expect "an id in use: status" 125 $?
expect_words "an id in use" "there is a container 'twin' already" "$T/err"
touch "$T/go"
wait "$first"
expect "the first" "0 ready still here" "$? $(tr '\n' ' ' <"$T/first" | sed 's/ $//')"
expect "the rootfs at the end" "$before" "$(rootfs_listing)"
nothing_left
finish
