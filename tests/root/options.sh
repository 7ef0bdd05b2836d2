#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the options of belayctl run say is how it is inside.
. "$(dirname "$0")/lib.sh"

ln -sf busybox "$T/rootfs/bin/pwd"
mkdir "$T/shared"
echo from outside >"$T/shared/file"

expect "environment" "1 two PATH" "$(A=1 run -e A --env B=two -e NOT_OURS -- sh -c \
	'echo $A $B ${PATH:+PATH}${NOT_OURS+NOT_OURS}')"
expect "one value for a name" "/mine" "$(run -e PATH=/mine -- /bin/sh -c 'echo $PATH')"
expect "user" "7 8" "$(run --user 7:8 -- sh -c 'echo $(id -u) $(id -g)')"
expect "working directory" "/tmp" "$(run --cwd /tmp -- pwd)"
expect "mount" "from outside" "$(run --mount "$T/shared:/tmp/in" -- cat /tmp/in/file)"
run --mount "$T/shared:/tmp/in" -- sh -c 'echo inside >/tmp/in/new'
expect "what is written there is ours" "inside" "$(cat "$T/shared/new")"
run --mount "$T/shared:/tmp/in:ro" -- sh -c 'echo inside >/tmp/in/other' 2>"$T/err"
expect "a mount that is read-only" 1 $?
expect_words "a mount that is read-only" "Read-only file system" "$T/err"
expect "--read-only" "1 1" "$(run --read-only -- sh -c \
	'(echo >/file) 2>/dev/null; echo $? $( (echo >/tmp/file) 2>/dev/null; echo $?)')"

refused() { # WORDS OPTION...
	local words=$1
	shift
	run "$@" -- true 2>"$T/err"
	expect "$*" 125 $?
	expect_words "$*" "$words" "$T/err"
}
for word in 0 -1 x 1x 1mb 0x10 nan "" 99999999t; do
	refused "--memory $word: bytes are taken" --memory "$word"
done
for word in 0 -1 x 1x inf 0.001; do
	refused "--cpus $word: a number of processors" --cpus "$word"
done
for word in /a /a:b "$T:/x:rw" "$T:/x:ro:ro" ""; do
	refused "--mount $word: SOURCE:TARGET" --mount "$word"
done
refused "no such file or directory" --mount "/no/such:/x"
for word in "" : 1: :1 1:2:3; do
	refused "--user" --user "$word"
done
refused "etc/passwd in $T/rootfs: no such file or directory" --user www
printf 'root:x:0:0::/:/bin/sh\nwww:x:33:34::/:/bin/sh\n' >"$T/rootfs/etc/users"
ln -s /etc/users "$T/rootfs/etc/passwd" # as it leads inside
expect "a name" "33 34 34" "$(run --user www -- sh -c 'echo $(id -u) $(id -g) $(id -G)')"
printf 'web:x:34:\nstaff:x:50:root,www\nwww:x:51:root\nmail:x:8:www\n' >"$T/rootfs/etc/group"
expect "its groups" "33 34 34 8 50" "$(run --user www -- sh -c 'echo $(id -u) $(id -g) $(id -G)')"
expect "and a group" "33 50 50" "$(run --user www:staff -- sh -c 'echo $(id -u) $(id -g) $(id -G)')"
expect "a number and a group" "7 50 50" "$(run --user 7:staff -- sh -c 'echo $(id -u) $(id -g) $(id -G)')"
refused "there is no user 'nobody' in the rootfs's /etc/passwd" --user nobody
refused "there is no group 'nobody' in the rootfs's /etc/group" --user www:nobody
refused "--env =x: there is no name" --env =x
refused "--cwd: not an absolute path" --cwd tmp
"$BELAYCTL" run --bundle "$T" --memory 1g 2>"$T/err"
expect_words "--bundle" "options that change it go with --rootfs" "$T/err"

# Limits need controllers; v1 here, v2 in the guest of tests/vm.
limit() { # what the kernel says of the container's own group: FILE-OF-V1 FILE-OF-V2 OPTION...
	local v1=$1 v2=$2
	shift 2
	run --mount /sys/fs/cgroup:/tmp/cg:ro --name limited "$@" -- sh -c \
		"cat /tmp/cg/$v1 2>/dev/null || cat /tmp/cg/$v2"
}
mkdir -p "$T/rootfs/tmp/cg"
if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
	expect "memory" $((64 * 1024 * 1024)) "$(limit memory/belay/limited/memory.limit_in_bytes none --memory 64m)"
	expect "processors" 50000 "$(limit cpu/belay/limited/cpu.cfs_quota_us none --cpus 0.5)"
elif grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
	expect "memory" $((64 * 1024 * 1024)) "$(limit none belay/limited/memory.max --memory 64m)"
	expect "processors" "50000 100000" "$(limit none belay/limited/cpu.max --cpus 0.5)"
else
	echo "SKIPPED options.sh $RUNTIME: there is no memory controller"
fi
# Paths are those of where belayctl was called, whichever folder it works in.
mkdir -p "$T/here/data"
ln -s "$(realpath "$(dirname "$BELAYCTL")")/containerd-shim-belay-v2" "$T/here/shim"
ln -s "$(command -v "$RUNTIME")" "$T/here/runtime"
echo found >"$T/here/data/file"
expect "relative paths" found "$(cd "$T/here" && "$(realpath "$BELAYCTL")" run --state "$T/state" \
	--shim ./shim --runtime ../here/runtime --rootfs ../rootfs --mount data:/tmp -- cat /tmp/file 2>&1)"
nothing_left
finish
